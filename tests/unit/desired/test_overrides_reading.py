"""Reading `overrides.yml`: what it may say, and where each mistake is told."""

import re
from datetime import date
from ipaddress import ip_network
from pathlib import Path

import jsonschema_rs
import pytest

from generator.desired.overrides.model import GroupChange, Match, Override, Rates
from generator.desired.overrides.reading import load_overrides, parse_overrides
from generator.documents.schema import load_schema
from generator.errors import DocumentError

FILE = Path("overrides.yml")


def read(text: str, *, sources: tuple[str, ...] = ("splynx",)) -> tuple[Override, ...]:
    return parse_overrides(text, FILE, sources=sources).entries


def problems(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def one(match: str = "{id: ana}", set_: str = "{blocked: true}", rest: str = "reason: because") -> str:
    return f"overrides:\n  vip-1:\n    {rest}\n    match: {match}\n    set: {set_}\n"


def test_the_schema_is_sound_and_every_property_is_titled_and_described() -> None:
    schema = load_schema("overrides")
    jsonschema_rs.meta.validate(schema)
    bare = []

    def walk(node: object, path: str) -> None:
        if isinstance(node, dict):
            for name, rule in ({**node.get("properties", {}), **node.get("$defs", {})}).items():
                if not (rule.get("title") and rule.get("description")):
                    bare.append(f"{path}.{name}")
                walk(rule, f"{path}.{name}")

    walk(schema, "")
    assert bare == []


def test_everything_that_can_be_said_is_read() -> None:
    text = """
overrides:
  all:
    reason: "ticket 4711"
    until: "2026-12-31"
    match: {id: "4711", ip: 10.20.0.0/16, policy: Home 50M, group: L1-North, source: splynx}
    set: {policy: Home_100M, blocked: false, groups: {add: [L1 North], remove: [L2-South]}}
  rates:
    reason: x
    match: {ip: "2001:DB8:0::1"}
    set: {rates: {download: 100000, upload: unlimited}, groups: {set: []}}
  gone: {reason: moved, match: {ip: "::ffff:10.0.0.1"}, set: {absent: true}}
"""
    everything, rates, gone = read(text)
    assert everything == Override(
        name="all",
        reason="ticket 4711",
        until=date(2026, 12, 31),
        match=Match(
            id="4711", network=ip_network("10.20.0.0/16"), policy="Home 50M", group="L1-North", source="splynx"
        ),
        policy="Home_100M",
        blocked=False,
        groups=GroupChange(add=frozenset({"L1_North"}), remove=frozenset({"L2-South"})),
    )
    assert rates.match == Match(network=ip_network("2001:db8::1/128"), alone=True)
    assert (rates.rates, rates.groups) == (Rates(download=100_000, upload=None), GroupChange(only=()))
    assert (gone.absent, gone.match) == (True, Match(network=ip_network("10.0.0.1/32"), alone=True))


def test_the_last_day_still_counts() -> None:
    (override,) = read(
        one(rest='{reason: x, until: "2026-12-31"}'.replace("{", "").replace("}", "").replace(", ", "\n    "))
    )
    assert not override.expired(date(2026, 12, 31))
    assert override.expired(date(2027, 1, 1))


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        (one(rest='until: "2026-01-01"'), "3:5", "reason is missing"),
        (one(rest='reason: " "'), "3:13", "form"),
        (one(rest="reason: x\n    until: 2026-01-01"), "4:12", 'write "2026-01-01"'),
        (one(rest='reason: x\n    until: "2026-02-30"'), "4:12", "no day of the calendar"),
        (one(rest='reason: x\n    until: "soon"'), "4:12", "form"),
        (one(match="{}"), "4:12", "empty"),
        (one(match="{id: 4711}"), "4:17", "put it in quotes"),
        (one(match="{ip: 10.20.30.0/16}"), "4:17", "write 10.20.0.0/16"),
        (one(match="{ip: here}"), "4:17", "neither an IP address nor a network"),
        (one(match='{ip: "fe80::1%eth0"}'), "4:17", "neither"),
        (one(match="{source: splynx}"), "4:12", "every subscriber"),
        (one(match="{id: a, source: splinx}"), "4:28", "did you mean splynx"),
        (one(match="{name: a}"), "4:13", "unknown key"),
        (one(set_="{}"), "5:10", "empty"),
        (one(set_="{policy: A, rates: {download: 1, upload: 1}}"), "5:29", "keep one"),
        (one(set_="{policy: Billing-Block}"), "5:19", "blocked: true"),
        (one(set_="{rates: {download: 0, upload: 1}}"), "5:29", "is not"),
        (one(set_="{rates: {download: fast, upload: 1}}"), "5:29", "form"),
        (one(set_="{rates: {download: 1}}"), "5:18", "upload is missing"),
        (one(set_="{absent: true, blocked: true}"), "5:19", "nothing else"),
        (one(set_="{absent: false}"), "5:19", "True"),
        (one(set_="{groups: {set: [A], add: [B]}}"), "5:25", "nothing is left"),
        (one(set_="{groups: {add: [A B], remove: [A_B]}}"), "5:40", "added and removed"),
        (one(set_="{groups: {add: [all-subscribers]}}"), "5:", "all-subscribers"),
        ("overrides:\n  vip 1: {reason: x, match: {id: a}, set: {blocked: true}}\n", "2:", "vip 1"),
        ("overrides:\n  no: {reason: x, match: {id: a}, set: {blocked: true}}\n", "2:3", '"no"'),
        ("overrides: []\n", "1:12", "a list is not a mapping"),
        ("vip: {}\n", "1:1", "vip"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_at_its_place(text: str, place: str, says: str) -> None:
    told = problems(text)
    assert any(line.startswith(f"overrides.yml:{place}") and says in line for line in told), told


def test_the_example_of_the_manual_is_valid() -> None:
    manual = (Path(__file__).resolve().parents[3] / "docs" / "overrides.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", manual, re.DOTALL)
    assert [len(read(block, sources=("splynx-main",))) for block in blocks] == [3]


def test_all_mistakes_are_told_at_once() -> None:
    text = one(match="{ip: here}", set_="{policy: A, rates: {download: 1, upload: 1}}")
    assert len(problems(text + text.partition("\n")[2].replace("vip-1", "vip-2"))) == 4


@pytest.mark.parametrize("text", ["", "overrides:\n", "overrides: {}\n", "# nothing yet\n"])
def test_no_overrides_are_no_mistake(text: str) -> None:
    assert read(text) == ()


def test_an_inventory_without_the_file_has_none(tmp_path: Path) -> None:
    assert load_overrides(tmp_path, sources=None).entries == ()


def test_a_file_that_would_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "overrides.yaml").write_text("overrides:\n")
    with pytest.raises(DocumentError, match="rename it to"):
        load_overrides(tmp_path, sources=None)


def test_a_link_to_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "overrides.yml").symlink_to(tmp_path / "nothing.yml")
    with pytest.raises(DocumentError, match="cannot be read"):
        load_overrides(tmp_path, sources=None)
