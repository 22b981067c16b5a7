"""Applies overrides to what the billing says: the last step of a render before everything is put in order."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from generator.bqn.wire import bqn_name
from generator.desired.groups import capped
from generator.desired.order import sorted_addresses
from generator.desired.overrides.combining import Combined, Conflict, combine
from generator.desired.overrides.matching import People
from generator.desired.overrides.model import POLICY_ID_PREFIX, POLICY_PREFIX, Override, Overrides, Rates
from generator.desired.overrides.shared import Shared, follow
from generator.desired.tally import Tally
from generator.documents.nearest import suggestion
from generator.errors import DocumentError, Problem
from generator.model import Billed, Group, Limit, Policy, Subscriber


class Acted(Struct, frozen=True, kw_only=True):
    """What came of the overrides of one source."""

    subscribers: Mapping[str, Subscriber]
    """All of them, the overridden ones changed, the absent ones gone."""
    absent: Mapping[str, tuple[str, ...]] = {}
    """Who was taken out, and by which overrides."""
    policies: Mapping[str, Policy] = {}
    """The policies made for rates."""
    shared: Shared = Shared()
    used: Mapping[str, int] = {}
    """The overrides that matched somebody, and how many."""


def act(
    overrides: Overrides,
    subscribers: Mapping[str, Subscriber],
    policies: Mapping[str, Policy],
    groups: Mapping[str, Group],
    *,
    source: str,
    ipv6_prefix: int,
    today: date,
    tally: Tally,
) -> Acted:
    """`subscribers` of `source` after all `overrides` that hold on `today`.

    `policies` and `groups` are all that the source knows. Whom no override matches stays the very same object.
    Raises `DocumentError` where two overrides disagree about somebody, or a policy is not the source's.
    """
    holding = overrides.holding(source, today)
    if not holding:
        return Acted(subscribers=subscribers)
    by_name = {each.name: each for each in holding}
    matches = matching(holding, subscribers, ipv6_prefix=ipv6_prefix)
    combined, problems = _combined(overrides, by_name, matches)
    used = Counter(name for names in matches.values() for name in names)
    known = _bqn_names(policies)
    problems += [
        _unknown_policy(overrides, each, policies, source)
        for each in holding
        if each.name in used and each.policy is not None and bqn_name(each.policy) not in known
    ]
    if problems:
        raise DocumentError(problems)
    maker = _Maker(policies, tally)
    gone = {
        ip: tuple(name for name in names if by_name[name].absent)
        for ip, names in matches.items()
        if combined[names].absent
    }
    changed = {ip: maker.changed(subscribers[ip], combined[names]) for ip, names in matches.items() if ip not in gone}
    after = {ip: changed.get(ip, each) for ip, each in subscribers.items() if ip not in gone}
    shared = follow(subscribers, after, groups, touched=matches)
    for ip in shared.leaving:
        after[ip] = replace(
            after[ip], groups=tuple(name for name in after[ip].groups if name not in shared.leaving[ip])
        )
    return Acted(subscribers=after, absent=gone, policies=maker.made, shared=shared, used=used)


def matching(
    holding: Iterable[Override], subscribers: Mapping[str, Subscriber], *, ipv6_prefix: int
) -> dict[str, tuple[str, ...]]:
    """Who is matched by something, and by what (names in the order of the file)."""
    people = People(subscribers, ipv6_prefix=ipv6_prefix)
    found: dict[str, tuple[str, ...]] = {}
    for override in holding:
        for ip in people.matching(override.match):
            found[ip] = (*found.get(ip, ()), override.name)
    return found


def _combined(
    overrides: Overrides, by_name: Mapping[str, Override], matches: Mapping[str, tuple[str, ...]]
) -> tuple[dict[tuple[str, ...], Combined], list[Problem]]:
    """Each meeting of overrides made one, and a problem for each two that disagree."""
    combined: dict[tuple[str, ...], Combined] = {}
    conflicts: dict[tuple[str, ...], tuple[Conflict, ...]] = {}
    where: dict[Conflict, list[str]] = {}
    for ip, names in matches.items():
        if names not in combined:
            combined[names], conflicts[names] = combine(tuple(by_name[name] for name in names))
        for conflict in conflicts[names]:
            where.setdefault(conflict, []).append(ip)
    return combined, [_disagreement(overrides, each, sorted_addresses(ips)) for each, ips in where.items()]


def _disagreement(overrides: Overrides, conflict: Conflict, ips: list[str]) -> Problem:
    more = f" and {len(ips) - 1} more" if len(ips) > 1 else ""
    first = overrides.where(conflict.first, "set")
    return overrides.problem(
        f"{conflict.second} and {conflict.first} ({first}) disagree about the {conflict.field} of {ips[0]}{more}: "
        f"{conflict.says_second} against {conflict.says_first}",
        conflict.second, "set",
        fix="make them agree, remove one, or narrow whom one matches",
    )  # fmt: skip


def _unknown_policy(overrides: Overrides, each: Override, policies: Mapping[str, Policy], source: str) -> Problem:
    return overrides.problem(
        f"{source} has no policy {each.policy!r}", each.name, "set", "policy",
        fix=suggestion(each.policy or "", policies) or f"choose one of desired/{source}/policies.yml",
    )  # fmt: skip


def _bqn_names(policies: Mapping[str, Policy]) -> dict[str, str]:
    return {bqn_name(name): name for name in policies}


class _Maker:
    """Makes overridden subscribers, and the policies they need."""

    def __init__(self, policies: Mapping[str, Policy], tally: Tally) -> None:
        self._names, self._tally = _bqn_names(policies), tally
        self.made: dict[str, Policy] = {}

    def changed(self, subscriber: Subscriber, combined: Combined) -> Subscriber:
        """`subscriber` with everything that `combined` sets, and what held before."""
        policy = subscriber.policy
        if combined.rates is not None and combined.rates_by is not None:
            policy = self._made_for(combined.rates_by, combined.rates)
        elif combined.policy is not None:
            policy = self._names[bqn_name(combined.policy)]
        blocked, reason = subscriber.blocked, subscriber.reason
        if combined.blocked is not None and combined.blocked != blocked:
            blocked = combined.blocked
            reason = f"override {combined.blocked_by}" if blocked else None
        return replace(
            subscriber, policy=policy, blocked=blocked, reason=reason, groups=self._groups(subscriber, combined),
            overrides=combined.names,
            billed=Billed(
                policy=subscriber.policy, blocked=subscriber.blocked, reason=subscriber.reason, groups=subscriber.groups
            ),
        )  # fmt: skip

    def _groups(self, subscriber: Subscriber, combined: Combined) -> tuple[str, ...]:
        change = combined.groups
        if change is None:
            return subscriber.groups
        named = frozenset(change.only or ()) | change.add
        kept = [name for name in subscriber.groups if change.only is None or name.startswith("DS-")]
        names = [
            *named,
            *(name for name in kept if bqn_name(name) not in named and bqn_name(name) not in change.remove),
        ]
        return capped(names, self._tally, example=subscriber.ip, first=named)

    def _made_for(self, override: str, rates: Rates) -> str:
        """The policy with `rates`; a billing plan that has its name keeps it."""
        name = f"{POLICY_PREFIX}{override}"
        while name in self._names:
            name += "_"
        self.made[name] = Policy(
            name=name,
            id=f"{POLICY_ID_PREFIX}{override}",
            download=Limit(rate=rates.download),
            upload=Limit(rate=rates.upload),
        )
        return name
