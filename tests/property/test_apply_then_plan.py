"""Whatever is desired and whatever is live: after an apply the plan is empty, and a second apply sends nothing."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.bqn.kinds import Kind
from generator.bqn.server.simulator import Simulator, SimulatorOptions, running
from generator.bqn.server.store import Behaviour
from generator.inventory.secret import Secret
from generator.inventory.settings import BqnHost, Guards, Ignore, Select
from generator.model import DesiredState, Group, Limit, Policy, Subscriber
from generator.net.certificate import Certificate
from generator.net.tls import TlsSettings
from generator.reconcile.apply import Applier
from generator.reconcile.journal import Journal
from generator.reconcile.plan import Plan
from generator.reconcile.planner import make_plan

OPEN = Guards(max_delete_percent=100, max_update_percent=100, max_block_percent=100, max_delete=1000)
NAMES = ["A", "B", "Café/9", "50%", "x y"]
IPS = [f"10.0.0.{n}" for n in range(1, 7)] + ["2001:db8:0:1::", "2001:db8:0:2::"]
GROUPS = ["L1-A", "L2-Ω", "DS-7", "VIP"]

rates = st.one_of(st.none(), st.sampled_from([0, 1, 50_000, 2_000_000]))


@st.composite
def limits(draw: Any) -> Limit:
    rate = draw(rates)
    if not rate or draw(st.booleans()):
        return Limit(rate=rate)
    return Limit(rate=rate, burst_rate=rate * 2, burst_duration=draw(st.integers(1, 60)), burst_threshold=rate)


@st.composite
def desired_states(draw: Any) -> DesiredState:
    names = draw(st.sets(st.sampled_from(NAMES), min_size=1))
    policies = {
        name: Policy(
            name=name, id=draw(st.sampled_from([None, "1", "2"])), download=draw(limits()), upload=draw(limits())
        )
        for name in sorted(names)
    }
    groups = {
        name: Group(
            name=name,
            type=draw(st.sampled_from([None, "access-point"])),
            policy=draw(st.sampled_from([None, *policies])),
            ranges=draw(st.sampled_from([(), ("2001:db8:7::/56",)])),
        )
        for name in sorted(draw(st.sets(st.sampled_from(GROUPS))))
    }
    subscribers = {
        ip: Subscriber(
            ip=ip,
            id=draw(st.sampled_from([None, "ana", "bob perez"])),
            policy=draw(st.sampled_from(list(policies))),
            blocked=draw(st.booleans()),
            groups=tuple(sorted(draw(st.sets(st.sampled_from(list(groups)), max_size=3)))) if groups else (),
        )
        for ip in sorted(draw(st.sets(st.sampled_from(IPS), min_size=1)))
    }
    return DesiredState(policies=policies, groups=groups, subscribers=subscribers)


behaviours = st.builds(
    Behaviour,
    dense=st.booleans(),
    dense_filler=st.sampled_from([0, -1]),
    nested_put_merges=st.booleans(),
    rules_take_over=st.booleans(),
    refuses_minus_one=st.booleans(),
    empty_is_404=st.booleans(),
)


@pytest.fixture(scope="module")
def appliance(certificate: Certificate) -> Iterator[tuple[Simulator, BqnHost]]:
    with running(SimulatorOptions(), certificate=certificate) as (simulator, listening):
        yield (
            simulator,
            BqnHost(
                name="bqn", host=listening.host, port=listening.port, timeout_s=5,
                tls=TlsSettings(fingerprint_sha256=listening.fingerprint_sha256), username=Secret("demo"),
                password=Secret("demo"), sources=("billing",), select=Select(), max_connections=4, prune=True,
                ignore=Ignore(), managed_groups=("L1-*", "L2-*", "DS-*"), guards=OPEN, group_capacity={},
                ipv6_prefix=64,
            ),
        )  # fmt: skip


def plan_for(state: DesiredState, bqn: BqnHost) -> Plan:
    return make_plan([bqn], {"billing": state}, inventory="i", desired_digests={})


def apply(state: DesiredState, bqn: BqnHost, folder: Path, run: str) -> None:
    (folder / f"{run}.jsonl").unlink(missing_ok=True)
    with Journal(folder, run) as journal:
        applier = Applier(
            {"bqn": bqn}, journal=journal, stop=threading.Event(), progress=lambda _: None,
            environ={**os.environ, "XDG_STATE_HOME": str(folder)},
        )  # fmt: skip
        outcome = applier.apply(plan_for(state, bqn), allowed={})
    assert outcome.exit_code == 0, outcome


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=desired_states(), second=desired_states(), behaviour=behaviours)
def test_after_an_apply_the_plan_is_empty(
    appliance: tuple[Simulator, BqnHost],
    tmp_path: Path,
    first: DesiredState,
    second: DesiredState,
    behaviour: Behaviour,
) -> None:
    simulator, bqn = appliance
    simulator.store.set_behaviour(behaviour)
    simulator.store.load({})
    simulator.store.add(Kind.SUBSCRIBER, "10.0.0.1", {"policyRate": "ByRule", "policyAssignedBy": "rules"})
    simulator.store.add(Kind.SUBSCRIBER, "10.9.9.9", {"policyRate": "ByRule", "policyAssignedBy": "default"})
    for state in (first, second):
        apply(state, bqn, tmp_path, "run")
        again = plan_for(state, bqn)
        assert not again.has_changes, again
        sent = sum(request.method != "GET" for request in simulator.requests)
        apply(state, bqn, tmp_path, "again")
        assert sum(request.method != "GET" for request in simulator.requests) == sent
    untouched = simulator.store.get(Kind.SUBSCRIBER, "10.9.9.9")
    assert untouched is not None
    assert untouched["policyAssignedBy"] == "default"
