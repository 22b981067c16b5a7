from itertools import permutations
from typing import Any

import pytest

from generator.desired.names import Wanted, clean_text, object_name, unique_names
from generator.inventory.settings import Scaling
from generator.model import BLOCK_POLICY, Limit, Policy


@pytest.mark.parametrize(
    ("written", "clean"),
    [
        ("  Ana  Pérez ", "Ana  Pérez"),
        ("a\tb\nc\xa0d", "a b c d"),
        ("a\x00b\x1b[31mc\x9bd", "ab[31mcd"),
        ("a\u202eb\u2066c\u200fd\ufeffe", "abcde"),
        ("a\ud800b", "ab"),
        ("e\u0301", "é"),
        ("\u2028", ""),
        ("é" * 100, "é" * 64),
        ("a" * 127 + " b", "a" * 127),
        ("नमस्\u200dते", "नमस्\u200dते"),
    ],
)
def test_text_of_a_billing_system_becomes_clean(written: str, clean: str) -> None:
    assert clean_text(written) == clean
    assert clean_text(clean) == clean


def test_names_have_no_blanks() -> None:
    assert object_name(" Home \xa0 50 ") == "Home___50"


def test_equal_names_all_get_their_suffix_even_where_that_collides_again() -> None:
    wanted = [
        Wanted("17", "Home", "17"),
        Wanted("18", "Home", "18"),
        Wanted("5", "Home-17", "5"),
        Wanted("6", "Office", "6"),
        Wanted("7", "Billing-Block", "7"),
    ]
    expected = {
        "17": "Home-17-17",
        "18": "Home-18",
        "5": "Home-17-5",
        "6": "Office",
        "7": "Billing-Block-7",
    }
    for order in permutations(wanted):
        assert unique_names(order, reserved=frozenset({BLOCK_POLICY})) == expected


def test_what_cannot_be_told_apart_has_no_name() -> None:
    assert unique_names([Wanted("a", "x", "1"), Wanted("b", "x", "1")]) == {"a": None, "b": None}


def test_plans_with_one_name_keep_their_own_limits(make: Any) -> None:
    plans = (
        make.plan("17", "Home"),
        make.plan("18", " Home", download=Limit(rate=1)),
        make.plan("19", "Billing-Block"),
    )
    state = make.build(make.service(1, "10.0.0.1", plan="18"), plans=plans).state
    assert list(state.policies) == ["Billing-Block", "Billing-Block-19", "Home-17", "Home-18"]
    assert state.policies["Home-18"].download.rate == 1
    assert state.subscribers["10.0.0.1"].policy == "Home-18"
    assert state.policies[BLOCK_POLICY] == Policy(
        name=BLOCK_POLICY, id="block", download=Limit(rate=0), upload=Limit(rate=0)
    )


@pytest.mark.parametrize("name", ["", " \x00", ".", "..", "all-subscribers"])
def test_a_plan_that_no_bqn_can_name_is_rejected_with_its_services(make: Any, name: str) -> None:
    built = make.build(make.service(1, "10.0.0.1"), plans=(make.plan("17", name),))
    assert list(built.state.policies) == [BLOCK_POLICY]
    assert [each.record for each in built.state.rejected] == ["plan 17", "session 1"]
    assert "its plan 17 cannot be used: " in built.state.rejected[1].reason


def test_long_names_are_kept_and_reported(make: Any) -> None:
    built = make.build(plans=(make.plan("17", "x" * 64),))
    assert "x" * 64 in built.state.policies
    assert len(built.warnings) == 1
    assert "63 bytes" in built.warnings[0]


def test_one_plan_id_with_two_contents_is_rejected_whatever_the_order(make: Any) -> None:
    one, other = make.plan("17", "A"), make.plan("17", "B")
    states = [make.build(make.service(1, "10.0.0.1"), plans=plans).state for plans in ((one, other), (other, one))]
    assert states[0] == states[1]
    assert [each.record for each in states[0].rejected] == ["plan 17", "session 1"]
    assert make.build(plans=(one, one)).state.policies.keys() == {"A", BLOCK_POLICY}


@pytest.mark.parametrize(
    ("system", "limits", "name"),
    [
        ("splynx", (Limit(rate=50_000), Limit(rate=10_000)), "50000_10000"),
        (
            "splynx",
            (Limit(rate=50_000, burst_rate=80_000, burst_duration=20), Limit(rate=1)),
            "50000-80000-20_1",
        ),
        (
            "visp",
            (Limit(rate=25_000, burst_rate=40_000, burst_duration=20), Limit(rate=5_000, burst_rate=8_000)),
            "VP-5M/25M-8M/40M-20",
        ),
        ("visp", (Limit(rate=25_000), Limit(rate=1_500)), "VP-1500K/25M"),
        ("visp", (Limit(rate=1_000_000), Limit(rate=1_900)), "VP-1900K/1G"),
    ],
)
def test_names_made_from_rates(make: Any, system: str, limits: tuple[Limit, Limit], name: str) -> None:
    plan = make.plan(download=limits[0], upload=limits[1])
    assert name in make.build(plans=(plan,), policy_names="rates", system=system).state.policies


def test_equal_rates_share_a_policy_and_different_ones_never_do(make: Any) -> None:
    burst = {"rate": 1000, "burst_rate": 2000, "burst_duration": 5}
    plans = (
        make.plan("10", "A"),
        make.plan("9", "B"),
        make.plan("1", "C", download=Limit(**burst)),
        make.plan("2", "D", download=Limit(**burst, burst_threshold=500)),
    )
    services = [make.service(n, f"10.0.0.{n}", plan=str(n)) for n in (10, 9, 1, 2)]
    state = make.build(*services, plans=plans, policy_names="rates", system="visp").state
    assert set(state.policies) == {
        BLOCK_POLICY, "VP-10M/50M", "VP-10M/1M-10M/2M-5-1", "VP-10M/1M-10M/2M-5-2",
    }  # fmt: skip
    assert state.policies["VP-10M/50M"].id == "VP-10M/50M"
    assert {state.subscribers[f"10.0.0.{n}"].policy for n in (9, 10)} == {"VP-10M/50M"}


@pytest.mark.parametrize(("system", "name"), [("visp", "VP-10M/50M-10M/80M-20"), ("radius", "50000-80000-20_10000")])
def test_scaling_renames_no_policy_that_is_named_by_its_rates(make: Any, system: str, name: str) -> None:
    plan = make.plan(download=Limit(rate=50_000, burst_rate=80_000, burst_duration=20))
    changes = {"policy_names": "rates", "system": system}
    for percent in (1, 90, 100, 150):
        scaling = Scaling(download=percent, upload=percent)
        state = make.build(make.service(1, "10.0.0.1"), plans=(plan,), rate_scaling=scaling, **changes).state
        assert state.policies.keys() == {name, BLOCK_POLICY}
        assert state.policies[name].download.rate == 500 * percent
        assert state.policies[name].id == state.subscribers["10.0.0.1"].policy == name


def test_rates_that_scaling_makes_equal_keep_their_own_names(make: Any) -> None:
    plans = (make.plan("1", "A", upload=Limit(rate=1001)), make.plan("2", "B", upload=Limit(rate=1000)))
    state = make.build(
        plans=plans, policy_names="rates", system="visp", rate_scaling=Scaling(upload=50, download=50)
    ).state
    names = {"VP-1001K/50M", "VP-1M/50M"}
    assert state.policies.keys() == {BLOCK_POLICY, *names}
    assert {state.policies[name].upload.rate for name in names} == {500}


def test_service_id_names(make: Any) -> None:
    state = make.build(plans=(make.plan("17", "Home"),), policy_names="service_id").state
    assert "Home-17" in state.policies
