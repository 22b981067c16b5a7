"""Adopting an appliance in use: its live state as a desired state whose first plan is empty.

Only what bqnctl may own is taken: subscribers provisioned by the API, dynamic policies, and groups whose
members are all among them. What is left out stays as it is on the appliance, and is told.
"""

from collections import defaultdict

from msgspec import Struct
from msgspec.structs import replace

from generator.bqn.live import LiveGroup, LiveState, LiveSubscriber
from generator.desired.names import is_writable
from generator.inventory.settings import BqnHost
from generator.model import BLOCK_POLICY, DesiredState, Group, Policy, Subscriber, address_order
from generator.reconcile.target import DEFAULT_BLOCK_POLICY

_SHOWN = 60


class Adopted(Struct, frozen=True):
    """The desired state of an appliance in use, and what could not be taken into it."""

    state: DesiredState
    warnings: tuple[str, ...]


def adopt(live: LiveState, bqn: BqnHost) -> Adopted:
    """The live state of `bqn` as a desired state; nothing on the appliance changes."""
    live, warnings = _without_unwritable(live)
    owned = {ip: subscriber for ip, subscriber in live.subscribers.items() if subscriber.assigned_by == "api"}
    groups = {name: group for name, group in live.groups.items() if group.members <= owned.keys()}
    warnings += [
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


def _without_unwritable(live: LiveState) -> tuple[LiveState, list[str]]:
    """`live` without the objects that have a name which no file of the desired state may have, and which those are."""
    policies = {name: each for name, each in live.policies.items() if is_writable(name)}
    subscribers = {ip: each for ip, each in live.subscribers.items() if is_writable(each.policy or BLOCK_POLICY)}
    groups = {name: each for name, each in live.groups.items() if _is_writable_group(name, each)}
    left = {
        "policies": live.policies.keys() - policies.keys(),
        "subscribers": live.subscribers.keys() - subscribers.keys(),
        "groups": live.groups.keys() - groups.keys(),
    }
    warnings = [
        f"{len(names)} {kind} are left out, for example {min(names)[:_SHOWN]!r}: a name of theirs, or of what they "
        "refer to, is empty, too long or has control characters; rename it on the appliance, or add them to ignore: "
        f"{{{kind}: [...]}} of this host, or the next plan may delete them"
        for kind, names in left.items()
        if names
    ]
    return replace(live, policies=policies, subscribers=subscribers, groups=groups), warnings


def _is_writable_group(name: str, group: LiveGroup) -> bool:
    return all(is_writable(each) for each in (name, group.policy, group.type) if each is not None)


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
