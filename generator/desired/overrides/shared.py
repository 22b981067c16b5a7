"""Groups that share one limit (`DS-`) when members are overridden: the group follows, or the member leaves it.

The limit of such a group is its policy, whatever its members have. So an override that changes all members of
one, all alike, changes the group's policy too; a member that alone is changed leaves the group, for in it the
override would do nothing, and with it the override would touch the others.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from generator.desired.overrides.model import POLICY_ID_PREFIX, POLICY_PREFIX
from generator.model import BLOCK_POLICY, Billed, DesiredState, Group, Policy, Subscriber


class Shared(Struct, frozen=True, kw_only=True):
    """What happens to groups with a policy of their own."""

    groups: Mapping[str, Group] = {}
    """Those with another policy now."""
    emptied: frozenset[str] = frozenset()
    """Those whose members are all gone; their ranges go with them."""
    leaving: Mapping[str, frozenset[str]] = {}
    """Address → the groups that it leaves."""


def effective(subscriber: Subscriber | Billed) -> str | None:
    """The policy that a subscriber has on a BQN."""
    return BLOCK_POLICY if subscriber.blocked else subscriber.policy


def follow(
    before: Mapping[str, Subscriber], after: Mapping[str, Subscriber], groups: Mapping[str, Group],
    *, touched: Iterable[str],
) -> Shared:  # fmt: skip
    """What becomes of the sharing groups of the `touched` addresses, between `before` and `after`."""
    names = {name for ip in touched for name in before[ip].groups if name in groups and groups[name].policy}
    members = _members(before, names)
    changed: dict[str, Group] = {}
    emptied: set[str] = set()
    leaving: dict[str, frozenset[str]] = {}
    for name in sorted(names):
        group = groups[name]
        left = [ip for ip in members[name] if ip in after]
        if not left:
            emptied.add(name)
            continue
        if {effective(before[ip]) for ip in members[name]} != {group.policy}:
            continue  # its policy is not its members': not a group made of one service
        staying = [ip for ip in left if name in after[ip].groups]
        now = {effective(after[ip]) for ip in staying}
        if len(now) == 1:
            policy = now.pop()
            if policy != group.policy:
                changed[name] = replace(group, policy=policy)
            continue
        for ip in staying:
            if effective(after[ip]) != group.policy:
                leaving[ip] = leaving.get(ip, frozenset()) | {name}
    return Shared(groups=changed, emptied=frozenset(emptied), leaving=leaving)


def _members(subscribers: Mapping[str, Subscriber], names: set[str]) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {name: [] for name in names}
    if names:
        for ip, subscriber in subscribers.items():
            for name in names.intersection(subscriber.groups):
                members[name].append(ip)
    return members


def as_billed(state: DesiredState) -> DesiredState:
    """`state` as it would be without overrides, as far as its lines can tell: who was made absent stays so."""
    overridden = {ip: each for ip, each in state.subscribers.items() if each.overrides or each.billed}
    if not overridden:
        return state
    subscribers = {**state.subscribers, **{ip: _as_billed(each) for ip, each in overridden.items()}}
    names = {name for each in overridden.values() for name in each.groups if _shares(state, name)}
    now, before = _members(state.subscribers, names), _members(subscribers, names)
    groups = dict(state.groups)
    for name in names:
        were = {effective(subscribers[ip]) for ip in before[name]}
        if {effective(state.subscribers[ip]) for ip in now[name]} == {groups[name].policy} and len(were) == 1:
            groups[name] = replace(groups[name], policy=were.pop())
    policies = {name: each for name, each in state.policies.items() if not _made(each)}
    return replace(state, policies=policies, subscribers=subscribers, groups=groups)


def _made(policy: Policy) -> bool:
    """Whether a policy was made for the rates of an override."""
    return policy.name.startswith(POLICY_PREFIX) and (policy.id or "").startswith(POLICY_ID_PREFIX)


def _shares(state: DesiredState, name: str) -> bool:
    return name in state.groups and state.groups[name].policy is not None


def _as_billed(subscriber: Subscriber) -> Subscriber:
    billed = subscriber.billed
    if billed is None:
        return replace(subscriber, overrides=())
    return replace(
        subscriber, policy=billed.policy, blocked=billed.blocked, reason=billed.reason, groups=billed.groups,
        overrides=(), billed=None,
    )  # fmt: skip
