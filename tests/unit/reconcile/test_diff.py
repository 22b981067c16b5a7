"""What a diff finds, what it writes, and what it leaves alone."""

from ipaddress import ip_network
from typing import Any

import pytest

from generator.bqn.kinds import Kind
from generator.inventory.settings import Ignore, Select
from generator.model import Group, Limit, Policy, Subscriber
from generator.reconcile.diff import Diff, diff, differences
from generator.reconcile.plan import Change
from generator.reconcile.target import make_target

BLOCK = {
    "policyName": "Billing-Block",
    "policyId": "block",
    "rateLimitDownlink": {"rate": 0},
    "rateLimitUplink": {"rate": 0},
}
HOME = {"policyName": "Home", "policyId": "Home", "rateLimitDownlink": {"rate": 1000}, "rateLimitUplink": {"rate": 500}}


def live_sub(ip: str, policy: str = "Home", by: str | None = "api", **more: Any) -> dict[str, Any]:
    return {"subscriberIp": ip, "subscriberId": f"id-{ip}", "policyRate": policy, "policyAssignedBy": by, **more}


@pytest.fixture
def compare(make_host: Any, make_state: Any, make_live: Any) -> Any:
    def run(desired: Any, live: Any, **host: Any) -> Diff:
        bqn = make_host(**host)
        return diff(make_target({"billing": make_state(**desired)}, bqn), make_live(**live), bqn)

    return run


def brief(found: Diff) -> list[tuple[str, str, str, str]]:
    return [(change.kind.value, change.action.value, change.key, change.method) for change in found.changes]


def only_change(found: Diff) -> Change:
    assert len(found.changes) == 1, brief(found)
    return found.changes[0]


def test_what_is_as_wanted_needs_no_request(compare: Any) -> None:
    found = compare(
        {"subscribers": {"10.0.0.1": "Home"}}, {"policies": [BLOCK, HOME], "subscribers": [live_sub("10.0.0.1")]}
    )
    assert found.changes == ()
    assert found.totals[Kind.SUBSCRIBER].unchanged == 1


def test_the_order_is_policies_subscribers_groups_then_deletes(compare: Any) -> None:
    groups = (Group(name="L1-New"),)
    found = compare(
        {"subscribers": {"10.0.0.1": Subscriber(ip="10.0.0.1", policy="New", groups=("L1-New",))}, "groups": groups},
        {
            "policies": [HOME],
            "subscribers": [live_sub("10.0.0.1"), live_sub("10.0.0.2")],
            "groups": [{"subscriberGroupName": "L1-Old", "subscriberMembers": ["10.0.0.2"]}],
        },
    )
    assert brief(found) == [
        ("policy", "create", "Billing-Block", "POST"),
        ("policy", "create", "New", "POST"),
        ("subscriber", "update", "10.0.0.1", "POST"),
        ("group", "create", "L1-New", "POST"),
        ("group", "delete", "L1-Old", "DELETE"),
        ("subscriber", "delete", "10.0.0.2", "DELETE"),
        ("policy", "delete", "Home", "DELETE"),
    ]


@pytest.mark.parametrize("filler", [None, 0, -1])
def test_burst_fillers_and_forms_of_unlimited_are_no_difference(compare: Any, filler: int | None) -> None:
    dense = dict.fromkeys(("burstRate", "burstDuration", "burstThreshold", "burstThresholdWindow"), filler)
    live = {
        "policyName": "Free",
        "policyId": "Free",
        "rateLimitDownlink": {"rate": -1, **dense, "congestionMgmt": True},
    }
    policy = Policy(name="Free", id="Free")
    for rate in (-1, None, 100_000_000):
        live["rateLimitUplink"] = {"rate": rate}
        assert compare({"subscribers": {}, "policies": {"Free": policy}}, {"policies": [BLOCK, live]}).changes == ()


def test_an_appliances_own_burst_defaults_are_no_difference(compare: Any) -> None:
    limit = Limit(rate=1000, burst_rate=2000, burst_duration=10, burst_threshold=900)
    live = {
        "policyName": "P", "rateLimitUplink": {"rate": 5},
        "rateLimitDownlink": {"rate": 1000, "burstRate": 2000, "burstDuration": 10, "burstThreshold": 900,
                              "burstThresholdWindow": 300, "burstTransitionDuration": 5},
    }  # fmt: skip
    policy = Policy(name="P", download=limit, upload=Limit(rate=5))
    assert compare({"subscribers": {}, "policies": {"P": policy}}, {"policies": [BLOCK, live]}).changes == ()


def test_a_burst_that_goes_is_posted_whole_and_keeps_what_the_operator_set(compare: Any) -> None:
    live = {
        "policyName": "Home", "policyId": "Home", "maxFlows": 7, "rateLimitUplink": {"rate": 500},
        "rateLimitDownlink": {"rate": 1000, "burstRate": 2000, "burstDuration": 3, "congestionMgmt": False},
    }  # fmt: skip
    change = only_change(
        compare(
            {"subscribers": {"10.0.0.1": "Home"}}, {"policies": [BLOCK, live], "subscribers": [live_sub("10.0.0.1")]}
        )
    )
    assert change.method == "POST"
    assert change.body == {
        "policyId": "Home", "maxFlows": 7, "rateLimitUplink": {"rate": 500},
        "rateLimitDownlink": {"rate": 1000, "congestionMgmt": False},
    }  # fmt: skip


def test_a_rate_change_puts_whole_nested_objects(compare: Any) -> None:
    live = {**HOME, "rateLimitDownlink": {"rate": 900, "congestionMgmt": False}}
    change = only_change(
        compare(
            {"subscribers": {"10.0.0.1": "Home"}}, {"policies": [BLOCK, live], "subscribers": [live_sub("10.0.0.1")]}
        )
    )
    assert (change.method, change.body) == (
        "PUT",
        {
            "policyId": "Home",
            "rateLimitDownlink": {"rate": 1000, "congestionMgmt": False},
            "rateLimitUplink": {"rate": 500},
        },
    )
    assert [(d.field, d.before, d.after) for d in change.differences] == [("download.rate", 900, 1000)]


def test_an_id_that_goes_keeps_quota_and_foreign_groups(compare: Any) -> None:
    live = live_sub("10.0.0.1", quota={"volume": 5}, subscriberGroups=["all-subscribers", "VIP", "L1-Old"])
    found = compare(
        {"subscribers": {"10.0.0.1": Subscriber(ip="10.0.0.1", policy="Home")}},
        {"policies": [BLOCK, HOME], "subscribers": [live], "groups": [{"subscriberGroupName": "L1-Old"}]},
    )
    change = next(change for change in found.changes if change.kind is Kind.SUBSCRIBER)
    assert change.method == "POST"
    assert change.body == {"policyRate": "Home", "quota": {"volume": 5}, "subscriberGroups": ["VIP"]}


@pytest.mark.parametrize("by", ["rules", "default", "radius", None])
def test_only_what_the_api_provisioned_is_deleted(compare: Any, by: str | None) -> None:
    found = compare(
        {"subscribers": {"10.0.0.1": "Home"}},
        {"policies": [BLOCK, HOME], "subscribers": [live_sub("10.0.0.1"), live_sub("10.0.0.9", by=by)]},
    )
    assert found.changes == ()
    assert found.untouched[Kind.SUBSCRIBER] == ("10.0.0.9",)


@pytest.mark.parametrize("by", ["rules", "default"])
def test_a_named_subscriber_is_provisioned_over_the_appliances_rules(compare: Any, by: str) -> None:
    change = only_change(
        compare(
            {"subscribers": {"10.0.0.1": "Home"}},
            {"policies": [BLOCK, HOME], "subscribers": [live_sub("10.0.0.1", by=by)]},
        )
    )
    assert (change.method, change.body) == ("PUT", {"subscriberId": "id-10.0.0.1", "policyRate": "Home"})
    assert [(d.field, d.before, d.after) for d in change.differences] == [("assigned_by", by, "api")]


def test_unmanaged_groups_and_all_subscribers_stay(compare: Any) -> None:
    groups = [{"subscriberGroupName": name} for name in ("all-subscribers", "VIP", "L1-Gone")]
    found = compare(
        {"subscribers": {"10.0.0.1": "Home"}},
        {"policies": [BLOCK, HOME], "subscribers": [live_sub("10.0.0.1")], "groups": groups},
    )
    assert brief(found) == [("group", "delete", "L1-Gone", "DELETE")]
    assert found.totals[Kind.GROUP].untouched == {"unmanaged": 1}


def test_ignored_objects_are_not_written_even_if_desired(compare: Any) -> None:
    ignore = Ignore(policies=("Gui*",), subscribers=(ip_network("10.9.0.0/16"),), groups=("L1-Hand*",))
    found = compare(
        {
            "subscribers": {
                "10.9.0.1": Subscriber(ip="10.9.0.1", policy="Gui1", groups=("L1-Hand",)),
                "10.0.0.1": "Home",
            },
            "groups": (Group(name="L1-Hand"),),
        },
        {
            "policies": [BLOCK, HOME, {"policyName": "Gui2"}],
            "subscribers": [live_sub("10.0.0.1"), live_sub("10.9.0.7")],
        },
        ignore=ignore,
    )
    assert found.changes == ()
    assert {kind.value: dict(totals.untouched) for kind, totals in found.totals.items()} == {
        "policy": {"ignored": 2}, "subscriber": {"ignored": 2}, "group": {"ignored": 1},
    }  # fmt: skip


def test_the_membership_of_an_ignored_subscriber_is_kept(compare: Any) -> None:
    found = compare(
        {
            "subscribers": {"10.0.0.1": Subscriber(ip="10.0.0.1", id="id-10.0.0.1", policy="Home", groups=("L1-A",))},
            "groups": (Group(name="L1-A"),),
        },
        {
            "policies": [BLOCK, HOME],
            "subscribers": [live_sub("10.0.0.1")],
            "groups": [{"subscriberGroupName": "L1-A", "subscriberMembers": ["10.9.0.1", "10.0.0.5"]}],
        },
        ignore=Ignore(subscribers=(ip_network("10.9.0.0/16"),)),
    )
    assert only_change(found).body == {"subscriberMembers": ["10.0.0.1", "10.9.0.1"], "subscriberRanges": []}


def test_a_policy_that_others_use_is_not_deleted(compare: Any) -> None:
    old = {"policyName": "ByRule"}
    found = compare(
        {"subscribers": {"10.0.0.1": "Home"}},
        {
            "policies": [BLOCK, HOME, old],
            "subscribers": [live_sub("10.0.0.1"), live_sub("10.0.0.9", "ByRule", "rules")],
        },
    )
    assert found.changes == ()
    assert found.totals[Kind.POLICY].untouched == {"in use by others": 1}


def test_prune_off_deletes_nothing(compare: Any) -> None:
    found = compare(
        {"subscribers": {"10.0.0.1": "Home"}},
        {
            "policies": [BLOCK, HOME, {"policyName": "Old"}],
            "subscribers": [live_sub("10.0.0.1"), live_sub("10.0.0.2")],
            "groups": [{"subscriberGroupName": "L1-Old"}],
        },
        prune=False,
    )
    assert found.changes == ()


def test_a_blocked_subscriber_gets_the_block_policy_and_is_called_out(compare: Any) -> None:
    found = compare(
        {
            "subscribers": {
                "10.0.0.1": Subscriber(
                    ip="10.0.0.1", id="id-10.0.0.1", policy="Home", blocked=True, reason="status late"
                )
            }
        },
        {"policies": [BLOCK, HOME], "subscribers": [live_sub("10.0.0.1")]},
    )
    change = only_change(found)
    assert change.body == {"subscriberId": "id-10.0.0.1", "policyRate": "Billing-Block"}
    assert (change.impact, found.newly_blocked) == ("blocked", ("10.0.0.1",))


def test_a_policy_that_goes_to_zero_blocks_its_subscribers(compare: Any) -> None:
    zero = Policy(name="Home", id="Home", download=Limit(rate=0), upload=Limit(rate=500))
    found = compare(
        {"subscribers": {"10.0.0.1": "Home"}, "policies": {"Home": zero}},
        {"policies": [BLOCK, HOME], "subscribers": [live_sub("10.0.0.1")]},
    )
    assert only_change(found).kind is Kind.POLICY
    assert found.newly_blocked == ("10.0.0.1",)


def test_ipv6_is_compared_masked_and_compressed(compare: Any) -> None:
    found = compare(
        {"subscribers": {"2001:db8:5:6::": Subscriber(ip="2001:db8:5:6::", id="id", policy="Home")}},
        {"policies": [BLOCK, HOME], "subscribers": [{**live_sub("2001:0DB8:5:6::1"), "subscriberId": "id"}]},
    )
    assert found.changes == ()


def test_select_takes_networks_and_groups(make_host: Any, make_state: Any) -> None:
    subscribers = {
        "10.0.0.1": "Home",
        "10.1.0.1": Subscriber(ip="10.1.0.1", policy="Home", groups=("L2-West",)),
        "10.2.0.1": Subscriber(ip="10.2.0.1", policy="Home", groups=("L2-East",)),
    }
    state = make_state(subscribers=subscribers, groups=(Group(name="L2-West"), Group(name="L2-East")))
    bqn = make_host(select=Select(cidrs=(ip_network("10.0.0.0/16"),), groups=("L2-W*",)))
    target = make_target({"billing": state}, bqn)
    assert sorted(target.subscribers) == ["10.0.0.1", "10.1.0.1"]
    assert sorted(target.groups) == ["L2-West"]


def test_between_sources_the_first_has_the_address_and_both_keep_their_rates(make_host: Any, make_state: Any) -> None:
    slow = Policy(name="Home", id="1", download=Limit(rate=1), upload=Limit(rate=1))
    fast = Policy(name="Home", id="1", download=Limit(rate=9), upload=Limit(rate=9))
    one = make_state(subscribers={"10.0.0.1": "Home"}, policies={"Home": slow})
    two = make_state(subscribers={"10.0.0.1": "Home", "10.0.0.2": "Home"}, policies={"Home": fast})
    target = make_target({"one": one, "two": two}, make_host(sources=("one", "two")))
    assert target.subscribers["10.0.0.1"].policy == "Home"
    assert target.subscribers["10.0.0.2"].policy == "Home-two"
    assert (target.policies["Home"].download.rate, target.policies["Home-two"].download.rate) == (1, 9)
    assert len(target.warnings) == 2


def test_a_limit_that_gains_a_burst_is_told_field_by_field() -> None:
    burst = {"burst_rate": 2000, "burst_duration": 10, "burst_threshold": 900, "burst_threshold_window": 10}
    before = {"download": {"rate": 1000}, "upload": {"rate": 500}}
    after = {"download": {"rate": 1000, **burst}, "upload": {"rate": 500}}
    found = differences(Kind.POLICY, before, after)
    assert {each.field: (each.before, each.after) for each in found} == {
        f"download.{name}": (None, value) for name, value in burst.items()
    }
