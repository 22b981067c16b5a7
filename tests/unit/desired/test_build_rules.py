"""The rules of rendering, one by one."""

import random
from ipaddress import ip_network
from itertools import permutations
from typing import Any

import pytest

from generator.desired.build import check_shrink
from generator.errors import RefusedError, SourceError
from generator.inventory.settings import BlockRates, PlanRates, Scaling
from generator.model import BLOCK_POLICY, GroupRecord, Limit, Rejected

BURST = Limit(rate=51_200, burst_rate=61_440, burst_duration=30, burst_threshold=40_960)


@pytest.mark.parametrize("missing", [0, None])
def test_what_no_rate_means_is_the_operators_choice(make: Any, missing: int | None) -> None:
    plan = make.plan(upload=Limit(rate=missing, burst_rate=9))
    service = make.service(1, "10.0.0.1")
    states = {
        rule: make.build(service, plans=(plan,), zero_rate=rule).state for rule in ("unlimited", "block", "reject")
    }
    assert states["unlimited"].policies["Home_50M"].upload == Limit(rate=None)
    assert states["block"].policies["Home_50M"].upload == Limit(rate=0)
    assert states["block"].policies["Home_50M"].download == Limit(rate=50_000)
    assert "Home_50M" not in states["reject"].policies
    assert not states["reject"].subscribers
    assert [each.reason for each in states["reject"].rejected] == [
        "no upload rate (zero_rate: reject)",
        "its plan 17 cannot be used: no upload rate (zero_rate: reject)",
    ]


def test_scaling_comes_after_bursts_and_never_makes_a_block(make: Any) -> None:
    plans = (make.plan("1", "A", download=BURST, upload=Limit(rate=1, burst_rate=2)),)
    policy = make.build(plans=plans, rate_scaling=Scaling(download=90, upload=50)).state.policies["A"]
    assert policy.download == Limit(rate=46_080, burst_rate=55_296, burst_duration=30, burst_threshold=36_864)
    assert policy.upload == Limit(rate=1)


def test_hostile_rates_cannot_break_a_render(make: Any) -> None:
    plans = (
        make.plan("1", "A", download=Limit(rate=10**15)),
        make.plan("2", "B", download=Limit(rate=-1)),
        make.plan("3", "C", problem="speed 'fast\x1b' is not a number"),
    )
    state = make.build(plans=plans).state
    assert state.policies["A"].download.rate == 2_147_483_647
    assert [each.reason for each in state.rejected] == ["a rate is below 0", "speed 'fast' is not a number"]


def test_plan_rates_fill_what_the_billing_does_not_say(make: Any) -> None:
    plans = (make.plan("1", "PCQ", download=Limit(), upload=Limit(rate=7)),)
    rates = {"PCQ": PlanRates(download=2000, upload=1000)}
    policy = make.build(plans=plans, plan_rates=rates, rate_scaling=Scaling(download=50)).state.policies["PCQ"]
    assert (policy.download.rate, policy.upload.rate) == (1000, 7)


@pytest.mark.parametrize(
    ("host", "statuses", "reason"),
    [
        ({}, {"status": " ACTIVE "}, None),
        ({}, {"status": "Suspended\x07"}, "status Suspended"),
        ({}, {}, None),
        ({"block_inactive": False}, {"status": "Suspended"}, None),
        ({"block_on": "other"}, {"status": "active", "other": "1"}, "status 1"),
        ({"block_on": None}, {"any": "Suspended"}, "status Suspended"),
        ({"active_statuses": ("Active", "Employee")}, {"status": "employee"}, None),
    ],
)
def test_who_is_blocked(make: Any, host: dict[str, Any], statuses: dict[str, str], reason: str | None) -> None:
    built = make.build(make.service(1, "10.0.0.1", statuses=statuses), **host)
    subscriber = built.state.subscribers["10.0.0.1"]
    assert (subscriber.blocked, subscriber.reason) == (reason is not None, reason)
    assert subscriber.policy == "Home_50M"


def test_unknown_statuses_and_ids_are_counted_once(make: Any) -> None:
    services = [make.service(n, f"10.0.0.{n}", statuses={}, ids={"login": " "}) for n in (10, 9)]
    built = make.build(*services)
    assert len(built.warnings) == 2
    assert all(": 2 (for example session 9)" in warning for warning in built.warnings)
    assert built.state.subscribers["10.0.0.9"].id is None


def test_block_rates_make_a_slow_lane(make: Any) -> None:
    policy = make.build(block_rates=BlockRates(download=64, upload=32)).state.policies[BLOCK_POLICY]
    assert (policy.download.rate, policy.upload.rate) == (64, 32)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("0.0.0.0", "unspecified address"),
        ("127.0.0.1", "loopback address"),
        ("169.254.1.1", "link-local address"),
        ("224.0.0.1", "multicast address"),
        ("255.255.255.255", "broadcast address"),
        ("010.1.2.3", "not an IP address"),
        ("10.1.2", "not an IP address"),
        ("10.1.2.3/24", "a network (/24), not one address"),
        ("10.1.2.3/0", "a network (/0), not one address"),
        ("10.1.2.3/255.255.255.255", "not an IP address"),
        ("10.1.2.3/", "not an IP address"),
        ("10.1.2.3, 10.1.2.4", "not an IP address"),
        ("10.1.2.3\n", None),
        ("\uff11\uff10.1.2.3", "not an IP address"),
        ("", "no address"),
        ("fe80::1%eth0", "an address with a zone"),
        ("fe80::1", "link-local address"),
        ("::", "unspecified address"),
        ("::1", "loopback address"),
        ("2001:db8::/129", "not an IP address"),
        ("2001:db8::/48", "a /48, not the /64 of ipv6_prefix"),
        ("::ffff:10.1.2.3/120", "a network (/24), not one address"),
        ("192.0.2.1", "outside the networks of the inventory"),
        ("2001:db9::1", "outside the networks of the inventory"),
    ],
)
def test_addresses_that_no_subscriber_has(make: Any, address: str, reason: str | None) -> None:
    networks = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
    # What is never an address says so even where no networks are given.
    for allowed in ((), networks):
        state = make.build(make.service(1, address), ip_versions=(4, 6), networks=allowed).state
        if reason is None or (reason.startswith("outside") and not allowed):
            assert not state.rejected
        else:
            assert [each.reason for each in state.rejected] == [reason]
            assert not state.subscribers


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("10.1.2.3/32", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3/128", "10.1.2.3"),
        ("2001:0DB8:5:6:7::1", "2001:db8:5:6::"),
        ("2001:db8:5:6:7::1/64", "2001:db8:5:6::"),
    ],
)
def test_addresses_in_their_canonical_form(make: Any, address: str, key: str) -> None:
    assert list(make.build(make.service(1, address), ip_versions=(4, 6)).state.subscribers) == [key]


def test_ipv6_is_skipped_in_silence_only_beside_an_ipv4(make: Any) -> None:
    state = make.build(make.service(1, "10.0.0.1", "2001:db8::1"), make.service(2, "2001:db8:1::1")).state
    assert list(state.subscribers) == ["10.0.0.1"]
    assert [(each.record, each.ip) for each in state.rejected] == [("session 2", "2001:db8:1::1")]


def test_records_that_cannot_be_used_are_rejected_one_by_one(make: Any) -> None:
    services = (
        make.service(1, "10.0.0.1", plan=None),
        make.service(2, "10.0.0.2", plan="99"),
        make.service(3),
        make.service(10, "10.0.0.10", "nonsense"),
    )
    state = make.build(*services, answer={"rejected": (Rejected(record="row\x00 4", reason="no object"),)}).state
    assert [(each.record, each.reason) for each in state.rejected] == [
        ("row 4", "no object"),
        ("session 1", "it has no plan"),
        ("session 2", "its plan 99 is not in the list of plans"),
        ("session 3", "no address"),
        ("session 10", "not an IP address"),
    ]
    assert list(state.subscribers) == ["10.0.0.10"]


PLANS = (("slow", 1_000), ("fast", 9_000), ("endless", None))


@pytest.mark.parametrize(
    ("rule", "winner"),
    [("first", "session 3"), ("last", "session 3"), ("fastest", "session 2"), ("reject", None)],
)
def test_an_address_claimed_twice(make: Any, rule: str, winner: str | None) -> None:
    plans = tuple(make.plan(name, name, download=Limit(rate=rate)) for name, rate in PLANS)
    services = (
        make.service(1, "10.0.0.1", plan="slow"),
        make.service(2, "10.0.0.1", plan="endless"),
        make.service(3, "10.0.0.1", plan="fast"),
    )
    states = [
        make.build(*order, plans=plans, services_per_ip=rule, zero_rate="unlimited").state
        for order in permutations(services)
    ]
    assert all(state == states[0] for state in states)
    losers = {each.record for each in states[0].rejected}
    assert losers == {f"session {n}" for n in (1, 2, 3)} - {winner}
    assert {each.kept for each in states[0].rejected} == {winner}
    assert bool(states[0].subscribers) == (winner is not None)


@pytest.mark.parametrize(("rule", "winner"), [("first", "user 1"), ("last", "user 2")])
def test_equal_ranks_are_settled_by_the_order_of_the_list(make: Any, rule: str, winner: str) -> None:
    services = [make.service(n, "10.0.0.1", rank=()) for n in (1, 2)]
    assert make.build(*services, services_per_ip=rule).state.subscribers["10.0.0.1"].id == winner


def test_one_customer_claiming_one_address_twice_is_reported(make: Any) -> None:
    state = make.build(make.service(1, "10.0.0.1", "10.0.0.1"), make.service(1, "10.0.0.1")).state
    assert [(each.record, each.kept) for each in state.rejected] == [("session 1", "session 1")]


def levels(*names: str) -> tuple[GroupRecord, ...]:
    return tuple(GroupRecord(level=name[:2], name=name[3:], type="tower") for name in names)


def test_groups_are_named_counted_and_cut_to_three(make: Any) -> None:
    many = levels("L2 d", "L2 c", "L2 b", "L1 z", "L2 \x00")
    services = (
        make.service(1, "10.0.0.1", groups=many),
        make.service(2, "10.0.0.2", groups=levels("L2 b c", "L2 b_c")),
    )
    built = make.build(*services)
    assert built.state.subscribers["10.0.0.1"].groups == ("L1-z", "L2-b", "L2-c")
    assert list(built.state.groups) == ["L1-z", "L2-b", "L2-b_c", "L2-c"]
    assert built.state.groups["L2-b"].type == "tower"
    assert len(built.warnings) == 3
    assert make.build(*services, subscriber_groups=False).state.groups == {}


def test_groups_whose_list_may_not_be_read_stay_as_they_were(make: Any) -> None:
    before = make.build(
        make.service(1, "10.0.0.1", groups=levels("L1 a", "L2 b")),
        make.service(2, "10.0.0.2", groups=levels("L1 a")),
    ).state
    after = make.build(
        make.service(1, "10.0.0.1"), make.service(3, "10.0.0.3"),
        previous=before, answer={"unread_groups": frozenset({"L1"})},
    ).state  # fmt: skip
    assert after.subscribers["10.0.0.1"].groups == ("L1-a",)
    assert after.groups == {"L1-a": before.groups["L1-a"]}


def test_dual_stack_groups_hold_both_families_and_ranges(make: Any) -> None:
    services = (
        make.service(1, "10.0.0.1", "2001:db8:1::1", "2001:db8:f00::/56", ids={"login": "4711"}),
        make.service(2, "10.0.0.2", "2001:db8:2::1", ids={"login": "ana"}, statuses={"status": "off"}),
        make.service(3, "10.0.0.3", "2001:db8:3::1", ids={"login": "ana"}),
        make.service(4, "10.0.0.4"),
        make.service(5, "2001:db8:e00::/56", ids={}),
        make.service(6, "10.0.0.6", "2001::/16", ids={"login": "6"}),
    )
    states = [
        make.build(*order, dual_stack_groups=True, ip_versions=(4, 6)).state for order in (services, services[::-1])
    ]
    assert states[0] == states[1]
    groups, subscribers = states[0].groups, states[0].subscribers
    assert set(groups) == {"DS-4711", "DS-ana-session_2", "DS-ana-session_3"}
    assert groups["DS-4711"].ranges == ("2001:db8:f00::/56",)
    assert groups["DS-4711"].policy == "Home_50M"
    assert groups["DS-ana-session_2"].policy == BLOCK_POLICY
    assert subscribers["10.0.0.1"].groups == subscribers["2001:db8:1::"].groups == ("DS-4711",)
    assert list(subscribers)[-3:] == ["2001:db8:1::", "2001:db8:2::", "2001:db8:3::"]
    assert {(each.record, each.ip) for each in states[0].rejected} == {
        ("session 5", "2001:db8:e00::/56"),
        ("session 6", "2001::/16"),
    }


def test_the_result_does_not_depend_on_the_order_of_the_records(make: Any) -> None:
    rng = random.Random(7)
    plans = [make.plan(str(n), f"Plan {n % 5}", download=Limit(rate=1000 + n)) for n in range(12)]
    services = [
        make.service(
            n, f"10.0.{n % 7}.{n % 23}", plan=str(n % 13), groups=levels(f"L1 {n % 3}", f"L2 {n % 4}"),
            statuses={"status": "active" if n % 3 else "off"},
        )
        for n in range(120)
    ]  # fmt: skip
    expected = make.build(*services, plans=tuple(plans))
    assert expected.state.rejected
    for _ in range(5):
        rng.shuffle(plans)
        rng.shuffle(services)
        assert make.build(*services, plans=tuple(plans)) == expected


@pytest.mark.parametrize(
    ("were", "now", "refused"),
    [(10, 8, False), (10, 7, True), (2, 1, False), (1000, 800, False), (1000, 799, True)],
)
def test_a_list_that_shrinks_is_refused(make: Any, were: int, now: int, *, refused: bool) -> None:
    def services(count: int) -> list[Any]:
        addresses = [f"10.0.{n // 250}.{n % 250 + 1}" for n in range(count)]
        return [make.service(n, address, plan="17" if n % 3 else "99") for n, address in enumerate(addresses)]

    previous, answer = make.build(*services(were)).state, make.answer(*services(now))
    if not refused:
        check_shrink(answer, previous, make.host())
        return
    with pytest.raises(RefusedError) as caught:
        check_shrink(answer, previous, make.host(), allowed=were - now - 1)
    for part in ("max_shrink_percent: ", f"{were}", f"{now}", f"--allow shrink={were - now}", "billing-1"):
        assert part in str(caught.value)
    check_shrink(answer, previous, make.host(), allowed=were - now)
    check_shrink(answer, previous, make.host(max_shrink_percent=100))
    check_shrink(answer, None, make.host())


def test_an_empty_list_where_there_were_subscribers_fails_the_source(make: Any) -> None:
    previous = make.build(make.service(1, "10.0.0.1")).state
    with pytest.raises(SourceError, match="empty"):
        check_shrink(make.answer(), previous, make.host(), allowed=5)
    check_shrink(make.answer(), make.build().state, make.host())


def test_the_same_answer_never_counts_as_shrunk(make: Any) -> None:
    """Several addresses of one service, rejected plans and kept absent ones are no services of their own."""
    services = [make.service(n, f"10.0.0.{n}", f"2001:db8:{n}::1", f"2001:db8:f00{n}::/56") for n in range(1, 4)]
    plans = (make.plan(), *(make.plan(f"9{n}", "") for n in range(5)))
    settings = {
        "ip_versions": (4, 6),
        "dual_stack_groups": True,
        "keep_absent_s": 3600,
        "max_shrink_percent": 1,
    }
    first = make.build(*services, make.service(9, "10.0.9.9"), plans=plans, **settings).state
    second = make.build(*services, plans=plans, previous=first, **settings).state
    assert "10.0.9.9" in second.absent
    check_shrink(make.answer(*services, plans=plans), second, make.host(**settings))


def test_a_group_without_a_level_has_no_prefix_and_stays_when_its_list_is_unread(make: Any) -> None:
    groups = (GroupRecord(level="", name="Nodo Norte"), GroupRecord(level="L1", name="AP"))
    before = make.build(make.service(1, "10.0.0.1", groups=groups)).state
    assert before.subscribers["10.0.0.1"].groups == ("L1-AP", "Nodo_Norte")
    rest = (GroupRecord(level="L1", name="Other"),)
    unread = {"unread_groups": frozenset({""})}
    after = make.build(make.service(1, "10.0.0.1", groups=rest), previous=before, answer=unread).state
    assert after.subscribers["10.0.0.1"].groups == ("L1-Other", "Nodo_Norte")
