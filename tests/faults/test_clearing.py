"""What goes away really goes, however deep the appliance's PUT merges; what others own stays."""

from typing import Any

import pytest

from generator.model import Group, Subscriber

QUOTA = {"volume": 5_000_000, "time": 1_900_000_000}


@pytest.fixture(params=[False, True], ids=["nested-replaced", "nested-merged"])
def cleared(request: pytest.FixtureRequest, site: Any, bqn: Any, states: Any) -> Any:
    """An appliance in use where others set things too; then the desired state takes things away."""
    home = states.policy("Home", 50_000, burst=80_000)
    groups = {
        "L1-A": Group(name="L1-A", policy="Home", ranges=("2001:db8:7::/56",)),
        "L1-B": Group(name="L1-B"),
    }
    lines = {ip: Subscriber(ip=ip, id="ana", policy="Home", groups=("L1-A", "L1-B")) for ip in ("10.0.0.1", "10.0.0.2")}
    site.want(states.make([home], lines, groups))
    bqn.reset({}, nested_put_merges=request.param)
    assert site.run("apply", "--yes").code == 0
    others_had_a_hand(bqn, nested_put_merges=request.param)
    assert site.run("plan", "--detailed-exitcode").code == 0
    bare = {"L1-A": Group(name="L1-A"), "L1-B": Group(name="L1-B")}
    lines = {
        "10.0.0.1": Subscriber(ip="10.0.0.1", policy="Home", groups=("L1-B",)),
        "10.0.0.2": Subscriber(ip="10.0.0.2", id="ana", policy="Home", groups=("L1-A",)),
    }
    wanted = states.make([states.policy("Home", 50_000, id=None)], lines, bare)
    site.want(wanted)
    applied = site.run("apply", "--yes")
    assert applied.code == 0, applied
    return wanted


def others_had_a_hand(bqn: Any, **behaviour: Any) -> None:
    """An operator set quotas, ACM and a group of his own; another system a field that nobody else knows."""
    state = bqn.state()
    for subscriber in state["subscribers"]:
        subscriber |= {"quota": QUOTA, "userName": "ana@example.net"}
    for policy in state["policies"]:
        policy["rateLimitDownlink"]["congestionMgmt"] = False
    for group in state["groups"]:
        group["remark"] = "tower 7"
    members = ["10.0.0.1", "10.0.0.2"]
    state["groups"].append({"subscriberGroupName": "VIP", "subscriberMembers": members, "subscriberRanges": []})
    bqn.reset(state, **behaviour)


def named(items: list[dict[str, Any]], field: str) -> dict[str, dict[str, Any]]:
    return {item[field]: item for item in items}


def test_burst_and_id_of_a_policy_are_gone_and_acm_stays(cleared: Any, bqn: Any) -> None:
    home = named(bqn.state()["policies"], "policyName")["Home"]
    assert home == {
        "policyName": "Home",
        "rateLimitDownlink": {"rate": 50_000, "congestionMgmt": False},
        "rateLimitUplink": {"rate": 500},
    }


def test_the_id_of_a_subscriber_is_gone_and_quota_and_foreign_fields_stay(cleared: Any, bqn: Any) -> None:
    found = named(bqn.state()["subscribers"], "subscriberIp")
    assert "subscriberId" not in found["10.0.0.1"]
    assert found["10.0.0.2"]["subscriberId"] == "ana"
    for subscriber in found.values():
        assert subscriber["quota"] == QUOTA
        assert subscriber["userName"] == "ana@example.net"


def test_membership_that_goes_is_gone_and_a_foreign_group_keeps_its_members(cleared: Any, bqn: Any) -> None:
    found = named(bqn.state()["groups"], "subscriberGroupName")
    assert found["L1-A"]["subscriberMembers"] == ["10.0.0.2"]
    assert found["L1-B"]["subscriberMembers"] == ["10.0.0.1"]
    assert found["VIP"]["subscriberMembers"] == ["10.0.0.1", "10.0.0.2"]


def test_policy_and_ranges_of_a_group_are_gone(cleared: Any, bqn: Any) -> None:
    group = named(bqn.state()["groups"], "subscriberGroupName")["L1-A"]
    assert "policyRate" not in group
    assert group["subscriberRanges"] == []


def test_then_there_is_nothing_left_to_plan(cleared: Any, site: Any, bqn: Any, states: Any) -> None:
    assert site.run("plan", "--detailed-exitcode").code == 0
    found = states.shown(bqn.state())
    del found["groups"]["VIP"]
    assert found == states.expected(cleared)


def test_a_membership_that_goes_after_an_id_went_is_gone_too(cleared: Any, site: Any, bqn: Any, states: Any) -> None:
    lines = {ip: Subscriber(ip=ip, policy="Home") for ip in ("10.0.0.1", "10.0.0.2")}
    groups = {name: Group(name=name) for name in ("L1-A", "L1-B")}
    site.want(states.make([states.policy("Home", 50_000, id=None)], lines, groups))
    applied = site.run("apply", "--yes")
    assert applied.code == 0, applied
    found = named(bqn.state()["groups"], "subscriberGroupName")
    assert found["L1-A"]["subscriberMembers"] == found["L1-B"]["subscriberMembers"] == []
    assert found["VIP"]["subscriberMembers"] == ["10.0.0.1", "10.0.0.2"]


def test_a_subscriber_of_rules_gets_no_empty_policy(site: Any, bqn: Any, states: Any) -> None:
    """Named without a policy: the field is left out, not sent empty."""
    bqn.reset({"subscribers": [{"subscriberIp": "10.0.0.1", "policyAssignedBy": "default"}]})
    site.want(states.make([states.policy("Home")], {"10.0.0.1": Subscriber(ip="10.0.0.1", id="ana")}))
    assert site.run("apply", "--yes").code == 0
    [write] = [seen for seen in bqn.writes() if seen["path"] == "/subscribers/10.0.0.1"]
    assert write["body"] == {"subscriberId": "ana"}


def test_a_type_that_changes_is_written(site: Any, bqn: Any, states: Any) -> None:
    for type_ in ("access-point", "tower"):
        site.want(states.make([states.policy("Home")], {}, {"L1-A": Group(name="L1-A", type=type_)}))
        assert site.run("apply", "--yes").code == 0
        assert bqn.state()["groups"][0]["subscriberGroupType"] == type_
