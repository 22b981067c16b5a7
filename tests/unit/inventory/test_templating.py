from pathlib import Path
from typing import Any

import pytest

from generator.inventory.secret import Secret

HOSTS = {"hosts.yml": "bqn: {hosts: {n.example.net: {credentials: {username: u, password: p}}}}\n"}


@pytest.fixture
def value(load: Any) -> Any:
    """What a template gives, seen through the free-form names of managed_groups."""

    def resolve(template: str, variables: str = "", **environ: str) -> Any:
        files = HOSTS | {"group_vars/all.yml": f"managed_groups: {template}\n{variables}"}
        return load(files, **environ).bqn["n.example.net"].managed_groups

    return resolve


@pytest.fixture
def problem(problems: Any) -> Any:
    def find(template: str, variables: str = "", **environ: str) -> Any:
        found = problems(HOSTS | {"group_vars/all.yml": f"managed_groups: {template}\n{variables}"}, **environ)
        assert len(found) == 1
        return found[0].replace("group_vars/all.yml:", "").replace("host n.example.net, ", "")

    return find


@pytest.mark.parametrize(
    ("template", "variables", "expected"),
    [
        ('["{{ a }}-x"]', "a: 1", ("1-x",)),
        ('["{{ a }}"]', "a: '1'", ("1",)),
        ('"{{ a }}"', "a: [x, y]", ("x", "y")),
        ('"{{ a + [b] }}"', "a: ['{{ b }}']\nb: z", ("z", "z")),
        ('"{{ a.b.c }}"', "a: {b: {c: [x]}, broken: '{{ nope }}'}", ("x",)),
        ("\"{{ a['b'] }}\"", "a: {b: [x]}", ("x",)),
        ("\"{{ a | default(['d']) }}\"", "", ("d",)),
        ("\"{{ a | default(['d']) }}\"", "a: '{{ b }}'", ("d",)),
        ("\"{{ lookup('env', 'NO') | default(['d']) }}\"", "", ("d",)),
        ("[\"{{ lookup('env', 'NO', default='d') }}\"]", "", ("d",)),
        ("\"{{ a | map('upper') }}\"", "a: [x, y]", ("X", "Y")),
        ('"{{ a | sort | reverse | list }}"', "a: [x, y]", ("y", "x")),
        ('["{% if a %}yes{% else %}no{% endif %}"]', "a: false", ("no",)),
        ('["{% raw %}{{ a }}{% endraw %}"]', "", ("{{ a }}",)),
        ('["a{# c #}b"]', "", ("ab",)),
        ('["x{{ none }}y"]', "", ("xy",)),
        ('["{{ inventory_hostname }}", "{{ inventory_hostname_short }}"]', "", ("n.example.net", "n")),
        ('"{{ group_names }}"', "", ("bqn",)),
        ('"{{ groups.bqn }}"', "", ("n.example.net",)),
        ('"{{ a.keys() | list }}"', "a: {x: '{{ nope }}', y: 1}", ("x", "y")),
        ('["{{ a | tojson }}"]', "a: [1]", ("[1]",)),
        ('["{{ range(2) | join }}"]', "", ("01",)),
        ("[\"{{ 'x' if (a is defined and b is not defined) else 'y' }}\"]", "a: 1", ("x",)),
        ("[\"{{ dict(a, k='v').k }}\"]", "a: {x: 1}", ("v",)),
        ("[\"{{ 'ab' * 2 }}\"]", "", ("abab",)),
    ],
)
def test_templates_give_what_ansible_gives(value: Any, template: str, variables: str, expected: Any) -> None:
    assert value(template, variables) == expected


def test_one_expression_keeps_its_type_and_text_stays_text(load: Any) -> None:
    files = HOSTS | {
        "group_vars/bqn.yml": """
number: 8443
port: "{{ number }}"
timeout: "{{ lookup('env', 'SECONDS') | float }}"
prune: "{{ number == 1 }}"
managed_groups: ["{{ lookup('env', 'DIGITS') }}"]
ipv6_prefix: "{{ 56 }}"
"""
    }
    host = load(files, SECONDS="2.5", DIGITS="0123").bqn["n.example.net"]
    assert (host.port, host.timeout_s, host.prune, host.managed_groups, host.ipv6_prefix) == (
        8443, 2.5, False, ("0123",), 56,
    )  # fmt: skip


def test_the_environment_and_files_are_never_templates(load: Any) -> None:
    files = {
        "hosts.yml": """
bqn:
  hosts:
    n:
      credentials:
        username: "{{ lookup('env', 'USER_NAME') }}"
        password: "{{ lookup('file', 'secrets/pw') }}"
""",
        "secrets/pw": "{{ 7 * 7 }} \r\n\n",
    }
    host = load(files, USER_NAME="{{ nope }}").bqn["n"]
    assert host.username == Secret("{{ nope }}")
    assert host.password == Secret("{{ 7 * 7 }} ")


def test_a_file_may_be_named_by_its_whole_path(load: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("word", encoding="utf-8")
    template = f"{{{{ lookup('ansible.builtin.file', '{tmp_path}/elsewhere') }}}}"
    files = {"hosts.yml": f'bqn: {{hosts: {{n: {{credentials: {{username: u, password: "{template}"}}}}}}}}\n'}
    assert load(files).bqn["n"].password == Secret("word")


def test_credentials_may_stand_for_a_whole_mapping(load: Any) -> None:
    files = {
        "hosts.yml": 'bqn: {hosts: {n: {credentials: "{{ vault.bqn }}"}}}\n',
        "group_vars/all.yml": """
vault:
  bqn: {username: u, password: "{{ lookup('env', 'PW') }}"}
  splynx: {api_key: "{{ lookup('env', 'NOT_SET') }}"}
""",
    }
    assert load(files, PW="word").bqn["n"].password == Secret("word")


def test_what_no_setting_uses_is_not_resolved(load: Any) -> None:
    files = HOSTS | {"group_vars/all.yml": "spare: \"{{ lookup('env', 'NOT_SET') }}\"\nbroken: '{{ ('\n"}
    assert load(files).bqn["n.example.net"].port == 3443


def test_templates_cannot_be_nested_without_end(problem: Any) -> None:
    deep = "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}"
    assert "nested too deeply" in problem(f'"{deep}"')
    chain = "\n".join(f"v{number}: '{{{{ v{number + 1} }}}}'" for number in range(100))
    assert "stand for one another" in problem('"{{ v0 }}"', chain)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "there is no file FOLDER/secrets/x → paths count from the inventory folder"),
        (b"\xff", "the file FOLDER/secrets/x byte 0xff is not UTF-8"),
        (
            b"$ANSIBLE_VAULT;1.1\n",
            ("the file FOLDER/secrets/x: it is no text of Ansible Vault that can be read here → encrypt it anew with "
            "ansible-vault: read are versions 1.1 and 1.2 with AES256"),
        ),
        (b"x" * 1_048_577, "the file FOLDER/secrets/x is larger than 1048576 bytes"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_looked_up(problem: Any, tmp_path: Path, content: bytes | None, expected: str) -> None:
    (tmp_path / "secrets").mkdir()
    if content is not None:
        (tmp_path / "secrets" / "x").write_bytes(content)
    found = problem("\"{{ lookup('file', 'secrets/x') }}\"")
    # The fixture takes the folder out of the messages.
    assert found == "1:17: key managed_groups: " + expected.replace("FOLDER/", "")


def test_bytes_in_the_environment_that_are_no_text_are_told(problems: Any) -> None:
    password = "{{ lookup('env', 'PW') }}"
    files = {"hosts.yml": f'bqn: {{hosts: {{n: {{credentials: {{username: u, password: "{password}"}}}}}}}}\n'}
    found = problems(files, PW=b"\xff".decode(errors="surrogateescape"))
    assert found == ["hosts.yml:1:56: host n, key credentials.password: this credential is not UTF-8 text"]
