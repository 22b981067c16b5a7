"""One subscriber on one appliance: what it should have, what it has, and what the next apply would do."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from generator.bqn.client import BqnClient
from generator.bqn.kinds import Kind
from generator.bqn.live import LiveState
from generator.bqn.wire import canonical_ip
from generator.desired.query import Query
from generator.errors import BqnctlError
from generator.inventory.settings import BqnHost
from generator.model import DesiredState
from generator.reconcile.only import Only
from generator.reconcile.plan import AppliancePlan, Change
from generator.reconcile.planner import Connect, compare_appliance
from generator.reconcile.target import Target, in_networks, make_target
from generator.reconcile.views import view


class Whereabouts(Struct, frozen=True, kw_only=True):
    """One address on one appliance.

    `wanted` and `live` are views in the desired state's words (`None`: it should not be, or is not, there);
    `source` is the one it is taken from, `also` others that have it and come later in `sources`. `groups` are the
    live groups it is in. `changes` are those of the next apply that concern it; `left_alone`
    says why there is none though the two differ, `refused` names the guards that would stop that apply.
    """

    bqn: str
    ip: str
    source: str | None = None
    also: tuple[str, ...] = ()
    wanted: dict[str, Any] | None = None
    live: dict[str, Any] | None = None
    groups: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    left_alone: str | None = None
    refused: tuple[str, ...] = ()


class OnAppliance(Struct, frozen=True, kw_only=True):
    """What one appliance knows of a subscriber; `error` where it could not be read or planned."""

    bqn: str
    addresses: tuple[Whereabouts, ...] = ()
    error: str | None = None


def whereabouts(
    bqn: BqnHost, states: Mapping[str, DesiredState], ips: Iterable[str], query: Query, *, connect: Connect = BqnClient
) -> OnAppliance:
    """The subscriber on `bqn`: the addresses `ips` known from its sources, and any that the appliance itself has.

    Nothing is planned while a source of the appliance was never rendered, for then no plan can be made at all.
    """
    missing = [source for source in bqn.sources if source not in states]
    try:
        with connect(bqn) as client:
            live = client.read_state()
    except BqnctlError as error:
        return OnAppliance(bqn=bqn.name, error=str(error))
    target = make_target({source: states[source] for source in bqn.sources if source in states}, bqn)
    plan = None if missing else compare_appliance(bqn, target, live, allowed={}, only=Only())
    owners = {source: _keys(states[source], bqn) for source in bqn.sources if source in states}
    appliance = _Appliance(bqn, target, live, plan, owners)
    keys = dict.fromkeys(canonical_ip(ip, ipv6_prefix=bqn.ipv6_prefix) for ip in ips)
    keys |= dict.fromkeys(_known_here(live, target, query, bqn))
    unplanned = f"{', '.join(missing)} was never rendered: nothing can be planned" if missing else None
    return OnAppliance(bqn=bqn.name, addresses=tuple(map(appliance.address, keys)), error=unplanned)


def _known_here(live: LiveState, target: Target, query: Query, bqn: BqnHost) -> list[str]:
    if query.address is not None:
        key = canonical_ip(str(query.address), ipv6_prefix=bqn.ipv6_prefix)
        return [key] if key in live.subscribers or key in target.subscribers else []
    return [ip for ip, each in live.subscribers.items() if query.fits(ip, each.id, ipv6_prefix=bqn.ipv6_prefix)]


def _keys(state: DesiredState, bqn: BqnHost) -> frozenset[str]:
    return frozenset(canonical_ip(ip, ipv6_prefix=bqn.ipv6_prefix) for ip in state.subscribers)


class _Appliance(Struct, frozen=True):
    """An appliance read and planned; `owners` are the addresses that each of its sources has, in their order."""

    bqn: BqnHost
    target: Target
    live: LiveState
    plan: AppliancePlan | None
    owners: Mapping[str, frozenset[str]]

    def address(self, key: str) -> Whereabouts:
        """What is to be said of one address."""
        wanted, there, plan = self.target.subscribers.get(key), self.live.subscribers.get(key), self.plan
        sources = [source for source, keys in self.owners.items() if key in keys and wanted is not None]
        policies = {each.policy for each in (wanted, there) if each is not None}
        changes = () if plan is None else tuple(each for each in plan.changes if _concerns(each, key, policies))
        left = plan is not None and key in plan.untouched[Kind.SUBSCRIBER]
        return Whereabouts(
            bqn=self.bqn.name,
            ip=key,
            source=sources[0] if sources else None,
            also=tuple(sources[1:]),
            wanted=None if wanted is None else view(wanted),
            live=None if there is None else view(there),
            groups=tuple(sorted(name for name, group in self.live.groups.items() if key in group.members)),
            changes=changes,
            left_alone=_why_left(key, self.bqn, self.live) if left else None,
            refused=() if plan is None or not changes else tuple(each.rule for each in plan.verdicts if each.refused),
        )


def _why_left(key: str, bqn: BqnHost, live: LiveState) -> str:
    there = live.subscribers.get(key)
    if in_networks(key, bqn.ignore.subscribers):
        return "ignored (ignore.subscribers)"
    if there is not None and there.assigned_by != "api":
        return f"on the BQN by {there.assigned_by or 'an unknown hand'}; no source names it"
    return "prune is off"


def _concerns(change: Change, key: str, policies: set[str | None]) -> bool:
    """Whether a change is about the subscriber, its policy, or its membership."""
    if change.kind is Kind.SUBSCRIBER:
        return change.key == key
    if change.kind is Kind.POLICY:
        return change.key in policies
    sides = [frozenset((side or {}).get("members", ())) for side in (change.before, change.after)]
    if (key in sides[0]) != (key in sides[1]):
        return True
    return key in sides[1] and any(each.field != "members" for each in change.differences)
