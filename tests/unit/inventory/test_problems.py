"""Every problem of every host at once, each with its exact place, and none with a credential in it.

problems.txt holds inventories (`--- FILE`) and what is told of them (`>>> PROBLEM`, where
`{systems}` stands for the billing systems there are); hidden.txt holds ways
to get credentials wrong.
"""

import logging
from pathlib import Path
from typing import Any

import pytest

from generator.inventory.shape import known_systems

HERE = Path(__file__).resolve().parent
BQN = "bqn: {hosts: {n: {credentials: {username: u, password: p}}}}\n"


def cases() -> dict[str, tuple[dict[str, str], list[str]]]:
    found: dict[str, tuple[dict[str, str], list[str]]] = {}
    for text in (HERE / "problems.txt").read_text(encoding="utf-8").split("=== ")[1:]:
        title, _, body = text.partition("\n")
        files: dict[str, str] = {}
        problems: list[str] = []
        for line in body.splitlines():
            if line.startswith("--- "):
                files[line[4:]] = ""
            elif line.startswith(">>> "):
                problems.append(line[4:].replace("{systems}", ", ".join(known_systems())))
            else:
                files[list(files)[-1]] += line + "\n"
        assert title not in found
        found[title] = files, problems
    return found


CASES = cases()


@pytest.mark.parametrize("title", CASES)
def test_problems_tell_their_place_and_their_fix(problems: Any, title: str) -> None:
    files, expected = CASES[title]
    assert problems(files) == expected


@pytest.mark.parametrize("credentials", (HERE / "hidden.txt").read_text(encoding="utf-8").splitlines())
def test_no_problem_ever_tells_a_credential(problems: Any, credentials: str) -> None:
    files = {
        "hosts.yml": f"bqn:\n  hosts:\n    n:\n      credentials: {credentials}\n",
        "group_vars/all.yml": "pw: \"{{ lookup('env', 'PW') }}\"\nbroken: 'ab{{cd hunter2'\n",
    }
    found = problems(files, PW="hunter2")
    assert found
    assert not any("hunter2" in problem for problem in found), found


def test_no_problem_of_another_setting_tells_a_credential(problems: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    files = {"hosts.yml": "bqn: {hosts: {n: {port: x, credentials: {username: hunter2, password: hunter2}}}}\n"}
    assert "hunter2" not in "".join(problems(files)) + caplog.text


def test_variables_that_are_no_settings_are_the_operators_own(load: Any) -> None:
    files = {
        "hosts.yml": BQN,
        "group_vars/all.yml": "ansible_user: root\nsite: madrid\nkeep_absent: 48h\n",
        "host_vars/n.yml": """
proot: 8443
port: "{{ proot }}"
managd_groups: "{{ proot }}"
x: "{{ managd_groups }}"
""",
    }
    assert load(files).bqn["n"].port == 8443


def test_a_typo_in_a_group_is_told_once(problems: Any) -> None:
    files = {
        "hosts.yml": 'bqn: {hosts: {"b[1:9]": {credentials: {username: u, password: p}}}}\n',
        "group_vars/bqn.yml": "gaurds: {}\n",
    }
    assert len(problems(files)) == 1


def test_bytes_that_are_not_utf8_are_told_with_their_place(problems: Any, tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "bqn.yml").write_bytes(b"a: 1\nb: \xff\n")
    assert problems({"hosts.yml": BQN}) == ["group_vars/bqn.yml:2:4: byte 0xff is not UTF-8 → save the file as UTF-8"]


def test_a_file_that_cannot_be_read_is_told(problems: Any, tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "n.yml").symlink_to(tmp_path / "host_vars" / "n.yml")
    found = problems({"hosts.yml": BQN})
    assert found == ["host_vars/n.yml: cannot be read: Too many levels of symbolic links"]
