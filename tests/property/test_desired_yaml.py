"""What the writer writes is read back, both ways of reading agree, and no reader of YAML sees otherwise."""

from collections import Counter
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from generator.desired.lines import KEYWORDS, scalar
from generator.desired.reading import KINDS, read_as_yaml, read_entries
from generator.desired.render import render_tree
from generator.desired.tree import load_tree, read_tree, save_tree
from generator.documents.yaml import Dialect, parse
from generator.errors import DocumentError
from generator.model import Billed, DesiredState, Group, Limit, Policy, Rejected, Subscriber

calmly = partial(settings, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
"""No test fails because a machine is slow."""

TRAPS = (
    "no",
    "y",
    "ON",
    "null",
    "~",
    "true",
    "inf",
    ".inf",
    "NaN",
    "0123",
    "0x1F",
    "0o17",
    "1e3",
    "12:30",
    "1_000",
    "2024-01-01",
    "=",
    "<<",
    "- a",
    "a: b",
    "a #b",
    "#a",
    "*a",
    "&a",
    "!a",
    "%a",
    "@a",
    "`a",
    "{a}",
    "[a]",
    "a,b",
    "'",
    '"',
    "\\",
    "\\u0041",
    "|",
    ">",
    "?",
    ": ",
    "---",
    "...",
    "",
    " ",
    " a ",
    "a\nb",
    "a\r\nb",
    "\t",
    "\x00",
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\xa0",
    "\xad",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u200d",
    "\ufeff",
    "\ufffe",
    "\U000e0001",
    "\U0010ffff",
    "😀",
    "é",
    "00:11:22:aa:bb:cc",
    "aa-bb-cc-dd-ee-ff",
    "aabb.ccdd.eeff",
    "unlimited",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "\ue000",
    "10.0.0.1",
    "guard",
)

texts = st.one_of(st.sampled_from(TRAPS), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
names = texts.filter(
    lambda text: (
        text not in {"", ".", "..", "all-subscribers"}
        and not any(character < " " or character == "\x7f" for character in text)
    )
)
numbers = st.integers(0, 2_147_483_647)
maybe = st.none() | numbers


@st.composite
def limits(draw: st.DrawFn) -> Limit:
    rate = draw(maybe)
    if draw(st.booleans()):
        return Limit(rate=rate)
    return Limit(
        rate=rate,
        burst_rate=draw(st.integers(1, 2_147_483_647)),
        burst_duration=draw(maybe),
        burst_threshold=draw(maybe),
        burst_threshold_window=draw(maybe),
        burst_transition_duration=draw(maybe),
    )


@st.composite
def addresses(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        return str(IPv4Address(draw(st.integers(0, 2**32 - 1) | st.integers(0x0A000000, 0x0A020000))))
    address = IPv6Address(draw(st.integers(0, 2**128 - 1) | st.integers(0, 2**64 - 1).map(lambda n: n << 64)))
    return str(address.ipv4_mapped or address)


few_names = st.sampled_from(("Home_50M", "no", "L1-A B", "Дім", "0123", "a: b"))
billed = st.builds(
    Billed,
    policy=st.none() | few_names,
    blocked=st.booleans(),
    reason=st.none() | texts,
    groups=st.lists(few_names, max_size=3, unique=True).map(tuple),
)
override_names = st.sampled_from(((), ("vip-1",), ("no", "a.B_9")))


@st.composite
def states(draw: st.DrawFn) -> DesiredState:
    policies = draw(st.lists(names, max_size=4, unique=True))
    groups = draw(st.lists(names, max_size=4, unique=True))
    ips = draw(st.lists(addresses(), max_size=6, unique=True))
    one_policy = st.none() | names
    return DesiredState(
        policies={
            name: Policy(name=name, id=draw(st.none() | texts), download=draw(limits()), upload=draw(limits()))
            for name in policies
        },
        groups={
            name: Group(
                name=name,
                type=draw(st.none() | names),
                policy=draw(one_policy),
                ranges=draw(st.sampled_from([(), ("2001:db8::/56",), ("10.0.0.0/8", "2001:db8::/48")])),
            )
            for name in groups
        },
        subscribers={
            ip: Subscriber(
                ip=ip,
                id=draw(st.none() | texts),
                policy=draw(one_policy),
                blocked=draw(st.booleans()),
                reason=draw(st.none() | texts),
                groups=tuple(draw(st.lists(names, max_size=3, unique=True))),
                overrides=draw(override_names),
                billed=draw(st.none() | billed),
            )
            for ip in ips
        },
        rejected=tuple(
            Rejected(
                record=draw(texts.filter(bool)),
                reason=draw(texts.filter(bool)),
                ip=draw(st.none() | texts),
                id=draw(st.none() | texts),
                plan=draw(st.none() | texts),
                kept=draw(st.none() | texts),
            )
            for _ in range(draw(st.integers(0, 3)))
        ),
        absent=dict.fromkeys(ips[::2], "2024-02-29T23:59Z"),
    )


def kind_of(name: str) -> str:
    return "subscribers" if "/" in name else name.removesuffix(".yml")


def outcome(read: Any, kind: str, text: str) -> Any:
    """What a reader makes of `text`: its entries, or its problems."""
    try:
        return dict(read(kind, text, Path("f.yml")).entries)
    except DocumentError as error:
        return [str(problem) for problem in error.problems]


@calmly(max_examples=60)
@given(states())
def test_a_state_is_read_back_as_it_was_written(state: DesiredState) -> None:
    files = render_tree(state, templates=None)
    read = read_tree({name: content.decode() for name, content in files.items()}, Path()).state
    assert Counter(read.rejected) == Counter(state.rejected)
    assert (read.policies, read.groups, read.subscribers, read.absent) == (
        state.policies,
        state.groups,
        state.subscribers,
        state.absent,
    )
    assert render_tree(read, templates=None) == files


@calmly(max_examples=60)
@given(states())
def test_both_ways_of_reading_agree_on_our_own_files(state: DesiredState) -> None:
    for name, content in render_tree(state, templates=None).items():
        text = content.decode()
        by_lines, as_yaml = (outcome(read, kind_of(name), text) for read in (read_entries, read_as_yaml))
        assert isinstance(by_lines, dict)
        assert by_lines == as_yaml


@calmly(max_examples=60)
@given(states())
def test_every_reader_of_yaml_sees_the_same(state: DesiredState) -> None:
    """PyYAML reads YAML 1.1 with all its traps: nothing we write is one of them."""
    for name, content in render_tree(state, templates=None).items():
        parsed = parse(content.decode(), Path(name), Dialect.STRICT).data
        assert yaml.load(content, Loader=yaml.CSafeLoader) == parsed


@calmly()
@given(texts)
def test_a_scalar_is_one_printable_line_and_means_itself(text: str) -> None:
    written = scalar(text)
    assert written.isprintable() or any(ord(character) > 0x2FF for character in written)
    assert len(written.splitlines()) == 1
    for document in (f"{{k: {written}}}", f"k: {written}", f"{{{written}: k}}"):
        parsed = yaml.load(document, Loader=yaml.CSafeLoader)
        assert parsed in ({"k": text}, {text: "k"})


HAND_EDITS = (
    "",
    "# a comment",
    "    # deeper",
    "  10.9.0.1:",
    "    policy: A",
    "    id: 'x'",
    "  10.9.0.2: {policy: A}  # why",
    "  10.9.0.3: { policy: A }",
    "  10.9.0.3: {policy: A,",
    "    id: b}",
    "  10.9.0.4: &a {policy: A}",
    "  10.9.0.5: *a",
    "  '10.9.0.6': {policy: 'A'}",
    "  10.9.0.7: {id: no}",
    "  10.9.0.8: {id: 012}",
    "10.9.0.9: {}",
    "---",
    "...",
    "%YAML 1.1",
    "\t",
    "  10.9.0.1: {}",
    "    id: |",
    "      text",
    "    id: >-",
    "  ? 10.9.0.10",
    "  : {policy: A}",
    "  guard: {}",
    "subscribers:",
    "other: 1",
    '  10.9.0.11: {id: "a',
    '  b"}',
    "  010.9.0.1: {}",
    "  2001:db8::1: {}",
    "  '2001:DB8:0::1': {}",
    "  10.9.0.12: {blocked: yes}",
    "  10.9.0.13: {rate: 1}",
    " 10.9.0.14: {}",
    "   10.9.0.15: {}",
    "  10.9.0.16: {groups: [a, a]}",
    "  10.9.0.17: {groups: []}",
    "  10.9.0.18: {groups: [all-subscribers]}",
    '  10.9.0.19: {id: "\\ud800"}',
    '  10.9.0.20: {policy: "\\u0007"}',
    "  10.9.0.21: {id: a, }",
    "  10.9.0.22: {id: null}",
    "  - {record: a, reason: b}",
    "  # x\u20282: {}",
    "  10.9.0.23: {id: a}\r",
    "  <<: {policy: A}",
    "  10.9.0.24: !x {}",
    "  10.9.0.25: {policy: .}",
    '  10.9.0.26: {policy: "."}',
    '  10.9.0.27: {policy: ""}',
    "    id: |+",
    "  10.9.0.28: {id: y}",
    '  "2001:db8:0:0::": {}',
    '  "2001:db8::": {}',
    '  "::ffff:a00:1": {}',
    "  {}",
    "  []",
    "  text",
    "    ,",
    "  }",
)


@st.composite
def edited(draw: st.DrawFn) -> str:
    """A subscribers file with lines of our writer and lines of people, in any order."""
    lines = draw(
        st.lists(
            st.one_of(
                st.sampled_from(HAND_EDITS),
                st.integers(0, 9).map(lambda n: f"  10.0.0.{n}: {{id: a, policy: Home_50M}}"),
                st.integers(10, 99).map(lambda n: f"  10.0.0.{n}: {{policy: A, groups: [L1-a]}}"),
            ),
            max_size=8,
        )
    )
    return "\n".join(["# head", "subscribers:", *lines, *draw(st.sampled_from([[""], []]))])


@calmly(max_examples=500)
@given(edited())
@example("subscribers:\n  10.9.0.1:\n    id: |\n      a\n      # b\n  10.0.0.1: {id: a}\n")
@example("subscribers:\n  10.9.0.1:\n    id: |+\n      a\n\n\n  10.0.0.1: {id: a}\n\n")
@example("subscribers:\n  10.9.0.1:\n    id: |\n      a")
@example("subscribers:\n  10.9.0.1:\n  10.0.0.1: {id: a}\n")
@example("subscribers:\n  10.0.0.1: {id: a}\n    id: b\n")
@example("subscribers:\n")
@example("subscribers:")
def test_both_ways_of_reading_agree_on_edited_files(text: str) -> None:
    assert outcome(read_entries, "subscribers", text) == outcome(read_as_yaml, "subscribers", text)


DAMAGE = ("", *" \"'\\{}[],:#&*!|>%@`-~\n\t\r0a", "\n  ", "\\u0041", "\u2028", "no")


@calmly(max_examples=150)
@given(states(), st.data())
def test_both_ways_of_reading_agree_on_damaged_files(state: DesiredState, data: st.DataObject) -> None:
    files = render_tree(state, templates=None)
    name = data.draw(st.sampled_from(sorted(files)))
    text = files[name].decode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 3))
        put = data.draw(st.sampled_from(["", *" \"'\\{}[],:#&*!|>%@`-~\n\t\r0a", "\n  ", "\\u0041", "\u2028", "no"]))
        text = text[:at] + put + text[at + cut :]
    kind = kind_of(name)
    assert outcome(read_entries, kind, text) == outcome(read_as_yaml, kind, text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_edited_lines_leave_the_rest_to_the_fast_way(kind: str) -> None:
    """Only the edited lines reach the YAML library."""
    line = {
        "policies": "  P{}: {{download: {{rate: 1}}, upload: {{rate: 1}}}}",
        "groups": "  G{}: {{type: tower}}",
        "subscribers": "  10.0.0.{}: {{id: a}}",
        "rejected": "  - {{record: r{}, reason: b}}",
        "absent": '  10.0.0.{}: "2024-01-01T00:00Z"',
    }[kind]
    lines = [line.format(n) for n in range(100)]
    lines[50] += "  # by hand"
    text = "\n".join([f"{kind}:", *lines, ""])
    read = read_entries(kind, text, Path("f.yml"))
    assert len(read.entries) == 100
    assert [len(part.document.data[kind]) for part in read.parts] == [1]
    assert dict(read.entries) == outcome(read_as_yaml, kind, text)


@calmly()
@given(st.sampled_from(sorted(KEYWORDS)), st.sampled_from([str.lower, str.upper, str.title]))
def test_keywords_are_always_quoted(word: str, spelling: Any) -> None:
    assert scalar(spelling(word)) == f'"{spelling(word)}"'


@calmly(max_examples=15)
@given(first=states(), second=states())
def test_saving_over_another_state_leaves_exactly_the_new_one(
    tmp_path_factory: pytest.TempPathFactory, first: DesiredState, second: DesiredState
) -> None:
    folder = tmp_path_factory.mktemp("tree")
    for state in (first, second):
        files = render_tree(state, templates=None)
        save_tree(folder, files)
        assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.yml")} == set(files)
        assert load_tree(folder).state.subscribers == state.subscribers
