"""Undoing a run: a target that is the live state with the run's objects as they were before it.

The plan back is made by the same diff and judged by the same guards as any other.
"""

from typing import Any

from generator.bqn.kinds import Kind
from generator.bqn.live import LiveState
from generator.reconcile.compare import REASSIGNED
from generator.reconcile.history import RunRecord, Write
from generator.reconcile.target import Target, WantedGroup, WantedSubscriber
from generator.reconcile.views import wanted_from_view


def first_writes(record: RunRecord, appliance: str) -> list[Write]:
    """The first write of each object of one appliance: what stood before it stood before the run."""
    seen: dict[tuple[Kind, str], Write] = {}
    for write in record.done():
        if write.appliance == appliance:
            seen.setdefault((write.kind, write.key), write)
    return list(seen.values())


def rollback_target(writes: list[Write], live: LiveState) -> Target:
    """The live state as a target, with the objects of `writes` put back."""
    policies: dict[str, Any] = dict(live.policies)
    subscribers: dict[str, Any] = {
        ip: WantedSubscriber(subscriber.id, subscriber.policy)
        for ip, subscriber in live.subscribers.items()
        if subscriber.assigned_by not in REASSIGNED
    }
    groups: dict[str, Any] = {
        name: WantedGroup(type=group.type, policy=group.policy, members=group.members, ranges=group.ranges)
        for name, group in live.groups.items()
    }
    stores = {Kind.POLICY: policies, Kind.SUBSCRIBER: subscribers, Kind.GROUP: groups}
    wholes = {(write.kind, write.key): write.whole for write in writes if write.whole is not None}
    for write in writes:
        store = stores[write.kind]
        if write.before is None or write.before.get("assigned_by") in REASSIGNED:
            store.pop(write.key, None)  # it was not there, or it was the appliance's own: it goes back to that
        else:
            store[write.key] = wanted_from_view(write.kind, write.key, write.before)
    return Target(policies=policies, subscribers=subscribers, groups=groups, wholes=wholes)
