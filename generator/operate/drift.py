"""Drift: objects that are not as the last complete sync left them, told apart from what the billing changed."""

from collections import Counter
from collections.abc import Iterable, Mapping

from generator.bqn.kinds import Kind
from generator.inventory.settings import BqnHost
from generator.model import DesiredState
from generator.reconcile.plan import AppliancePlan
from generator.reconcile.target import Target, make_target


def drift_of(
    plan: AppliancePlan,
    bqn: BqnHost,
    *,
    before: Mapping[str, DesiredState],
    after: Mapping[str, DesiredState],
) -> dict[str, int]:
    """How many planned changes, by kind, the step of the desired states from `before` to `after` does not explain.

    Only where `before` is what the appliance was left with: else what was never written would count too.
    """
    if not plan.changes:
        return {}
    sources = bqn.sources
    if all(before[source] == after[source] for source in sources):
        return _counted(change.kind for change in plan.changes)
    old, new = (make_target({source: states[source] for source in sources}, bqn) for states in (before, after))
    unexplained = (e for e in plan.changes if _wanted(old, e.kind, e.key) == _wanted(new, e.kind, e.key))
    return _counted(each.kind for each in unexplained)


def _wanted(target: Target, kind: Kind, key: str) -> object:
    """What an object should be; None where it should not be, or is nobody's concern."""
    wanted: Mapping[Kind, Mapping[str, object]] = {
        Kind.POLICY: target.policies, Kind.SUBSCRIBER: target.subscribers, Kind.GROUP: target.groups,
    }  # fmt: skip
    return wanted[kind].get(key)


def _counted(kinds: Iterable[Kind]) -> dict[str, int]:
    return dict(Counter(map(str, kinds)))
