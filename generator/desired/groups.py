"""Subscriber groups: `L1-`/`L2-` where the network says so, `DS-` for one subscriber's IPv4 and IPv6."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from msgspec import Struct

from generator.desired.claims import Candidate
from generator.desired.names import Wanted, object_name, unique_names
from generator.desired.policies import Policies
from generator.desired.tally import Tally
from generator.inventory.settings import BillingHost
from generator.model import BLOCK_POLICY, BillingAnswer, DesiredState, Group, GroupRecord

_LEVELS = frozenset({"L1", "L2", "DS"})
MAX_GROUPS = 3
"""Groups of one address, by the strictest of the vendor's texts (facts: BQN REST API, 5.3)."""


class Levels:
    """The `L1-` and `L2-` groups of records, and every group found on the way."""

    def __init__(
        self, host: BillingHost, tally: Tally, *, previous: DesiredState | None, unread: frozenset[str]
    ) -> None:
        self._wanted = host.subscriber_groups
        self._tally = tally
        self._previous = previous
        self._unread = unread
        self._known: dict[tuple[GroupRecord, ...], tuple[str, ...]] = {}
        self._written: dict[str, set[str]] = defaultdict(set)
        self._types: dict[str, set[str]] = defaultdict(set)

    def of(self, ip: str, candidate: Candidate) -> tuple[str, ...]:
        """The names of the groups of `candidate` at `ip`.

        A level whose list the key may not read is as it was at that address.
        """
        if not self._wanted:
            return ()
        records = candidate.record.groups
        names = self._known.get(records)
        if names is None:
            names = self._known[records] = self._names(records, candidate.name)
        if self._unread and self._previous is not None:
            before = self._previous.subscribers.get(ip)
            if before is not None:
                names = (*names, *(name for name in before.groups if level_of(name) in self._unread))
        return names

    def _names(self, records: Iterable[GroupRecord], example: str) -> tuple[str, ...]:
        names = []
        for record in records:
            bare = object_name(record.name)
            if not bare:
                self._tally.add("groups without a name, left out", example)
                continue
            name = f"{object_name(record.level)}-{bare}" if record.level else bare
            names.append(name)
            self._written[name].add(record.name.strip())
            if record.type:
                self._types[name].add(object_name(record.type))
        return tuple(names)

    def groups(self) -> dict[str, Group]:
        """Every group named so far; a name written in several ways is reported, for those become one."""
        for name, ways in self._written.items():
            if len(ways) > 1:
                self._tally.add("groups whose names become equal on a BQN, now one group", name)
        return {
            name: Group(name=name, type=min(self._types[name], default=None) if name in self._types else None)
            for name in self._written
        }


def own_groups(answer: BillingAnswer, host: BillingHost, policies: Policies) -> dict[str, Group]:
    """The groups that the source itself gives a limit or ranges; a plan that cannot be used gives none."""
    if not host.subscriber_groups:
        return {}
    named = ((object_name(f"{each.level}-{each.name}" if each.level else each.name), each) for each in answer.groups)
    return {
        name: Group(
            name=name,
            type=object_name(each.type) or None if each.type else None,
            policy=BLOCK_POLICY if each.plan == BLOCK_POLICY else policies.name_of.get(each.plan or ""),
            ranges=each.ranges,
        )
        for name, each in named
        if name
    }


def level_of(name: str) -> str:
    """The level that a group's name shows: `L1`, `L2`, `DS`, or "" for a name without such a prefix."""
    level, dash, _ = name.partition("-")
    return level if dash and level in _LEVELS else ""


def capped(names: Iterable[str], tally: Tally, *, example: str, first: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """`names` once each, at most `MAX_GROUPS`: a `DS-` group always, for it carries rates; `first`; then `L1-`."""
    kept, cut = _capped(tuple(names), first)
    if cut:
        tally.add(f"addresses in more than {MAX_GROUPS} groups, which keep the first {MAX_GROUPS}", example)
    return kept


@lru_cache(maxsize=1 << 16)
def _capped(names: tuple[str, ...], first: frozenset[str]) -> tuple[tuple[str, ...], bool]:
    """The names to keep in their order, and whether any was left out; customers share their groups."""
    ranked = sorted(
        set(names),
        key=lambda name: (not name.startswith("DS-"), name not in first, not name.startswith("L1-"), name),
    )
    kept = sorted(ranked[:MAX_GROUPS], key=lambda name: (not name.startswith("L1-"), name))
    return tuple(kept), len(ranked) > MAX_GROUPS


class DualStack(Struct, frozen=True, kw_only=True):
    """The `DS-` groups, and which candidate (by position) has which."""

    groups: Mapping[str, Group]
    name_of: Mapping[int, str]


def dual_stack(
    candidates: Iterable[Candidate], winners: Mapping[str, Candidate], host: BillingHost, tally: Tally
) -> DualStack:
    """A group for each candidate with both families, or with a range, so that they share one limit.

    A blocked subscriber's group has the policy `Billing-Block`: its ranges have no line of their own that
    could say so. One id with several such services gets a group for each, told apart by the record.
    """
    if not host.dual_stack_groups:
        return DualStack(groups={}, name_of={})
    eligible = {each.position: each for each in candidates if _needs_group(each)}
    names = unique_names(
        Wanted(str(position), f"DS-{object_name(each.id or '')}", object_name(each.name))
        for position, each in eligible.items()
        if each.id
    )
    groups: dict[str, Group] = {}
    name_of: dict[int, str] = {}
    for position, each in eligible.items():
        name = names.get(str(position))
        if name is None:
            tally.add("subscribers that get no DS- group, for want of an id of their own", each.name)
            continue
        name_of[position] = name
        policy = BLOCK_POLICY if each.standing.blocked or each.policy is None else each.policy.name
        ranges = tuple(sorted(text for text in each.ranges if winners.get(text) is each))
        groups[name] = Group(name=name, policy=policy, ranges=ranges)
    return DualStack(groups=groups, name_of=name_of)


def _needs_group(candidate: Candidate) -> bool:
    families = {":" in key for key in candidate.keys}
    return bool(candidate.ranges) or len(families) > 1
