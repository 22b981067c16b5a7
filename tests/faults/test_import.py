"""Adopting an appliance in use: only GETs, and a first plan that is empty."""

from typing import Any

import pytest


def in_use_by_others() -> dict[str, Any]:
    """What the vendor's scripts, an operator and the rules left behind."""
    return {
        "policies": [
            {"policyName": "VP-10M/50M", "policyId": "7", "rateLimitDownlink": {"rate": 50_000, "burstRate": 80_000,
             "burstDuration": 20, "burstThreshold": 40_000, "congestionMgmt": True}, "rateLimitUplink": {"rate": 9}},
            {"policyName": "Café_100%", "rateLimitDownlink": {"rate": 1_000}},
            {"policyName": "Unlimited", "policyId": "9"},
            {"policyName": "Nobody", "policyId": "9", "rateLimitDownlink": {"rate": 100_000_000}},
        ],
        "subscribers": [
            {"subscriberIp": "10.0.0.1", "subscriberId": "ana", "policyRate": "VP-10M/50M", "quota": {"volume": 5}},
            {"subscriberIp": "10.0.0.2", "policyRate": "Café_100%"},
            {"subscriberIp": "10.0.0.3", "subscriberId": "0123", "policyRate": "Billing-Block"},
            {"subscriberIp": "2001:db8:0:7::", "subscriberId": "no", "policyRate": "Unlimited"},
            {"subscriberIp": "10.9.0.1", "policyRate": "ByRule", "policyAssignedBy": "rules"},
            {"subscriberIp": "10.9.0.2", "policyAssignedBy": "default"},
            {"subscriberIp": "10.9.0.3", "subscriberId": "r", "policyRate": "Unlimited", "policyAssignedBy": "radius"},
        ],
        "groups": [
            {"subscriberGroupName": "L1-AP_North", "subscriberGroupType": "access-point",
             "subscriberMembers": ["10.0.0.1", "2001:db8:0:7::"], "subscriberRanges": ["2001:db8:7::/56"]},
            {"subscriberGroupName": "DS-4711", "policyRate": "VP-10M/50M", "subscriberMembers": ["10.0.0.2"]},
            {"subscriberGroupName": "VIP", "subscriberMembers": ["10.9.0.1"], "subscriberRanges": []},
        ],
    }  # fmt: skip


@pytest.mark.parametrize("behaviour", [{}, {"dense": True}, {"dense": True, "dense_filler": -1}])
def test_the_first_plan_is_empty_and_nothing_was_written(site: Any, bqn: Any, behaviour: dict[str, Any]) -> None:
    state = in_use_by_others()
    state["policies"].append(
        {
            "policyName": "Billing-Block",
            "policyId": "block",
            "rateLimitDownlink": {"rate": 0},
            "rateLimitUplink": {"rate": 0},
        }
    )
    bqn.reset(state, **behaviour)
    held = bqn.state()
    imported = site.run("import")
    assert imported.code == 0, imported
    assert "VIP is left out" in imported.err
    validated = site.run("validate")
    assert validated.code == 0, validated
    planned = site.run("plan", "--detailed-exitcode")
    assert planned.code == 0, planned
    assert "no changes" in planned.out
    assert site.run("apply", "--yes").code == 0
    assert {seen["method"] for seen in bqn.requests()} == {"GET"}
    assert bqn.state() == held


def test_only_a_missing_block_policy_is_planned(site: Any, bqn: Any) -> None:
    bqn.reset(in_use_by_others())
    assert site.run("import").code == 0
    _, changes = site.plan()
    assert [(change["action"], change["key"]) for change in changes] == [("create", "Billing-Block")]


def test_an_appliance_that_names_no_assigner_loses_nobody(site: Any, bqn: Any) -> None:
    """An older release: nothing there is known to be ours, so nothing is imported and nothing deleted."""
    bqn.reset(in_use_by_others(), omit_assigned_by=True)
    assert site.run("import").code == 0
    _, changes = site.plan()
    assert [change for change in changes if change["kind"] == "subscriber"] == []


def test_an_appliance_that_cannot_be_read_is_not_imported(site: Any, bqn: Any) -> None:
    bqn.reset(in_use_by_others(), {"kind": "cut-json", "path": "/subscribers"})
    imported = site.run("import")
    assert imported.code == 1
    assert not (site.folder / "desired").exists()
    bqn.fail()
    assert site.run("import").code == 0
    again = site.run("import")
    assert again.code == 3
    assert "--replace" in again.err


def test_a_static_policy_in_use_is_told_and_referred_to_without_being_written(site: Any, bqn: Any) -> None:
    state = in_use_by_others()
    state["subscribers"].append({"subscriberIp": "10.0.0.8", "policyRate": "Static_10M", "subscriberId": "s"})
    bqn.reset(state, static_policies=["Static_10M"])
    imported = site.run("import")
    assert "Static_10M" in imported.err
    files = list((site.folder / "desired").glob("*/policies.yml"))
    assert ["Static_10M: {static: true}" in file.read_text(encoding="utf-8") for file in files] == [True]
    planned = site.run("plan")
    assert "1 to create, 0 to change, 0 to delete" in planned.out  # Billing-Block
    assert "Static_10M" not in planned.out
    assert bqn.writes() == []
