"""The line that says what a render changed: each subscriber once, in the words of a commit message."""

import pytest

from generator.model import DesiredState, Group, Limit, Policy, Rejected, Subscriber
from generator.report.summary import Counts, commit_message, count_changes, summary_line


def state(*subscribers: Subscriber, policies: tuple[Policy, ...] = (), rejected: int = 0) -> DesiredState:
    return DesiredState(
        policies={policy.name: policy for policy in policies},
        groups={},
        subscribers={subscriber.ip: subscriber for subscriber in subscribers},
        rejected=tuple(Rejected(record=f"service {number}", reason="no address") for number in range(rejected)),
    )


def customer(number: int, *, ip: int | None = None, policy: str = "A", blocked: bool = False) -> Subscriber:
    return Subscriber(ip=f"10.0.0.{ip or number}", id=f"c{number}", policy=policy, blocked=blocked)


BEFORE = state(customer(1), customer(2), customer(3, blocked=True))


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (BEFORE, "nothing that counts"),
        (state(customer(1), customer(2), customer(3, blocked=True), customer(4)), "1 new"),
        (state(customer(1), customer(3, blocked=True)), "1 cancelled"),
        (state(customer(1), customer(2, ip=9), customer(3, blocked=True)), "1 moved"),
        (state(customer(1), customer(4, ip=2), customer(3, blocked=True)), "1 other change"),
        (state(customer(1, policy="B"), customer(2, policy="B"), customer(3, blocked=True)), "2 plan changes"),
        (state(customer(1, policy="B", blocked=True), customer(2), customer(3)), "1 newly blocked, 1 unblocked"),
        (state(), "3 cancelled"),
    ],
)
def test_each_subscriber_counts_once(after: DesiredState, said: str) -> None:
    assert summary_line(count_changes(BEFORE, after)) == said


def test_what_is_not_a_subscriber_stands_behind() -> None:
    slow, fast = (Policy(name="A", download=Limit(rate=rate)) for rate in (1000, 2000))
    before, after = state(policies=(slow,)), state(customer(1), policies=(fast, Policy(name="B")), rejected=2)
    after = DesiredState(
        policies=after.policies, groups={"L1-x": Group(name="L1-x")}, subscribers=after.subscribers,
        rejected=after.rejected,
    )  # fmt: skip
    assert summary_line(count_changes(before, after)) == "1 new; 2 policies, 1 group, 2 newly rejected"
    assert summary_line(count_changes(None, after)) == "1 new; 2 policies, 1 group, 2 newly rejected"


def test_two_customers_with_one_id_are_not_taken_for_a_move() -> None:
    before = state(Subscriber(ip="10.0.0.1", id="x"), Subscriber(ip="10.0.0.2", id="x"))
    after = state(Subscriber(ip="10.0.0.3", id="x"))
    assert summary_line(count_changes(before, after)) == "1 moved, 1 cancelled"
    nameless = (state(Subscriber(ip="10.0.0.1")), state(Subscriber(ip="10.0.0.2")))
    assert summary_line(count_changes(*nameless)) == "1 new, 1 cancelled"


def test_a_commit_message() -> None:
    one = {"splynx-main": Counts(new=3, cancelled=1, plan_changes=12, newly_blocked=2)}
    assert commit_message(one, []) == "splynx-main: 3 new, 1 cancelled, 12 plan changes, 2 newly blocked\n"
    two = {**one, "uisp": Counts(new=1, policies=1)}
    assert commit_message(two, ["visp"]).split("\n") == [
        "Desired state: 4 new, 1 cancelled, 12 plan changes, 2 newly blocked; 1 policy",
        "",
        "* splynx-main: 3 new, 1 cancelled, 12 plan changes, 2 newly blocked",
        "* uisp: 1 new; 1 policy",
        "* visp: could not be read, its files are those of the last time",
        "",
    ]
    assert commit_message({}, []) == "Desired state: nothing changed\n"
