from typing import Any

import pytest

from generator.errors import UsageError
from generator.inventory.limit import limit_hosts
from generator.inventory.settings import Inventory

FILES = {
    "hosts.yml": """
billing:
  vars: {system: splynx, credentials: {api_key: k, api_secret: s}}
  hosts: {splynx-main: , splynx-old: }
bqn:
  vars: {credentials: {username: u, password: p}}
  children:
    north: {hosts: {"bqn-n[1:3]": }}
    south: {hosts: {bqn-s1: , bqn-n3: , bqn.example.net: }}
    empty:
six: {hosts: {"2001:db8::7": }}
routers: {hosts: {mikrotik: }}
bqn_six: {children: {six: }}
"""
}
NORTH, SOUTH = {"bqn-n1", "bqn-n2", "bqn-n3"}, {"bqn-s1", "bqn-n3", "bqn.example.net"}
BILLING = {"splynx-main", "splynx-old"}
BQN = NORTH | SOUTH


@pytest.fixture
def inventory(load: Any) -> Inventory:
    loaded: Inventory = load(FILES)
    return loaded


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        (None, BQN | BILLING),
        ("all", BQN | BILLING),
        ("*", BQN | BILLING),
        ("bqn-n1", {"bqn-n1"}),
        ("bqn", BQN),
        ("north", NORTH),
        ("north,south", BQN),
        ("north:south", BQN),
        ("north south", BQN),
        (" north , bqn-s1 ", NORTH | {"bqn-s1"}),
        ("north,", NORTH),
        ("north:&south", {"bqn-n3"}),
        ("&south:north", {"bqn-n3"}),
        ("north:!south", NORTH - {"bqn-n3"}),
        ("!south:north", NORTH - {"bqn-n3"}),
        ("!bqn", BILLING),
        ("&south", SOUTH),
        ("all:!billing:&north:!bqn-n1", {"bqn-n2", "bqn-n3"}),
        ("bqn-*", BQN - {"bqn.example.net"}),
        ("*.example.net", {"bqn.example.net"}),
        ("bqn-?1", {"bqn-n1", "bqn-s1"}),
        ("nor*", NORTH),
        ("~bqn-n[12]", {"bqn-n1", "bqn-n2"}),
        ("~(north|splynx-o)", NORTH | {"splynx-old"}),
        ("~.*1$", {"bqn-n1", "bqn-s1"}),
        ("north[0]", {"bqn-n1"}),
        ("north[-1]", {"bqn-n3"}),
        ("north[0:1]", {"bqn-n1", "bqn-n2"}),
        ("north[1:]", {"bqn-n2", "bqn-n3"}),
        ("north[0-1]", {"bqn-n1", "bqn-n2"}),
        ("north[0]:south[0]", {"bqn-n1", "bqn-s1"}),
        ("bqn-n[!1]", {"bqn-n2", "bqn-n3"}),
        ("bqn.example.net", {"bqn.example.net"}),
        ("bqn.example.net,mikrotik", {"bqn.example.net"}),
        ("north:!empty", NORTH),
    ],
)  # fmt: skip
def test_patterns_match_as_in_ansible(inventory: Inventory, pattern: str | None, hosts: set[str]) -> None:
    assert limit_hosts(inventory, pattern) == hosts


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("bqn-nort", "--limit: 'bqn-nort' matches no host and no group\n  → did you mean"),
        ("north,suoth", "--limit: 'suoth' matches no host and no group\n  → did you mean south or north?"),
        ("all:!nroth", "--limit: 'nroth' matches no host and no group\n  → did you mean north or south?"),
        ("all:&nroth", "--limit: 'nroth' matches no host and no group"),
        ("zzzz*", "--limit: 'zzzz*' matches no host and no group"),
        ("~zzz", "--limit: '~zzz' matches no host and no group"),
        ("~(", "--limit: '~(' is not a regular expression"),
        ("north:!north", "--limit 'north:!north' leaves no host\n  → hosts: bqn-n1, "),
        ("empty", "--limit 'empty' leaves no host"),
        ("mikrotik", "--limit 'mikrotik' leaves only hosts that are neither in billing nor in bqn"),
        ("2001:db8::7", "--limit '2001:db8::7' leaves only hosts that are neither in billing nor in bqn"),
        ("north[3]", "--limit: 'north[3]' matches no host\n  → there are 3, counted from 0"),
        ("north[-4]", "--limit: 'north[-4]' matches no host"),
        ("north[2:1]", "--limit: 'north[2:1]' matches no host"),
        ("", "--limit is empty\n  → name hosts or groups, or leave it out for all hosts"),
        (" , ", "--limit is empty"),
        ("north:!", "--limit: nothing stands after !"),
        ("~", "--limit: nothing stands after ~"),
    ],
)
def test_what_matches_nothing_is_an_error(inventory: Inventory, pattern: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        limit_hosts(inventory, pattern)
    assert str(caught.value).startswith(expected)
