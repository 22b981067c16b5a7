"""Every guard through the command line: fires, does not fire one below, and is let through by a number only."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from generator.bqn.kinds import Kind
from generator.desired.render import render_tree
from generator.desired.saving import save_tree
from generator.model import DesiredState, Limit, Policy, Subscriber

Want = Callable[..., None]


def ip(number: int) -> str:
    return f"10.0.0.{number + 1}"


def provider(
    customers: int, *, gone: int = 0, moved: int = 0, blocked: int = 0, stopped: int = 0, added: int = 0
) -> DesiredState:
    """`customers` on the plan Home, of which some go, move to another plan, are blocked, or have a plan that stops."""
    lines = {}
    for number in range(gone, customers + added):
        place = number - gone
        plan = "Other" if place < moved else "Home"
        stop = moved <= place < moved + blocked
        if moved + blocked <= place < moved + blocked + stopped:
            plan = "Stopped"
        lines[ip(number)] = Subscriber(
            ip=ip(number), id=f"c{number}", policy=plan, blocked=stop, reason="unpaid" if stop else None
        )
    rates = {"Home": 1000, "Other": 1000, "Stopped": 0}
    policies = {name: Policy(name=name, id=name, download=Limit(rate=rate)) for name, rate in rates.items()}
    return DesiredState(policies=policies, groups={}, subscribers=lines)


@pytest.fixture
def want(net: Any) -> Want:
    def save(state: DesiredState) -> None:
        save_tree(net.folder / "desired" / "billing", render_tree(state, templates=None))

    return save


@pytest.fixture
def start(net: Any, bqnctl: Any, want: Want) -> Callable[..., Any]:
    """An appliance with so many customers, and guards as the inventory says."""
    net.hosts["billing"]["hosts"]["billing"] = {
        "system": "splynx",
        "credentials": {"api_key": "k", "api_secret": "s"},
    }

    def run(customers: int, **guards: Any) -> Any:
        simulator = net.add_bqn(guards=guards)
        want(provider(customers))
        applied = bqnctl("apply", "--yes")
        assert applied.code == 0, applied
        simulator.requests.clear()
        return simulator

    return run


def writes(simulator: Any) -> list[Any]:
    return [seen for seen in simulator.requests if seen.method != "GET"]


# name: customers there, guards, the change that is one too many, the change that is not, the rule.
CASES: dict[str, tuple[int, dict[str, Any], dict[str, int], dict[str, int], str]] = {
    "delete percent": (40, {}, {"gone": 5}, {"gone": 4}, "delete"),
    "delete percent set": (40, {"max_delete_percent": 50}, {"gone": 21}, {"gone": 20}, "delete"),
    "delete count below min_existing": (9, {}, {"gone": 4}, {"gone": 3}, "delete"),
    "delete count set": (30, {"min_existing": 31, "max_delete": 7}, {"gone": 8}, {"gone": 7}, "delete"),
    "update": (20, {}, {"moved": 11}, {"moved": 10}, "update"),
    "update set": (20, {"max_update_percent": 5}, {"moved": 2}, {"moved": 1}, "update"),
    "block by status": (40, {}, {"blocked": 5}, {"blocked": 4}, "block"),
    "block set": (40, {"max_block_percent": 0}, {"blocked": 1}, {"blocked": 0}, "block"),
    "block by a plan that stops": (40, {}, {"stopped": 5}, {"stopped": 4}, "block"),
    "block by both": (40, {}, {"stopped": 2, "blocked": 3}, {"stopped": 2, "blocked": 2}, "block"),
    "block count below min_existing": (9, {}, {"blocked": 4}, {"blocked": 3}, "block"),
    "create": (20, {"max_create": 20}, {"added": 21}, {"added": 20}, "create"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_guard_fires_and_is_let_through_by_a_number(start: Any, bqnctl: Any, want: Want, net: Any, name: str) -> None:
    customers, guards, over, _, rule = CASES[name]
    simulator = start(customers, **guards)
    want(provider(customers, **over))
    count = sum(over.values())
    file = net.folder / "plan.json"
    refused = bqnctl("plan", "--detailed-exitcode", "--out", str(file))
    assert refused.code == 3, refused
    assert f"refused: {rule} {count} of {customers} subscribers" in refused.out
    assert f"--allow {rule}={count}" in refused.out
    assert len(json.loads(file.read_text())["appliances"][0]["changes"]) >= count, "a refused plan is saved whole"
    assert bqnctl("plan").code == 0, "without --detailed-exitcode a plan that was shown is a success"
    for command in (["--yes"], [str(file)], ["--yes", "--allow", f"{rule}={count - 1}"], ["--check"]):
        applied = bqnctl("apply", *command)
        assert applied.code == 3, applied
        assert "refused" in applied.out
    assert writes(simulator) == []
    assert bqnctl("plan", "--detailed-exitcode", "--allow", f"{rule}={count - 1}").code == 3
    other = "create" if rule != "create" else "delete"
    assert bqnctl("apply", "--yes", "--allow", f"{other}=1000").code == 3, "another rule's number is not this one's"
    assert writes(simulator) == []
    allowed = bqnctl("apply", "--yes", "--allow", f"{rule}={count}")
    assert allowed.code == 0, allowed
    assert f"allowed: {rule} {count} of {customers}" in allowed.out
    journal = max((net.folder / "journal").glob("*.jsonl")).read_text().splitlines()
    assert json.loads(journal[0])["allowed"] == {rule: count}
    assert bqnctl("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("name", CASES)
def test_one_below_it_does_not_fire(start: Any, bqnctl: Any, want: Want, name: str) -> None:
    customers, guards, _, under, _ = CASES[name]
    start(customers, **guards)
    want(provider(customers, **under))
    applied = bqnctl("apply", "--yes")
    assert applied.code == 0, applied
    assert "refused" not in applied.out
    assert bqnctl("plan", "--detailed-exitcode").code == 0


def test_a_policy_in_use_that_goes_to_zero_blocks_those_who_have_it(start: Any, bqnctl: Any, want: Want) -> None:
    """No subscriber's line changes, and all of them would be cut off."""
    simulator = start(20)
    state = provider(20)
    stopped = {"Home": Policy(name="Home", id="Home", download=Limit(rate=0))}
    want(DesiredState(policies={**state.policies, **stopped}, groups={}, subscribers=state.subscribers))
    refused = bqnctl("apply", "--yes")
    assert refused.code == 3, refused
    assert "refused: block 20 of 20 subscribers" in refused.out
    assert writes(simulator) == []


@pytest.mark.parametrize("customers", [5, 30])
def test_an_empty_desired_state_never_deletes_whatever_is_allowed(
    start: Any, bqnctl: Any, want: Want, net: Any, customers: int
) -> None:
    simulator = start(customers, max_delete_percent=100, max_delete=1000)
    want(DesiredState(policies={}, groups={}, subscribers={}))
    file = net.folder / "plan.json"
    allow = ("--allow", "delete=1000")
    planned = bqnctl("plan", "--detailed-exitcode", "--out", str(file), *allow)
    assert planned.code == 3, planned
    assert "an empty desired state never deletes" in planned.out
    for command in ([str(file)], ["--yes", *allow]):
        assert bqnctl("apply", *command).code == 3
    assert writes(simulator) == []
    assert len(simulator.store.items(Kind.SUBSCRIBER)) == customers


def test_a_plan_saved_with_leave_is_applied_without_asking_for_it_again(
    start: Any, bqnctl: Any, want: Want, net: Any
) -> None:
    start(40)
    want(provider(40, gone=9))
    file = net.folder / "plan.json"
    assert bqnctl("plan", "--detailed-exitcode", "--out", str(file), "--allow", "delete=9").code == 2
    again = bqnctl("apply", str(file), "--allow", "delete=9")
    assert again.code == 1, "a saved plan is applied as it is"
    assert bqnctl("apply", str(file)).code == 0


def test_a_refused_appliance_does_not_stop_the_others(start: Any, bqnctl: Any, want: Want, net: Any) -> None:
    simulator = start(20)
    other = net.add_bqn("other")
    want(provider(20, gone=9))
    applied = bqnctl("apply", "--yes")
    assert applied.code == 3, applied
    assert "bqn: refused" in applied.out
    assert writes(simulator) == []
    assert len(other.store.items(Kind.SUBSCRIBER)) == 11


@pytest.mark.parametrize(
    "text", ["delete", "delete=", "delete=-1", "delete=all", "delete=1.5", "DELETE=1", "=3", "x=3"]
)
def test_a_leave_that_is_no_number_is_a_usage_error(start: Any, bqnctl: Any, want: Want, text: str) -> None:
    simulator = start(12)
    want(provider(12, gone=5))
    ran = bqnctl("apply", "--yes", "--allow", text)
    assert ran.code == 1
    assert "RULE=N" in ran.err
    assert writes(simulator) == []
