"""Each guard at its limit, one below it, and let through."""

from typing import Any

import pytest

from generator.errors import UsageError
from generator.inventory.settings import Guards
from generator.model import Subscriber
from generator.reconcile.diff import diff
from generator.reconcile.guards import judge, parse_allowances
from generator.reconcile.plan import Verdict
from generator.reconcile.target import make_target


def address(number: int) -> str:
    return f"10.0.{number // 250}.{number % 250 + 1}"


@pytest.fixture
def refusals(make_host: Any, make_state: Any, make_live: Any) -> Any:
    """The refused (rule, kind) pairs for `live` subscribers, of which some go, move to another plan or are blocked."""

    def run(
        live: int, *, gone: int = 0, moved: int = 0, blocked: int = 0, guards: Guards | None = None, **allowed: int
    ) -> set[tuple[str, str]]:
        subscribers: dict[str, Any] = {}
        for number in range(gone, live):
            ip = address(number)
            plan = "Other" if number < gone + moved else "Home"
            stop = number >= live - blocked
            subscribers[ip] = Subscriber(ip=ip, id=f"id-{ip}", policy=plan, blocked=stop, reason="x" if stop else None)
        rates = {"rateLimitDownlink": {"rate": 1000}, "rateLimitUplink": {"rate": 500}}
        listed = [
            {
                "subscriberIp": address(n),
                "subscriberId": f"id-{address(n)}",
                "policyRate": "Home",
                "policyAssignedBy": "api",
            }
            for n in range(live)
        ]
        bqn = make_host(guards=guards or Guards())
        target = make_target({"billing": make_state(subscribers)}, bqn)
        policies = [{"policyName": name, "policyId": name, **rates} for name in ("Home", "Other")]
        found = diff(target, make_live(policies=policies, subscribers=listed), bqn)
        verdicts: tuple[Verdict, ...] = judge(found, target, bqn.guards, allowed)
        return {(v.rule, v.kind.value) for v in verdicts if v.refused}

    return run


def test_deletes_up_to_ten_percent_pass(refusals: Any) -> None:
    assert refusals(100, gone=10) == set()
    assert refusals(100, gone=11) == {("delete", "subscriber")}


def test_below_ten_existing_the_count_rules(refusals: Any) -> None:
    assert refusals(9, gone=3) == set()
    assert refusals(9, gone=4) == {("delete", "subscriber")}


def test_updates_up_to_half_pass(refusals: Any) -> None:
    assert refusals(20, moved=10) == set()
    assert refusals(20, moved=11) == {("update", "subscriber")}


def test_newly_blocked_up_to_ten_percent_pass(refusals: Any) -> None:
    assert refusals(20, blocked=2) == set()
    assert refusals(20, blocked=3) == {("block", "subscriber")}
    assert refusals(9, blocked=4) == {("block", "subscriber")}


def test_an_allowance_is_a_number_not_a_blanket(refusals: Any) -> None:
    assert refusals(100, gone=30, delete=30) == set()
    assert refusals(100, gone=31, delete=30) == {("delete", "subscriber")}


def test_an_empty_desired_state_never_deletes_whatever_is_allowed(refusals: Any) -> None:
    assert ("empty", "subscriber") in refusals(5, gone=5, delete=1000)
    assert ("empty", "subscriber") in refusals(100, gone=100, delete=1000)
    assert ("empty", "subscriber") in refusals(1, gone=1)


def test_creates_are_limited_only_when_asked(refusals: Any, make_host: Any, make_state: Any, make_live: Any) -> None:
    bqn = make_host(guards=Guards(max_create=2))
    target = make_target({"billing": make_state({address(n): "Home" for n in range(3)})}, bqn)
    found = diff(target, make_live(), bqn)
    assert {(v.rule, v.kind.value) for v in judge(found, target, bqn.guards, {}) if v.refused} == {
        ("create", "subscriber")
    }
    assert not [v for v in judge(found, target, Guards(), {}) if v.refused]


def test_a_refusal_says_rule_numbers_examples_and_flag(make_host: Any, make_state: Any, make_live: Any) -> None:
    bqn = make_host()
    listed = [{"subscriberIp": address(n), "policyRate": "Home", "policyAssignedBy": "api"} for n in range(20)]
    target = make_target({"billing": make_state({address(n): "Home" for n in range(10)})}, bqn)
    verdicts = judge(diff(target, make_live(subscribers=listed), bqn), target, bqn.guards, {})
    refused = next(v for v in verdicts if v.rule == "delete")
    assert (refused.count, refused.existing, refused.limit) == (10, 20, "max_delete_percent 10")
    assert refused.examples[0] == address(10)
    assert "--allow delete=10" in (refused.fix or "")


@pytest.mark.parametrize(
    "text", ["delete", "delete=", "delete=-1", "delete=all", "everything=5", "=5", "delete=\u0661"]
)
def test_a_bad_allowance_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="RULE=N"):
        parse_allowances((text,))
