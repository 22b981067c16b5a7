"""Adopting an appliance in use: its live state as a desired state whose first plan is empty.

Only what bqnctl may own is taken: subscribers provisioned by the API, dynamic policies, and groups whose
members are all among them. What is left out stays as it is on the appliance, and is told.
"""

from collections import defaultdict

from msgspec import Struct

from generator.bqn.live import LiveGroup, LiveState, LiveSubscriber
from generator.inventory.settings import BqnHost
from generator.model import BLOCK_POLICY, DesiredState, Group, Policy, Subscriber, address_order
from generator.reconcile.target import DEFAULT_BLOCK_POLICY


class Adopted(Struct, frozen=True):
    """The desired state of an appliance in use, and what could not be taken into it."""

    state: DesiredState
    warnings: tuple[str, ...]


def adopt(live: LiveState, bqn: BqnHost) -> Adopted:
    """The live state of `bqn` as a desired state; nothing on the appliance changes."""
    owned = {ip: subscriber for ip, subscriber in live.subscribers.items() if subscriber.assigned_by == "api"}
    groups = {name: group for name, group in live.groups.items() if group.members <= owned.keys()}
    warnings = [
        f"group {name} is left out: it has members that the API did not provision; "
        "add it to ignore: {groups: [...]} of this host, or the next plan deletes it"
        for name in sorted(live.groups.keys() - groups.keys())
    ]
    used = {each.policy for each in owned.values()} | {each.policy for each in groups.values()}
    undefined = sorted(name for name in used - live.policies.keys() - {BLOCK_POLICY} if name)
    warnings += [
        f"policy {name} is not among the dynamic ones (static, or defined nowhere): it is taken as static, "
        "to be referred to and never written"
        for name in undefined
    ]
    state = DesiredState(
        policies=_policies(live, undefined),
        groups={name: _group(name, groups[name]) for name in sorted(groups)},
        subscribers=_subscribers(owned, groups),
    )
    return Adopted(state, tuple(f"{bqn.name}: {warning}" for warning in warnings))


def _policies(live: LiveState, static: list[str]) -> dict[str, Policy]:
    policies = {BLOCK_POLICY: DEFAULT_BLOCK_POLICY, **live.policies}
    policies |= {name: Policy(name=name, static=True) for name in static}
    return {name: policies[name] for name in sorted(policies)}


def _group(name: str, live: LiveGroup) -> Group:
    return Group(name=name, type=live.type, policy=live.policy, ranges=tuple(sorted(live.ranges)))


def _subscribers(owned: dict[str, LiveSubscriber], groups: dict[str, LiveGroup]) -> dict[str, Subscriber]:
    membership: dict[str, list[str]] = defaultdict(list)
    for name in sorted(groups):
        for ip in groups[name].members:
            membership[ip].append(name)
    return {ip: _subscriber(ip, owned[ip], tuple(membership[ip])) for ip in sorted(owned, key=address_order)}


def _subscriber(ip: str, live: LiveSubscriber, groups: tuple[str, ...]) -> Subscriber:
    blocked = live.policy == BLOCK_POLICY
    return Subscriber(
        ip=ip,
        id=live.id,
        policy=None if blocked else live.policy,
        blocked=blocked,
        reason="blocked on the BQN when it was imported" if blocked else None,
        groups=groups,
    )
