"""Desired against live: the changes of one appliance, and what is left alone and why.

Objects are matched by key and compared field by field; deepdiff explains only the nested ones that differ
(whole trees through deepdiff are quadratic in time, docs/decisions/0003-speed.md).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.bqn.live import LiveState, LiveSubscriber
from generator.bqn.wire import blocks
from generator.inventory.globs import matches_any
from generator.inventory.settings import BqnHost
from generator.model import BLOCK_POLICY, Policy, address_order
from generator.reconcile.compare import REASSIGNED, same_group, same_policy, same_subscriber
from generator.reconcile.plan import Action, Change, Difference, KindTotals
from generator.reconcile.requests import (
    Request,
    clears_subscriber,
    create_request,
    group_request,
    policy_request,
    subscriber_request,
)
from generator.reconcile.target import Target, WantedGroup, WantedSubscriber, in_networks
from generator.reconcile.views import Live, Wanted, digest, view

_DELETABLE = "api"
"""Only what REST provisioned may be deleted (facts: BQN REST API, 5.4 and section 12, row 18)."""


class Diff(Struct, frozen=True, kw_only=True):
    """The changes of one appliance in the order they are to be made, and the account of the rest."""

    changes: tuple[Change, ...]
    totals: Mapping[Kind, KindTotals]
    untouched: Mapping[Kind, tuple[str, ...]]
    newly_blocked: tuple[str, ...]


def diff(target: Target, live: LiveState, bqn: BqnHost) -> Diff:
    """What would make `live` the `target` on `bqn`; changes nothing itself."""
    return _Differ(target, live, bqn).run()


class _Pile:
    """What is found of one kind."""

    def __init__(self) -> None:
        self.upserts: list[Change] = []
        self.deletes: list[Change] = []
        self.unchanged = 0
        self.left: dict[str, str] = {}


class _Differ:
    """One comparison; kept as an object because the kinds need what the others found."""

    def __init__(self, target: Target, live: LiveState, bqn: BqnHost) -> None:
        self.target, self.live, self.bqn = target, live, bqn
        self.piles = {kind: _Pile() for kind in Kind}
        self.blocking_before = _blocking(live.policies)
        self.blocking_after = _blocking(target.policies)

    def run(self) -> Diff:
        self._groups()
        self._subscribers()
        self._policies()
        piles = self.piles
        order = [piles[kind].upserts for kind in (Kind.POLICY, Kind.SUBSCRIBER, Kind.GROUP)]
        order += [piles[kind].deletes for kind in (Kind.GROUP, Kind.SUBSCRIBER, Kind.POLICY)]
        return Diff(
            changes=tuple(change for changes in order for change in changes),
            totals={kind: self._totals(kind) for kind in Kind},
            untouched={kind: tuple(sorted(piles[kind].left)) for kind in Kind},
            newly_blocked=tuple(self._newly_blocked()),
        )

    def _totals(self, kind: Kind) -> KindTotals:
        desired, live = self._sides(kind)
        return KindTotals(
            desired=len(desired),
            live=len(live),
            unchanged=self.piles[kind].unchanged,
            untouched=dict(sorted(Counter(self.piles[kind].left.values()).items())),
        )

    def _sides(self, kind: Kind) -> tuple[Mapping[str, Wanted], Mapping[str, Live]]:
        if kind is Kind.POLICY:
            return self.target.policies, self.live.policies
        if kind is Kind.SUBSCRIBER:
            return self.target.subscribers, self.live.subscribers
        return self.target.groups, self.live.groups

    # Groups first: an update of a subscriber must know which groups it leaves.

    def _groups(self) -> None:
        pile = self.piles[Kind.GROUP]
        differing: list[tuple[str, WantedGroup]] = []
        for name, wanted in self.target.groups.items():
            live = self.live.groups.get(name)
            if matches_any(name, self.bqn.ignore.groups):
                pile.left[name] = "ignored"
            elif live is None:
                pile.upserts.append(self._create(Kind.GROUP, name, wanted))
            else:
                kept = self._keeping_ignored(wanted, live.members)
                if same_group(kept, live):
                    pile.unchanged += 1
                else:
                    differing.append((name, kept))
        raws = self.live.raw(Kind.GROUP, frozenset(name for name, _ in differing))
        for name, wanted in differing:
            current = self.live.groups[name]
            request = group_request(wanted, current, raws[name])
            pile.upserts.append(_update(_Update(Kind.GROUP, name, current, wanted, request, raws[name])))
        for name in sorted(self.live.groups.keys() - self.target.groups.keys()):
            self._leftover(Kind.GROUP, name, self._reason_to_keep_group(name))

    def _keeping_ignored(self, wanted: WantedGroup, members: frozenset[str]) -> WantedGroup:
        """The wanted group with the ignored subscribers it has now: their membership is not ours."""
        ignored = self.bqn.ignore.subscribers
        kept = {ip for ip in members - wanted.members if in_networks(ip, ignored)} if ignored else set()
        added = {ip for ip in wanted.members - members if in_networks(ip, ignored)} if ignored else set()
        if not kept and not added:
            return wanted
        return WantedGroup(
            type=wanted.type,
            policy=wanted.policy,
            members=frozenset((wanted.members | kept) - added),
            ranges=wanted.ranges,
        )

    def _reason_to_keep_group(self, name: str) -> str | None:
        if matches_any(name, self.bqn.ignore.groups):
            return "ignored"
        if not matches_any(name, self.bqn.managed_groups):
            return "unmanaged"
        return None

    def _subscribers(self) -> None:
        pile = self.piles[Kind.SUBSCRIBER]
        live_by_ip = self.live.subscribers
        ignored = self.bqn.ignore.subscribers
        differing: list[tuple[str, WantedSubscriber, LiveSubscriber]] = []
        for ip, wanted in self.target.subscribers.items():
            if ignored and in_networks(ip, ignored):
                pile.left[ip] = "ignored"
                continue
            live = live_by_ip.get(ip)
            if live is None:
                pile.upserts.append(self._create(Kind.SUBSCRIBER, ip, wanted))
            elif same_subscriber(wanted, live):
                pile.unchanged += 1
            else:
                differing.append((ip, wanted, live))
        cleared = frozenset(ip for ip, wanted, live in differing if clears_subscriber(wanted, live))
        raws = self.live.raw(Kind.SUBSCRIBER, cleared)
        own_groups = self._groups_not_rejoined()
        for ip, wanted, live in differing:
            request = subscriber_request(wanted, live, raws.get(ip), own_groups)
            impact = self._impact(wanted, live)
            pile.upserts.append(
                _update(_Update(Kind.SUBSCRIBER, ip, live, wanted, request, raws.get(ip)), impact=impact)
            )
        for ip in live_by_ip.keys() - self.target.subscribers.keys():
            self._leftover(Kind.SUBSCRIBER, ip, self._reason_to_keep_subscriber(ip, live_by_ip[ip]))
        pile.deletes.sort(key=lambda change: address_order(change.key))

    def _groups_not_rejoined(self) -> frozenset[str]:
        """The groups that a subscriber posted anew must not name: those that are written from their own side.

        A membership has two doors (facts: BQN REST API, 6); joined by both, a subscriber could not be taken
        out again by the group's list of members. Others' groups are named, so that they are kept.
        """
        going = {change.key for change in self.piles[Kind.GROUP].deletes}
        return frozenset(going | self.target.groups.keys())

    def _newly_blocked(self) -> Iterable[str]:
        """Subscribers served now that will not be, whatever the cause: status, or a policy going to 0."""
        left = self.piles[Kind.SUBSCRIBER].left
        for ip, wanted in self.target.subscribers.items():
            if wanted.policy not in self.blocking_after or ip in left:
                continue
            live = self.live.subscribers.get(ip)
            if live is not None and live.policy not in self.blocking_before:
                yield ip

    def _impact(self, wanted: WantedSubscriber, live: LiveSubscriber) -> str | None:
        before, after = live.policy in self.blocking_before, wanted.policy in self.blocking_after
        if before == after:
            return None
        return "blocked" if after else "unblocked"

    def _reason_to_keep_subscriber(self, ip: str, live: LiveSubscriber) -> str | None:
        if in_networks(ip, self.bqn.ignore.subscribers):
            return "ignored"
        if live.assigned_by != _DELETABLE:
            return f"assigned by {live.assigned_by}" if live.assigned_by else "assigned by unknown"
        return None

    def _policies(self) -> None:
        pile = self.piles[Kind.POLICY]
        differing: list[tuple[str, Policy]] = []
        for name, wanted in self.target.policies.items():
            live = self.live.policies.get(name)
            if matches_any(name, self.bqn.ignore.policies):
                pile.left[name] = "ignored"
            elif live is None:
                pile.upserts.append(self._create(Kind.POLICY, name, wanted))
            elif same_policy(wanted, live):
                pile.unchanged += 1
            else:
                differing.append((name, wanted))
        raws = self.live.raw(Kind.POLICY, frozenset(name for name, _ in differing))
        for name, wanted in differing:
            current = self.live.policies[name]
            request = policy_request(wanted, current, raws[name])
            impact = _policy_impact(wanted, current)
            pile.upserts.append(
                _update(_Update(Kind.POLICY, name, current, wanted, request, raws[name]), impact=impact)
            )
        pile.upserts.sort(key=lambda change: (change.key != BLOCK_POLICY, change.key))
        used = self._policies_in_use()
        for name in sorted(self.live.policies.keys() - self.target.policies.keys()):
            self._leftover(Kind.POLICY, name, self._reason_to_keep_policy(name, used))

    def _policies_in_use(self) -> set[str]:
        """The policies of everything that stays as it is, whoever put it there."""
        used = {self.live.subscribers[ip].policy for ip in self._left_alone(Kind.SUBSCRIBER)}
        used |= {self.live.groups[name].policy for name in self._left_alone(Kind.GROUP)}
        used |= {wanted.policy for wanted in self.target.groups.values()}
        used |= {wanted.policy for wanted in self.target.subscribers.values()}
        return {name for name in used if name is not None}

    def _left_alone(self, kind: Kind) -> Iterable[str]:
        return self.piles[kind].left.keys() & self._sides(kind)[1].keys()

    def _reason_to_keep_policy(self, name: str, used: set[str]) -> str | None:
        if matches_any(name, self.bqn.ignore.policies):
            return "ignored"
        if name == BLOCK_POLICY:
            return "the block policy"
        return "in use by others" if name in used else None

    def _leftover(self, kind: Kind, key: str, reason: str | None) -> None:
        """A live object that the desired state does not name: kept for a reason, or deleted."""
        if reason is None and not self.bqn.prune:
            reason = "prune is off"
        if reason is not None:
            self.piles[kind].left[key] = reason
            return
        before = view(self._sides(kind)[1][key])
        self.piles[kind].deletes.append(
            Change(kind=kind, key=key, action=Action.DELETE, method="DELETE", before=before)
        )

    def _create(self, kind: Kind, key: str, wanted: Wanted) -> Change:
        request = create_request(kind, wanted, self.target.wholes.get((kind, key)))
        return Change(
            kind=kind, key=key, action=Action.CREATE, method=request.method, body=request.body, after=view(wanted)
        )


def _update(change: "_Update", *, impact: str | None = None) -> Change:
    before, after = view(change.live), view(change.wanted)
    return Change(
        kind=change.kind,
        key=change.key,
        action=Action.UPDATE,
        method=change.request.method,
        body=change.request.body,
        before=before,
        after=after,
        differences=differences(change.kind, before, after),
        live_digest=digest(change.raw) if change.request.replaces else None,
        impact=impact,
    )


class _Update(Struct, frozen=True):
    """What an update is made of: the object as it is, as it should be, and the request between them."""

    kind: Kind
    key: str
    live: Live
    wanted: Wanted
    request: Request
    raw: dict[str, Any] | None


def differences(kind: Kind, before: dict[str, Any], after: dict[str, Any]) -> tuple[Difference, ...]:
    """The fields that differ between two views of one object."""
    if kind is Kind.SUBSCRIBER:  # three flat fields of a great many objects: nothing for deepdiff to find
        names = [name for name in ("id", "policy") if before.get(name) != after.get(name)]
        if before.get("assigned_by") in REASSIGNED:
            return (
                *(Difference(name, before.get(name), after.get(name)) for name in names),
                Difference("assigned_by", before["assigned_by"], "api"),
            )
        return tuple(Difference(name, before.get(name), after.get(name)) for name in names)
    return _explained(before, after)


def _explained(before: dict[str, Any], after: dict[str, Any]) -> tuple[Difference, ...]:
    from deepdiff import DeepDiff  # noqa: PLC0415 - a tenth of a second that a run without changes saves

    found: list[Difference] = []
    names = before.keys() | after.keys()
    if "type" not in after:
        names -= {"type"}  # a group's type that is not given is not compared
    for name in sorted(names):
        one, other = before.get(name), after.get(name)
        if isinstance(one, list) or isinstance(other, list):
            gone, come = sorted(set(one or ()) - set(other or ())), sorted(set(other or ()) - set(one or ()))
            if gone or come:
                found.append(Difference(name, gone, come))
            continue
        # The threshold: by default, objects that share few keys are told as two whole objects.
        tree = DeepDiff({name: one}, {name: other}, view="tree", verbose_level=2, threshold_to_diff_deeper=0)
        found.extend(
            Difference(".".join(map(str, level.path(output_format="list"))), _plain(level.t1), _plain(level.t2))
            for levels in tree.values()
            for level in levels
        )
    return tuple(sorted(found, key=lambda difference: difference.field))


def _plain(value: Any) -> Any:
    """A value as JSON can hold it; deepdiff marks an absent side with an object of its own."""
    return value if isinstance(value, str | int | float | bool | dict | list) else None


def _policy_impact(wanted: Policy, live: Policy) -> str | None:
    before, after = blocks(live), blocks(wanted)
    if before == after or wanted.name == BLOCK_POLICY:
        return None
    return "blocked" if after else "unblocked"


def _blocking(policies: Mapping[str, Policy]) -> frozenset[str]:
    """The names of the policies that stop their subscribers; the block policy does by convention."""
    return frozenset({BLOCK_POLICY} | {name for name, policy in policies.items() if blocks(policy)})
