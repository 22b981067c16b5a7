"""No step of the way may cost more than in proportion to the customers: counted in calls, not in seconds.

Each step is done for 1,000 and for 10,000 customers while every call of a Python or C function is counted; ten
times the customers may make at most eleven times the calls. A loop that compares everybody with everybody makes a
hundred times as many.
"""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest

from generator.bqn.kinds import Kind
from generator.bqn.live import decode_state
from generator.bqn.server.store import MemoryStore
from generator.demo.pushed import fill, sample
from generator.desired.build import build
from generator.desired.render import render_tree
from generator.desired.tree import read_tree
from generator.inventory.load import load_inventory
from generator.inventory.settings import BillingHost, BqnHost
from generator.model import BillingAnswer, DesiredState, GroupRecord, Limit, PlanRecord, ServiceRecord
from generator.reconcile.figures import figures
from generator.reconcile.only import Only
from generator.reconcile.plan import Plan
from generator.reconcile.planfile import encode_plan
from generator.reconcile.planner import compare_appliance
from generator.reconcile.target import make_target
from generator.report.html import plan_html
from generator.report.markdown import plan_markdown
from generator.report.text import plan_text

SMALL, LARGE, MOST = 1_000, 10_000, 11.0
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Calls:
    """Counts calls while it is on; what the C functions do inside is theirs."""

    def __init__(self) -> None:
        self.count = 0

    def _note(self, frame: FrameType, event: str, argument: object) -> None:  # noqa: ARG002 - as Python calls it
        if event in ("call", "c_call"):
            self.count += 1

    def of(self, work: Callable[[], Any]) -> Any:
        sys.setprofile(self._note)
        try:
            return work()
        finally:
            sys.setprofile(None)


def counted(work: Callable[[], Any]) -> tuple[int, Any]:
    calls = Calls()
    result = calls.of(work)
    return calls.count, result


def address(at: int) -> str:
    return f"100.{64 + at // 65536}.{at // 256 % 256}.{at % 256}"


def answer(customers: int) -> BillingAnswer:
    """Customers on ten plans at ten sites; one in fifty shares an address, one in twenty does not pay."""
    plans = tuple(PlanRecord(id=str(at), name=f"Plan {at}", download=Limit(rate=1000 * at + 1000)) for at in range(10))
    services = tuple(
        ServiceRecord(
            record=f"service {at}", plan=str(at % 10), ids={"login": f"user{at}"},
            addresses=(address(at - 1 if at % 50 == 49 else at),),
            statuses={"session_blocked": "blocked" if at % 20 == 19 else "active"},
            groups=(GroupRecord(level="L1", name=f"AP {at % 10}"),),
        )
        for at in range(customers)
    )  # fmt: skip
    return BillingAnswer(plans=plans, services=services)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> tuple[BillingHost, BqnHost]:
    folder = tmp_path_factory.mktemp("inventory")
    (folder / "hosts.yml").write_text(
        "all: {children: {billing: {hosts: {s: {system: splynx, host: h, credentials: {api_key: k, api_secret: s}}}}, "
        "bqn: {hosts: {b: {host: h, credentials: {username: u, password: p}}}}}}\n"
    )
    inventory = load_inventory(folder, environ={})
    return inventory.billing["s"], inventory.bqn["b"]


def way(customers: int, billing: BillingHost, bqn: BqnHost) -> dict[str, int]:
    """The calls of each step from billing data to reports, for so many customers."""
    said, counts = answer(customers), dict[str, int]()

    def step(name: str, work: Callable[[], Any]) -> Any:
        counts[name], result = counted(work)
        return result

    state: DesiredState = step("build", lambda: build(said, billing, previous=None, now=NOW)).state
    step("build again", lambda: build(said, billing, previous=state, now=NOW))
    files: Mapping[str, bytes] = step("render", lambda: render_tree(state, templates=None))
    texts = {name: content.decode() for name, content in files.items()}
    read = step("read", lambda: read_tree(texts, Path())).state
    target = step("target", lambda: make_target({"s": read}, bqn))
    store = MemoryStore()
    step("store", lambda: fill(store, sample(customers, 1)))
    bodies = {kind: store.encode_all(kind) or b'{"items":[]}' for kind in Kind}
    live = step("live", lambda: decode_state(bodies.__getitem__, ipv6_prefix=64))
    one = step("compare", lambda: compare_appliance(bqn, target, live, allowed={}, only=Only()))
    drawn = step("figures", lambda: figures(target, live, bqn, deleted=frozenset()))
    plan = Plan(
        bqnctl="0", inventory="i", desired_digests={}, appliances=(msgspec.structs.replace(one, figures=drawn),)
    )  # fmt: skip
    assert len(one.changes) > customers // 2
    step("encode", lambda: encode_plan(plan))
    step("text", lambda: plan_text(plan, verbose=True))
    step("markdown", lambda: plan_markdown(plan))
    step("html", lambda: plan_html(plan))
    return counts


def test_every_step_costs_in_proportion_to_the_customers(hosts: tuple[BillingHost, BqnHost]) -> None:
    way(10, *hosts)  # what is made once and kept is made here
    small, large = way(SMALL, *hosts), way(LARGE, *hosts)
    growth = {name: round(large[name] / max(small[name], SMALL), 1) for name in small}
    assert {name: times for name, times in growth.items() if times > MOST} == {}
    assert sum(large.values()) > 10 * LARGE, "the calls are counted"


def test_the_count_sees_a_quadratic() -> None:
    def compare_all(customers: int) -> None:
        for one in range(customers):
            for other in range(0, customers, 10):
                str.startswith("a", "b") if one == other else len("a")

    few, many = counted(lambda: compare_all(100))[0], counted(lambda: compare_all(1000))[0]
    assert many / few > MOST
