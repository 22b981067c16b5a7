"""An override never touches whom it does not match, whatever it says."""

from datetime import date
from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from generator.desired.overrides.acting import act
from generator.desired.overrides.combining import combine
from generator.desired.overrides.model import GroupChange, Match, Override, Overrides, Rates
from generator.desired.overrides.shared import as_billed
from generator.desired.tally import Tally
from generator.errors import DocumentError
from generator.model import DesiredState, Group, Limit, Policy, Subscriber

TODAY = date(2024, 5, 6)
POLICIES = {name: Policy(name=name, download=Limit(rate=9)) for name in ("A", "B", "Billing-Block")}
GROUPS = ("L1-N", "L2-T", "VIP")
names = st.sampled_from(GROUPS)


def subscribers() -> st.SearchStrategy[dict[str, Subscriber]]:
    one = st.builds(
        Subscriber,
        ip=st.integers(0x0A000000, 0x0A000040).map(lambda number: str(IPv4Address(number))),
        id=st.sampled_from(("ana", "bo", "no", "\x1b[31m")) | st.none(),
        policy=st.sampled_from(("A", "B")),
        blocked=st.booleans(),
        groups=st.lists(names, max_size=3, unique=True).map(tuple),
    )
    return st.lists(one, max_size=12, unique_by=lambda each: each.ip).map(
        lambda found: {each.ip: each for each in found}
    )


matches = st.builds(
    Match,
    id=st.none() | st.sampled_from(("ana", "bo", "no")),
    network=st.none()
    | st.builds(
        lambda number, bits: ip_network((number >> (32 - bits) << (32 - bits), bits)),
        st.integers(0x0A000000, 0x0A000040),
        st.integers(24, 32),
    ),
    policy=st.none() | st.sampled_from(("A", "B", "C")),
    group=st.none() | names,
    source=st.none() | st.sampled_from(("here", "elsewhere")),
)


@st.composite
def decisions(draw: st.DrawFn) -> Overrides:
    return Overrides(
        tuple(
            Override(
                name=f"o{number}",
                reason="x",
                until=draw(st.none() | st.sampled_from((date(2024, 5, 5), TODAY))),
                match=draw(matches),
                policy=draw(st.none() | st.just("B")),
                blocked=draw(st.sampled_from((None, True))),
                groups=draw(st.none() | st.builds(GroupChange, add=st.frozensets(names, max_size=3))),
                absent=draw(st.booleans()),
            )
            for number in range(draw(st.integers(0, 4)))
        )
    )


def fits(override: Override, each: Subscriber) -> bool:
    """Whether an override is about somebody, said once more in the plainest way."""
    match = override.match
    return (
        not override.expired(TODAY)
        and match.source in (None, "here")
        and match.id in (None, each.id)
        and match.policy in (None, each.policy)
        and (match.group is None or match.group in each.groups)
        and (match.network is None or IPv4Address(each.ip) in match.network)
    )


@settings(deadline=None)
@given(subscribers(), decisions())
def test_only_the_matched_are_touched(before: dict[str, Subscriber], decided: Overrides) -> None:
    groups = {name: Group(name=name) for name in GROUPS}
    acted = act(decided, before, POLICIES, groups, source="here", ipv6_prefix=64, today=TODAY, tally=Tally())
    for ip, each in before.items():
        expected = tuple(override.name for override in decided.entries if fits(override, each))
        if not expected:
            assert acted.subscribers[ip] is each
        elif ip in acted.subscribers:
            assert acted.subscribers[ip].overrides == expected
        else:
            assert {override.name for override in decided.entries if override.absent} & set(expected)
    assert acted.subscribers.keys() | acted.absent.keys() == before.keys()
    state = DesiredState(policies=POLICIES, groups=groups, subscribers=acted.subscribers)
    assert as_billed(state).subscribers == {ip: before[ip] for ip in acted.subscribers}


rates = st.builds(Rates, download=st.sampled_from((1, None)), upload=st.just(1))
changes = st.builds(GroupChange, only=st.sampled_from((("VIP",), ()))) | st.builds(
    GroupChange, add=st.frozensets(names), remove=st.just(frozenset())
)
each_override = st.builds(
    Override,
    name=st.sampled_from("abc"),
    reason=st.just("x"),
    until=st.none(),
    match=st.just(Match(id="ana")),
    policy=st.none() | st.sampled_from(("A", "B")),
    rates=st.none() | rates,
    blocked=st.none() | st.booleans(),
    groups=st.none() | changes,
).map(lambda each: replace(each, rates=None if each.policy else each.rates))


@settings(deadline=None)
@given(st.lists(each_override, max_size=3, unique_by=lambda each: each.name))
def test_what_meets_without_conflict_does_not_depend_on_the_order(met: list[Override]) -> None:
    one, conflicts = combine(tuple(met))
    other, _ = combine(tuple(reversed(met)))
    if not conflicts:
        assert (one.policy, one.rates, one.blocked) == (other.policy, other.rates, other.blocked)
        assert (one.groups and set(one.groups.only or ())) == (other.groups and set(other.groups.only or ()))
        assert (one.groups and one.groups.add) == (other.groups and other.groups.add)
    pairs = {frozenset((conflict.first, conflict.second)) for conflict in conflicts}
    assert all(len(pair) == 2 for pair in pairs)


def test_a_conflict_stops_everything() -> None:
    decided = Overrides(
        tuple(
            Override(name=name, reason="x", until=None, match=Match(id="ana"), blocked=blocked)
            for name, blocked in (("a", True), ("b", False))
        )
    )
    who = {"10.0.0.1": Subscriber(ip="10.0.0.1", id="ana")}
    with pytest.raises(DocumentError) as caught:
        act(decided, who, POLICIES, {}, source="here", ipv6_prefix=64, today=TODAY, tally=Tally())
    assert len(caught.value.problems) == 1
