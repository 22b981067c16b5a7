"""The figures of one appliance before and after: what a reviewer would rather see than read.

Computed from the whole live and desired state, in linear time, for the reports of a plan.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from generator.bqn.live import LiveState
from generator.bqn.wire import blocks
from generator.inventory.globs import matches_any
from generator.inventory.settings import BqnHost, PlanRates
from generator.model import BLOCK_POLICY, Policy
from generator.reconcile.target import Target

_NO_POLICY = ""
_SITES = ("L1-*", "L2-*")


class Pair(Struct, frozen=True):
    """A number before and after the plan."""

    before: int
    after: int


class GroupLoad(Struct, frozen=True, kw_only=True):
    """What the members of a group are sold, in kbps by direction, and what the group can carry if that is known.

    Members without a limit in a direction, and blocked ones, count nothing; `unlimited` says how many of the
    former there are after the plan.
    """

    members: Pair
    download: Pair
    upload: Pair
    unlimited: int = 0
    capacity_download: int | None = None
    capacity_upload: int | None = None


class Figures(Struct, frozen=True, kw_only=True):
    """Subscribers by policy, sold capacity by site group, and blocked subscribers by source."""

    policies: Mapping[str, Pair]
    groups: Mapping[str, GroupLoad]
    blocked: Mapping[str, Pair]


def figures(target: Target, live: LiveState, bqn: BqnHost, *, deleted: frozenset[str]) -> Figures:
    """The figures of `bqn`, `live` before and `target` after; `deleted` are the addresses that go."""
    stays = live.subscribers.keys() - target.subscribers.keys() - deleted
    before = {ip: each.policy for ip, each in live.subscribers.items()}
    after = {ip: each.policy for ip, each in target.subscribers.items()} | {ip: before[ip] for ip in stays}
    return Figures(
        policies=_by_policy(before, after),
        groups=_by_group(target, live, bqn, before, after),
        blocked=_by_source(target, live, before, after),
    )


def _by_policy(before: Mapping[str, str | None], after: Mapping[str, str | None]) -> dict[str, Pair]:
    was, will = Counter(before.values()), Counter(after.values())
    names = sorted({name or _NO_POLICY for name in (*was, *will)})
    return {name: Pair(was[name or None] + _none(was, name), will[name or None] + _none(will, name)) for name in names}


def _none(count: Mapping[str | None, int], name: str) -> int:
    """An empty name and none are the same."""
    return count.get("", 0) if name == _NO_POLICY else 0


def _by_group(
    target: Target, live: LiveState, bqn: BqnHost, before: Mapping[str, str | None], after: Mapping[str, str | None]
) -> dict[str, GroupLoad]:
    shown = (*_SITES, *bqn.group_capacity)
    names = sorted(name for name in live.groups.keys() | target.groups.keys() if matches_any(name, shown))
    was, will = _Rates(live.policies), _Rates({**live.policies, **target.policies})
    loads = {}
    for name in names:
        old = live.groups[name].members if name in live.groups else frozenset()
        new = target.groups[name].members if name in target.groups else frozenset()
        sold_before, sold_after = was.sold(old, before), will.sold(new, after)
        capacity = bqn.group_capacity.get(name)
        loads[name] = GroupLoad(
            members=Pair(len(old), len(new)),
            download=Pair(sold_before.download, sold_after.download),
            upload=Pair(sold_before.upload, sold_after.upload),
            unlimited=sold_after.unlimited,
            capacity_download=_capacity(capacity, "download"),
            capacity_upload=_capacity(capacity, "upload"),
        )
    return loads


def _capacity(capacity: PlanRates | None, direction: str) -> int | None:
    return None if capacity is None else int(getattr(capacity, direction))


class _Sold(Struct, frozen=True):
    download: int
    upload: int
    unlimited: int


class _Rates:
    """What the subscribers of some policies are sold."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._of = {name: (each.download.rate, each.upload.rate) for name, each in policies.items() if not blocks(each)}

    def sold(self, members: Iterable[str], policy_of: Mapping[str, str | None]) -> _Sold:
        download = upload = unlimited = 0
        for rates in self._known(members, policy_of):
            download += rates[0] or 0
            upload += rates[1] or 0
            unlimited += None in rates
        return _Sold(download, upload, unlimited)

    def _known(
        self, members: Iterable[str], policy_of: Mapping[str, str | None]
    ) -> Iterator[tuple[int | None, int | None]]:
        for ip in members:
            rates = self._of.get(policy_of.get(ip) or "")
            if rates is not None:
                yield rates


def _by_source(
    target: Target, live: LiveState, before: Mapping[str, str | None], after: Mapping[str, str | None]
) -> dict[str, Pair]:
    stopping_before = {name for name, each in live.policies.items() if blocks(each)} | {BLOCK_POLICY}
    stopping_after = {name for name, each in target.policies.items() if blocks(each)} | {BLOCK_POLICY}
    counts: dict[str, Pair] = {}
    addresses = iter(target.subscribers)
    for source, count in target.shares.items():
        own = [next(addresses) for _ in range(count)]
        was = sum(before.get(ip) in stopping_before for ip in own)
        counts[source] = Pair(was, sum(after.get(ip) in stopping_after for ip in own))
    return counts
