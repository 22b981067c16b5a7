"""Our merged variables against those of the real `ansible-inventory`, on the same folders."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.inventory.limit import limit_hosts
from generator.inventory.load import load_inventory
from generator.inventory.merge import merge, merged_variables
from generator.inventory.vault import Vault

ROOT = Path(__file__).resolve().parents[2]

NESTED = {
    "hosts.yml": """
        all:
          vars: {x: all, only_all: 1}
          hosts: {loose: {x: loose}}
          children:
            bqn:
              vars: {x: bqn, y: bqn}
              children:
                region: {vars: {y: region, z: region}, children: {site: {hosts: {bqn-1: {z: host}, bqn-2: }}}}
            billing: {hosts: {splynx: {when: 2024-05-06, octal: 0777, flag: yes, empty: , minutes: 1:30}}}
        """,
}
VARS_FOLDERS = {
    "hosts.yml": "{all: {children: {bqn: {hosts: {a: , b: }}, billing: {hosts: {c: }}}}}",
    "group_vars/all/10-first.yml": "{x: 1, y: first, m: {deep: 1, kept: 2}}",
    "group_vars/all/20-second.yaml": "{x: 2}",
    "group_vars/all/15-nested/z.json": '{"x": 9, "big": 1e3}',
    "group_vars/all/plain": "plain: without an ending",
    "group_vars/all/.hidden.yml": "x: hidden",
    "group_vars/all/backup.yml~": "x: backup",
    "group_vars/all/notes.txt": "x: notes",
    "group_vars/all/folder.d/in.yml": "x: dotted folder",
    "group_vars/all.yml": "x: shadowed by the folder",
    "group_vars/bqn.yaml": "{y: bqn, m: {deep: 2}}",
    "group_vars/bqn.json": '{"y": "shadowed by yaml"}',
    "group_vars/billing": "y: billing",
    "group_vars/ungrouped.yml": "y: ungrouped",
    "group_vars/nobody.yml": "y: nobody",
}
HOST_VARS = {
    "hosts.yml": """
        bqn: {hosts: {a: {x: file, y: file}, b: {x: file}}, vars: {w: group}}
        other: {hosts: {a: {x: again}}}
        """,
    "group_vars/bqn.yml": "{x: group_vars, v: group_vars, w: group_vars}",
    "host_vars/a/one.yml": "y: one",
    "host_vars/a/two.yml": "{y: two, v: two}",
    "host_vars/b.json": '{"x": "json", "text": "\\u00e9"}',
}
PRIORITY = {
    "hosts.yml": """
        bqn:
          children:
            aa: {vars: {x: aa, y: aa, ansible_group_priority: 10}, hosts: {h: }}
            bb: {vars: {x: bb, y: bb, ansible_group_priority: "5"}, hosts: {h: }}
            cc:
              vars: {x: cc}
              hosts: {h: {ansible_group_priority: 7}}
              children: {deep: {vars: {y: deep}, hosts: {h: }}}
        """,
    "group_vars/cc.yml": "{ansible_group_priority: 99, x: cc files}",
    "group_vars/aa.yml": "{z: aa files}",
    "group_vars/bb.yml": "{z: bb files}",
}
TWO_PARENTS = {
    "hosts.yml": """
        north: {vars: {x: north, n: 1}, children: {shared: }}
        south: {vars: {x: south, s: 1}, children: {shared: {vars: {own: 1}}}}
        shared: {hosts: {h: }}
        far: {children: {north: }, vars: {x: far, s: far}}
        """,
    "group_vars/far.yml": "q: far",
    "group_vars/shared.yml": "q: shared",
}
DIAMOND = {
    "hosts.yml": """
        all:
          children:
            top:
              vars: {x: top}
              children:
                left: {vars: {x: left}, children: {bottom: {hosts: {h: }}}}
                right: {vars: {x: right}, children: {middle: {vars: {x: middle}, children: {bottom: }}}}
            short: {vars: {x: short}, children: {bottom: {vars: {y: bottom}}}}
            zlate: {vars: {x: zlate}, hosts: {h: }}
        """,
}
FILE_VERSUS_FILES = {
    "hosts.yml": """
        all:
          vars: {a: all, b: all, c: all, d: all}
          children: {bqn: {vars: {b: bqn, c: bqn}, hosts: {h: {d: host}}}}
        """,
    "group_vars/all.yml": "{b: group_vars all, c: group_vars all, d: group_vars all}",
    "group_vars/bqn.yml": "{c: group_vars bqn, d: group_vars bqn}",
}
RANGES = {
    "hosts.yml": """
        bqn:
          hosts:
            "bqn[01:03]": {x: range}
            "rack[a:c]-[1:5:2]": {x: letters}
            "[8:10].example.net": {x: dots}
            "ported:3444": {x: port}
            "bqn[02:02]": {y: again}
            "2001:db8::7": {x: six}
            "[2001:db8::8]:99": {x: bracketed}
        """,
    "host_vars/bqn02.yml": "z: own",
}
SAME_NAME = {
    "hosts.yml": "{splynx: {hosts: {splynx: {x: of both}}}, bqn: {hosts: {splynx: {y: of both}, other: }}}",
    "host_vars/splynx.yml": "z: host",
    "group_vars/splynx.yml": "z: group",
}
UNGROUPED = {
    "hosts.yml": """
        all: {hosts: {a: , b: }, vars: {x: all}}
        ungrouped: {hosts: {b: , c: }, vars: {x: ungrouped}}
        some: {hosts: {c: }, children: none_of_ours}
        text: {hosts: only-one}
        """,
    "group_vars/ungrouped.yml": "y: ungrouped",
}
CASES = {
    "nested": NESTED, "vars-folders": VARS_FOLDERS, "host-vars": HOST_VARS, "priority": PRIORITY,
    "two-parents": TWO_PARENTS, "diamond": DIAMOND, "file-versus-files": FILE_VERSUS_FILES, "ranges": RANGES,
    "same-name": SAME_NAME, "ungrouped": UNGROUPED,
}  # fmt: skip


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks what `ansible-inventory` says of a folder, with no configuration but its defaults."""
    home = tmp_path_factory.mktemp("ansible")
    (home / "ansible.cfg").touch()
    environment = {
        "PATH": os.defpath,
        "HOME": str(home),
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(home),
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        "LC_ALL": "C.UTF-8",
    }
    command = [sys.executable, str(ROOT / "tests" / "tools" / "ansible_inventory.py")]
    with subprocess.Popen(
        command, env=environment, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        asked, answered = server.stdin, server.stdout

        def ask(folder: Path, *arguments: str) -> Any:
            asked.write(json.dumps(["-i", str(folder), *arguments]) + "\n")
            asked.flush()
            answer = json.loads(answered.readline())
            assert answer["code"] == 0, answer["err"]
            return json.loads(answer["out"])

        yield ask
        asked.close()


def as_json(value: Any) -> Any:
    def plain(other: Any) -> str:
        assert isinstance(other, dt.date)
        return other.isoformat()

    return json.loads(json.dumps(value, default=plain))


def assert_same(folder: Path, ansible: Ask) -> None:
    theirs = ansible(folder, "--list")
    ours = as_json(merged_variables(folder, Vault({})))
    assert {host: variables for host, variables in ours.items() if variables} == theirs["_meta"]["hostvars"]
    graph = merge(folder, Vault({})).graph
    for group, body in theirs.items():
        if group != "_meta":
            assert sorted(graph.groups[group].hosts if group != "all" else ()) == sorted(body.get("hosts", []))
            assert sorted(graph.groups[group].children) == sorted(
                {*body.get("children", []), *(["ungrouped"] if group == "all" else [])}
            )


@pytest.mark.parametrize("case", CASES)
def test_variables_merge_as_in_ansible(case: str, tmp_path: Path, ansible: Ask) -> None:
    assert_same(write(tmp_path / "inventory", CASES[case]), ansible)


def test_the_example_merges_as_in_ansible(ansible: Ask) -> None:
    folder = ROOT / "inventories" / "example"
    assert_same(folder, ansible)
    loaded = load_inventory(folder, environ={}, credentials=frozenset())
    for group, ours in (("billing", loaded.billing), ("bqn", loaded.bqn)):
        listed = ansible(folder, "--list", "--limit", group)["_meta"]["hostvars"]
        assert set(ours) == set(listed)
        assert len(ours) > 1
    theirs = ansible(folder, "--host", "bqn-north")
    assert theirs == merged_variables(folder, Vault({}))["bqn-north"]
    assert theirs["credentials"]["password"] == "{{ lookup('env', 'BQN_PASSWORD') }}"


LIMITS = {
    "hosts.yml": """
        bqn:
          vars: {credentials: {username: u, password: p}}
          children:
            north: {hosts: {"bqn-n[1:3]": }}
            south: {hosts: {bqn-s1: , bqn-n3: , bqn.example.net: }}
        """,
}
PATTERNS = [
    "all", "north", "north:&south", "!south:north", "bqn-?1,bqn.*", "~bqn-n[12]", "north[0]:south[-1]",
    "north[1:]", "north[0-1]", "bqn-n[!1]", "*th:!bqn-n3", "&south",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_limit_as_in_ansible(pattern: str, tmp_path: Path, ansible: Ask) -> None:
    folder = write(tmp_path / "inventory", LIMITS)
    theirs = ansible(folder, "--list", "--limit", pattern)["_meta"]["hostvars"]
    assert limit_hosts(load_inventory(folder, environ={}), pattern) == set(theirs)


GROUPS = [f"g{number}" for number in range(5)]
HOSTS = ["h0", "h1", "h2"]
values = st.one_of(st.integers(0, 9), st.booleans(), st.none(), st.sampled_from(["a", "no", "0123"]), st.just({"k": 1}))
variables = st.dictionaries(st.sampled_from(["u", "v", "w"]), values, max_size=3)


@st.composite
def inventories(draw: st.DrawFn) -> dict[str, str]:
    """Small inventories whose groups form any graph without loops, in any order of the file."""
    names = draw(st.permutations(GROUPS))
    top: dict[str, Any] = {}
    for index, name in enumerate(names):
        below = draw(st.lists(st.sampled_from(names[index + 1 :]), unique=True)) if index < len(names) - 1 else []
        chosen = dict(draw(variables))
        if draw(st.booleans()):
            chosen["ansible_group_priority"] = draw(st.integers(0, 3))
        hosts = {host: draw(variables) or None for host in draw(st.lists(st.sampled_from(HOSTS), unique=True))}
        top[name] = {"vars": chosen, "children": dict.fromkeys(below), "hosts": hosts}
    ordered = {name: top[name] for name in draw(st.permutations(GROUPS))}
    if draw(st.booleans()):
        ordered = {"all": {"vars": draw(variables), "children": ordered}}
    files = {"hosts.yml": yaml.safe_dump(ordered, sort_keys=False)}
    for kind, owners in (("group_vars", ["all", "ungrouped", *GROUPS]), ("host_vars", HOSTS)):
        for owner in draw(st.lists(st.sampled_from(owners), unique=True, max_size=3)):
            where = draw(st.sampled_from([f"{owner}.yml", f"{owner}.json", f"{owner}/one.yml", owner]))
            files[f"{kind}/{where}"] = json.dumps(draw(variables))
    return files


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(files=inventories())
def test_any_small_inventory_merges_as_in_ansible(
    files: dict[str, str], tmp_path_factory: pytest.TempPathFactory, ansible: Ask
) -> None:
    folder = write(tmp_path_factory.mktemp("random") / "inventory", files)
    assert_same(folder, ansible)
