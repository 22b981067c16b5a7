"""Computes the plan of a run: every appliance apart and at the same time, none hiding another's failure."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from generator import __version__
from generator.bqn.client import BqnClient
from generator.bqn.kinds import Kind
from generator.bqn.live import LiveState
from generator.errors import BqnctlError
from generator.inventory.settings import BqnHost
from generator.model import DesiredState
from generator.reconcile.diff import diff
from generator.reconcile.figures import figures
from generator.reconcile.guards import judge
from generator.reconcile.history import RunRecord
from generator.reconcile.only import Only
from generator.reconcile.plan import REQUEST_S, Action, AppliancePlan, Plan
from generator.reconcile.rollback import first_writes, rollback_target
from generator.reconcile.selecting import Selections
from generator.reconcile.target import Target, make_target

Connect = Callable[[BqnHost], BqnClient]
TargetOf = Callable[[LiveState], Target]

_MOST_AT_ONCE = 16
"""Appliances read at the same time; each is its own network wait."""


def make_plan(
    appliances: Sequence[BqnHost],
    states: Mapping[str, DesiredState],
    *,
    inventory: str,
    desired_digests: Mapping[str, str],
    allowed: Mapping[str, int] | None = None,
    only: Only | None = None,
    connect: Connect = BqnClient,
    with_figures: bool = False,
) -> Plan:
    """The plan for `appliances` from the desired `states` of their sources; reads the live state of each.

    An appliance that cannot be read has its `error` set and no changes; the others are planned.
    """
    narrowed, selections = only or Only(), Selections()

    def one(bqn: BqnHost) -> AppliancePlan:
        def target_of(_: LiveState) -> Target:
            return make_target({source: states[source] for source in bqn.sources}, bqn, selections)

        return _plan_appliance(
            bqn, target_of, connect=connect, allowed=allowed or {}, only=narrowed, with_figures=with_figures
        )  # fmt: skip

    return Plan(
        bqnctl=__version__,
        inventory=inventory,
        desired_digests=dict(sorted(desired_digests.items())),
        appliances=_all_at_once(one, appliances),
        only=narrowed.texts,
    )


def make_rollback_plan(
    appliances: Sequence[BqnHost],
    record: RunRecord,
    *,
    inventory: str,
    allowed: Mapping[str, int] | None = None,
    connect: Connect = BqnClient,
) -> Plan:
    """The plan that puts back, on `appliances`, what the run `record` wrote; independent of desired files."""

    def one(bqn: BqnHost) -> AppliancePlan:
        def target_of(live: LiveState) -> Target:
            return rollback_target(first_writes(record, bqn.name), live)

        plan = _plan_appliance(bqn, target_of, connect=connect, allowed=allowed or {}, only=Only())
        return msgspec.structs.replace(plan, sources=())

    return Plan(bqnctl=__version__, inventory=inventory, desired_digests={}, appliances=_all_at_once(one, appliances))


def _all_at_once(one: Callable[[BqnHost], AppliancePlan], appliances: Sequence[BqnHost]) -> tuple[AppliancePlan, ...]:
    if len(appliances) == 1:  # a thread has a memory arena of its own, which a large appliance feels
        return (one(appliances[0]),)
    with ThreadPoolExecutor(max_workers=max(1, min(_MOST_AT_ONCE, len(appliances)))) as pool:
        return tuple(pool.map(one, appliances))


def _plan_appliance(
    bqn: BqnHost,
    target_of: TargetOf,
    *,
    connect: Connect,
    allowed: Mapping[str, int],
    only: Only,
    with_figures: bool = False,
) -> AppliancePlan:
    address = f"{bqn.host}:{bqn.port}"
    try:
        with connect(bqn) as client:
            live = client.read_state()
    except BqnctlError as error:
        return AppliancePlan(name=bqn.name, address=address, sources=bqn.sources, error=str(error))
    target = target_of(live)
    plan = compare_appliance(bqn, target, live, allowed=allowed, only=only)
    if not with_figures:
        return plan
    deleted = frozenset(
        each.key for each in plan.changes if each.kind is Kind.SUBSCRIBER and each.action is Action.DELETE
    )
    return msgspec.structs.replace(plan, figures=figures(target, live, bqn, deleted=deleted))


def compare_appliance(
    bqn: BqnHost, target: Target, live: LiveState, *, allowed: Mapping[str, int], only: Only
) -> AppliancePlan:
    """The plan for one appliance whose live state is at hand; a plain function of its arguments."""
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
        live_digests={kind: live.answers[kind].digest for kind in Kind},
        requests=len(found.changes) + 2 * len(Kind) if found.changes else 0,
        seconds=round(len(found.changes) * REQUEST_S / bqn.max_connections, 1),
    )
