"""What one appliance should have: the desired states of its sources made one, selected, resolved.

Between sources the order of the appliance's `sources` decides who has an address; a policy name that two
sources use for different rates keeps both (the later one's gets `-<source>`), because no customer may get
another plan's rates by a coincidence of names.
"""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.bqn.wire import bqn_name, canonical_ip, canonical_range, member_set
from generator.inventory.settings import BqnHost, Network
from generator.model import BLOCK_POLICY, BLOCK_POLICY_ID, DesiredState, Limit, Policy
from generator.reconcile.selecting import Selections

DEFAULT_BLOCK_POLICY = Policy(name=BLOCK_POLICY, id=BLOCK_POLICY_ID, download=Limit(rate=0), upload=Limit(rate=0))


class WantedSubscriber(Struct, frozen=True, gc=False):
    """What an address should have on the appliance: the effective policy, so the block policy if blocked."""

    id: str | None = None
    policy: str | None = None


class WantedGroup(Struct, frozen=True, gc=False):
    """A group with its members, which stand on the subscribers' lines in the desired files."""

    type: str | None = None
    policy: str | None = None
    members: frozenset[str] = frozenset()
    ranges: frozenset[str] = frozenset()


class Target(Struct, frozen=True, kw_only=True):
    """The desired state of one appliance, keyed as the appliance keys it."""

    policies: Mapping[str, Policy]
    subscribers: Mapping[str, WantedSubscriber]
    groups: Mapping[str, WantedGroup]
    warnings: tuple[str, ...] = ()
    wholes: Mapping[tuple[Kind, str], dict[str, Any]] = {}
    """Objects as an appliance once listed them: what is made anew gets their other fields too."""
    shares: Mapping[str, int] = {}
    """How many of `subscribers`, in their order, each source brought."""


def make_target(states: Mapping[str, DesiredState], bqn: BqnHost, selections: Selections | None = None) -> Target:
    """The target of `bqn` from the desired states of its sources, in the order of `states`.

    `selections` are shared by the appliances of a fleet, so that no source is put in order twice.
    """
    combiner = _Combiner(bqn, selections or Selections())
    for source, state in states.items():
        combiner.add(source, state)
    return combiner.target()


class _GroupParts:
    """A group while its members are gathered."""

    __slots__ = ("members", "policy", "ranges", "type")

    def __init__(self, type_: str | None, policy: str | None) -> None:
        self.type, self.policy = type_, policy
        self.members: list[str] = []
        self.ranges: set[str] = set()


class _Combiner:
    """Gathers the sources of one appliance, first come first served."""

    def __init__(self, bqn: BqnHost, selections: Selections) -> None:
        self._bqn, self._selections = bqn, selections
        self._policies: dict[str, Policy] = {}
        self._subscribers: dict[str, WantedSubscriber] = {}
        self._sources: list[tuple[str, DesiredState]] = []
        self._shares: dict[str, int] = {}
        self._groups: dict[str, _GroupParts] = {}
        self._clashes: dict[tuple[str, str], list[str]] = {}
        self._warnings: list[str] = []

    def add(self, source: str, state: DesiredState) -> None:
        names = self._add_policies(source, state)
        self._add_groups(state, names)
        before = len(self._subscribers)
        self._add_subscribers(source, state, names)
        self._shares[source] = len(self._subscribers) - before
        self._sources.append((source, state))

    def target(self) -> Target:
        for (winner, loser), addresses in self._clashes.items():
            shown = ", ".join(addresses[:5]) + (" …" if len(addresses) > 5 else "")  # noqa: PLR2004 - a taste
            self._warnings.append(
                f"{len(addresses)} addresses of {loser} belong to {winner}, first in sources: {shown}"
            )
        selected = bool(self._bqn.select.cidrs or self._bqn.select.groups)
        groups = {
            name: WantedGroup(
                type=parts.type,
                policy=parts.policy,
                members=member_set(parts.members),
                ranges=frozenset(parts.ranges),
            )
            for name, parts in sorted(self._groups.items())
            if parts.members or not selected or self._has_selected_range(parts)
        }
        self._policies.setdefault(BLOCK_POLICY, DEFAULT_BLOCK_POLICY)
        return Target(
            policies={name: policy for name, policy in self._policies.items() if not policy.static},
            subscribers=self._subscribers,
            groups=groups,
            warnings=tuple(self._warnings),
            shares=self._shares,
        )

    def _add_policies(self, source: str, state: DesiredState) -> dict[str, str]:
        """Take over the policies; the answer maps a name in the source's files to the name on the BQN."""
        names: dict[str, str] = {}
        for policy in state.policies.values():
            name = bqn_name(policy.name)
            known = self._policies.get(name)
            if known is not None and not _same_content(known, policy):
                name = f"{name}-{bqn_name(source)}"
                self._warnings.append(f"two sources name a policy {policy.name!r}; {source}'s is {name!r} here")
            names[policy.name] = name
            self._policies.setdefault(name, _renamed(policy, name))
        return names

    def _add_groups(self, state: DesiredState, names: Mapping[str, str]) -> None:
        for group in state.groups.values():
            policy = names.get(group.policy, bqn_name(group.policy)) if group.policy else None
            parts = self._groups.setdefault(bqn_name(group.name), _GroupParts(group.type, policy))
            parts.ranges.update(canonical_range(text) for text in group.ranges)

    def _add_subscribers(self, source: str, state: DesiredState, names: Mapping[str, str]) -> None:
        """Take over the selected subscribers: one loop, as it turns a million times."""
        added, groups, prefix = self._subscribers, self._groups, self._bqn.ipv6_prefix
        for subscriber in self._selections.of(state, self._bqn.select):
            ip, name, id_ = subscriber.ip, subscriber.policy, subscriber.id
            if ":" in ip:
                ip = canonical_ip(ip, ipv6_prefix=prefix)
            if ip in added:
                self._clashes.setdefault((self._owner(ip, source), source), []).append(ip)
                continue
            if subscriber.blocked:
                name = BLOCK_POLICY
            policy = (names.get(name) or bqn_name(name)) if name else None
            added[ip] = WantedSubscriber(bqn_name(id_) if id_ else None, policy)
            for group in subscriber.groups:
                parts = groups.get(group)
                if parts is None:
                    parts = groups.setdefault(bqn_name(group), _GroupParts(None, None))
                parts.members.append(ip)

    def _owner(self, ip: str, source: str) -> str:
        """Which earlier source has `ip`; within one source two spellings of one prefix may meet."""
        return next((name for name, state in self._sources if ip in state.subscribers), source)

    def _has_selected_range(self, parts: _GroupParts) -> bool:
        networks = [ip_network(text, strict=False) for text in parts.ranges]
        return any(
            network.version == cidr.version and network.subnet_of(cidr)  # type: ignore[arg-type]
            for network in networks
            for cidr in self._bqn.select.cidrs
        )


def _same_content(one: Policy, other: Policy) -> bool:
    return (one.static, one.id, one.download, one.upload) == (other.static, other.id, other.download, other.upload)


def _renamed(policy: Policy, name: str) -> Policy:
    if policy.name == name:
        return policy
    return Policy(name=name, id=policy.id, download=policy.download, upload=policy.upload, static=policy.static)


def in_networks(ip: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address lies in one of the networks; no address lies in none."""
    if not networks:
        return False
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    return any(address.version == network.version and address in network for network in networks)
