"""Computes the plan of a run: every appliance apart and at the same time, none hiding another's failure."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from generator import __version__
from generator.bqn.client import BqnClient
from generator.bqn.kinds import Kind
from generator.bqn.live import LiveState
from generator.errors import BqnctlError
from generator.inventory.settings import BqnHost
from generator.model import DesiredState
from generator.reconcile.diff import diff
from generator.reconcile.guards import judge
from generator.reconcile.only import Only
from generator.reconcile.plan import AppliancePlan, Plan
from generator.reconcile.target import make_target
from generator.reconcile.views import digest_bytes

Connect = Callable[[BqnHost], BqnClient]

_MOST_AT_ONCE = 16
"""Appliances read at the same time; each is its own network wait."""


def make_plan(
    appliances: Sequence[BqnHost],
    states: Mapping[str, DesiredState],
    *,
    inventory: str,
    desired_digests: Mapping[str, str],
    connect: Connect = BqnClient,
    allowed: Mapping[str, int] | None = None,
    only: Only | None = None,
) -> Plan:
    """The plan for `appliances` from the desired `states` of their sources; reads the live state of each.

    An appliance that cannot be read has its `error` set and no changes; the others are planned.
    """

    def one(bqn: BqnHost) -> AppliancePlan:
        return plan_appliance(bqn, states, connect=connect, allowed=allowed or {}, only=only or Only())

    with ThreadPoolExecutor(max_workers=max(1, min(_MOST_AT_ONCE, len(appliances)))) as pool:
        plans = tuple(pool.map(one, appliances))
    return Plan(
        bqnctl=__version__,
        inventory=inventory,
        desired_digests=dict(sorted(desired_digests.items())),
        appliances=plans,
        only=(only or Only()).texts,
    )


def plan_appliance(
    bqn: BqnHost,
    states: Mapping[str, DesiredState],
    *,
    connect: Connect,
    allowed: Mapping[str, int],
    only: Only,
) -> AppliancePlan:
    """The plan for one appliance."""
    address = f"{bqn.host}:{bqn.port}"
    try:
        with connect(bqn) as client:
            live = client.read_state()
    except BqnctlError as error:
        return AppliancePlan(name=bqn.name, address=address, sources=bqn.sources, error=str(error))
    return compare_appliance(bqn, states, live, allowed=allowed, only=only)


def compare_appliance(
    bqn: BqnHost,
    states: Mapping[str, DesiredState],
    live: LiveState,
    *,
    allowed: Mapping[str, int],
    only: Only,
) -> AppliancePlan:
    """The plan for one appliance whose live state is at hand; a plain function of its arguments."""
    target = make_target({source: states[source] for source in bqn.sources}, bqn)
    found = only.narrow(diff(target, live, bqn))
    return AppliancePlan(
        name=bqn.name,
        address=f"{bqn.host}:{bqn.port}",
        sources=bqn.sources,
        changes=found.changes,
        totals=found.totals,
        verdicts=judge(found, target, bqn.guards, allowed),
        warnings=target.warnings,
        untouched=found.untouched,
        live_digests={kind: digest_bytes(live.bodies[kind]) for kind in Kind},
    )
