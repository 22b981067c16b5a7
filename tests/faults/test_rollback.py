"""`rollback RUN` then `apply`: the appliance is as it was before the run, also when the run was cut short."""

import signal
from typing import Any

import pytest

from generator.model import Subscriber


def last_run(site: Any) -> str:
    file = max(site.journal.glob("*.jsonl"))
    return str(file.stem)


def undo(site: Any, run: str, *allow: str) -> Any:
    """Roll `run` back by a saved plan; what the apply said."""
    file = site.folder / "back.json"
    planned = site.run("rollback", run, "--out", str(file), *allow)
    assert planned.code == 0, planned
    return site.run("apply", str(file))


def sorted_state(state: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {kind: sorted(items, key=str) for kind, items in state.items()}


@pytest.fixture
def before(site: Any, bqn: Any, in_use: Any, states: Any) -> Any:
    """An appliance in use, where one address of the later desired state was the appliance's own until now."""
    rules = {"subscriberIp": "10.0.0.13", "policyRate": "ByRule", "policyAssignedBy": "rules"}
    in_use["subscribers"].append(rules)
    bqn.reset(in_use, rules_take_over=True)
    site.want(states.after)
    return bqn.state()


def same_but_for_rules(states: Any, found: Any, wanted: Any) -> None:
    """Everything as it was; of what is the appliance's own only who assigned it: the rules choose the policy."""
    owned = [{**each, "subscribers": [s for s in each["subscribers"] if s["policyAssignedBy"] == "api"]}
             for each in (found, wanted)]  # fmt: skip
    assert states.shown(owned[0]) == states.shown(owned[1])
    own = {s["subscriberIp"] for s in wanted["subscribers"] if s["policyAssignedBy"] == "rules"}
    assert own <= {s["subscriberIp"] for s in found["subscribers"] if s["policyAssignedBy"] == "rules"}


def test_a_whole_run_is_undone(site: Any, bqn: Any, states: Any, before: Any) -> None:
    assert site.run("apply", "--yes").code == 0
    bqn.fail()
    undone = undo(site, last_run(site))
    assert undone.code == 0, undone
    found = bqn.state()
    same_but_for_rules(states, found, before)
    assert {w["method"] for w in bqn.writes()} == {"POST", "PUT", "DELETE"}
    assert undo(site, last_run(site)).code == 0, "an undoing can be undone"
    assert site.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("count", [1, 7, 15])
def test_a_killed_run_is_undone(site: Any, bqn: Any, states: Any, before: Any, count: int) -> None:
    bqn.fail({"kind": "stall", "method": "WRITE", "first": count + 1, "seconds": 3600})
    process = site.start("apply", "--yes")
    bqn.wait_for_writes(count)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    bqn.fail()
    assert undo(site, last_run(site)).code == 0
    same_but_for_rules(states, bqn.state(), before)


@pytest.mark.parametrize("kind", ["status-after", "reset-after"])
def test_a_write_that_was_done_though_it_failed_is_undone(
    site: Any, bqn: Any, states: Any, before: Any, kind: str
) -> None:
    site.bqn["timeout"] = 0.5
    bqn.fail({"kind": kind, "method": "WRITE", "path": "*/10.0.0.*"})
    assert site.run("apply", "--yes").code == 4
    bqn.fail()
    undone = undo(site, last_run(site))
    assert undone.code == 0, undone
    same_but_for_rules(states, bqn.state(), before)


def test_a_write_that_was_refused_is_nothing_to_undo(site: Any, bqn: Any, before: Any) -> None:
    bqn.fail({"kind": "status", "status": 400, "method": "WRITE"})
    assert site.run("apply", "--yes").code == 1
    planned = site.run("rollback", last_run(site), "--detailed-exitcode")
    assert planned.code == 0, planned
    assert "no changes" in planned.out


def test_a_rollback_is_narrow_and_guarded(site: Any, bqn: Any, states: Any, before: Any) -> None:
    lines: dict[str, Any] = dict(states.before.subscribers)
    lines |= {f"10.7.0.{n}": Subscriber(ip=f"10.7.0.{n}", id="x", policy="Home") for n in range(1, 21)}
    site.want(states.make(list(states.before.policies.values()), lines, states.before.groups))
    assert site.run("apply", "--yes").code == 0
    run = last_run(site)
    site.bqn["guards"] = {}
    refused = site.run("rollback", run, "--detailed-exitcode", "--out", str(site.folder / "back.json"))
    assert refused.code == 3, refused
    bqn.fail()
    assert site.run("apply", str(site.folder / "back.json")).code == 3
    assert bqn.writes() == []
    applied = undo(site, run, "--allow", "delete=20")
    assert applied.code == 0, applied
    assert [w["method"] for w in bqn.writes()] == ["DELETE"] * 20
    assert sorted_state(bqn.state())["policies"] == sorted_state(before)["policies"]


def test_the_work_of_others_since_the_run_stays(site: Any, bqn: Any, before: Any) -> None:
    assert site.run("apply", "--yes").code == 0
    run, state = last_run(site), bqn.state()
    state["policies"].append({"policyName": "ByHand", "rateLimitDownlink": {"rate": 7}})
    state["subscribers"].append({"subscriberIp": "10.9.9.9", "policyRate": "ByHand", "policyAssignedBy": "api"})
    bqn.reset(state, rules_take_over=True)
    assert undo(site, run).code == 0
    found = bqn.state()
    assert "ByHand" in {p["policyName"] for p in found["policies"]}
    assert "10.9.9.9" in {s["subscriberIp"] for s in found["subscribers"]}


def test_what_was_deleted_comes_back_with_what_only_the_appliance_knew(site: Any, bqn: Any, states: Any) -> None:
    policy = {
        "policyName": "Leaves", "policyId": "7", "rateLimitDownlink": {"rate": 9, "congestionMgmt": False},
        "rateLimitUplink": {"rate": 8},
    }  # fmt: skip
    subscriber = {
        "subscriberIp": "10.0.0.99", "subscriberId": "zoe", "policyRate": "Leaves", "quota": {"volume": 5},
        "policyAssignedBy": "api",
    }  # fmt: skip
    group = {"subscriberGroupName": "L1-Leaves", "subscriberMembers": ["10.0.0.99"]}
    bqn.reset({"policies": [policy], "subscribers": [subscriber], "groups": [group]})
    site.want(states.after)
    before = bqn.state()
    assert site.run("apply", "--yes", "--allow", "delete=3").code == 0
    assert not [each for each in bqn.state()["subscribers"] if each["subscriberIp"] == "10.0.0.99"]
    undone = undo(site, last_run(site), "--allow", "delete=99")
    assert undone.code == 0, undone
    found = bqn.state()

    def of(state: dict[str, list[dict[str, Any]]]) -> tuple[Any, Any, Any]:
        return (
            next(each for each in state["policies"] if each["policyName"] == "Leaves"),
            next(each for each in state["subscribers"] if each["subscriberIp"] == "10.0.0.99"),
            next(each for each in state["groups"] if each["subscriberGroupName"] == "L1-Leaves"),
        )

    assert of(found) == of(before)
