"""The overrides that meet at one subscriber, made one; where two of them disagree nothing is decided."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from generator.desired.overrides.model import GroupChange, Override, Rates


class Combined(Struct, frozen=True, kw_only=True):
    """What several overrides together say of one subscriber, and which one said what."""

    names: tuple[str, ...]
    policy: str | None = None
    rates: Rates | None = None
    blocked: bool | None = None
    blocked_by: str | None = None
    groups: GroupChange | None = None
    absent: bool = False
    rates_by: str | None = None


class Conflict(Struct, frozen=True):
    """Two overrides that set one field of a subscriber differently: the names in the order of the file."""

    first: str
    second: str
    field: str
    says_first: str
    says_second: str


def combine(overrides: tuple[Override, ...]) -> tuple[Combined, tuple[Conflict, ...]]:
    """The overrides of one subscriber, in the order of the file, as one; and where they disagree."""
    combined = Combined(names=tuple(each.name for each in overrides))
    for each in overrides:
        combined = replace(combined, absent=combined.absent or each.absent)
        if each.policy is not None:
            combined = replace(combined, policy=each.policy)
        if each.rates is not None:
            combined = replace(combined, rates=each.rates, rates_by=combined.rates_by or each.name)
        if each.blocked is not None:
            combined = replace(combined, blocked=each.blocked, blocked_by=combined.blocked_by or each.name)
        if each.groups is not None:
            combined = replace(combined, groups=_joined(combined.groups, each.groups))
    return combined, tuple(_conflicts(overrides))


def _joined(one: GroupChange | None, other: GroupChange) -> GroupChange:
    if one is None:
        return other
    only = one.only if other.only is None else other.only
    return GroupChange(only=only, add=one.add | other.add, remove=one.remove | other.remove)


def _conflicts(overrides: tuple[Override, ...]) -> Iterator[Conflict]:
    for position, second in enumerate(overrides):
        for first in overrides[:position]:
            yield from _between(first, second)


def _between(first: Override, second: Override) -> Iterator[Conflict]:
    policies = [_policy(each) for each in (first, second)]
    if None not in policies and policies[0] != policies[1]:
        yield _conflict(first, second, "policy", map(_policy_text, (first, second)))
    if None not in (first.blocked, second.blocked) and first.blocked != second.blocked:
        yield _conflict(first, second, "blocked", (str(each.blocked).lower() for each in (first, second)))
    if first.groups and second.groups and _differ(first.groups, second.groups):
        yield _conflict(first, second, "groups", (_groups_text(each) for each in (first.groups, second.groups)))


def _conflict(first: Override, second: Override, field: str, says: Iterable[str]) -> Conflict:
    one, other = says
    return Conflict(first.name, second.name, field, one, other)


def _policy(override: Override) -> Any:
    return override.policy if override.policy is not None else override.rates


def _policy_text(override: Override) -> str:
    if override.rates is None:
        return override.policy or ""
    return "/".join(
        "unlimited" if rate is None else str(rate) for rate in (override.rates.download, override.rates.upload)
    )


def _differ(one: GroupChange, other: GroupChange) -> bool:
    """Whether one of them undoes what the other asks for."""
    if one.only is not None and other.only is not None:
        return set(one.only) != set(other.only)
    if one.only is not None or other.only is not None:
        named, change = (one, other) if one.only is not None else (other, one)
        only = set(named.only or ())
        return not change.add <= only or bool(change.remove & only)
    return bool(one.add & other.remove or one.remove & other.add)


def _groups_text(groups: GroupChange) -> str:
    if groups.only is not None:
        return f"set [{', '.join(groups.only)}]"
    parts = [f"+{name}" for name in sorted(groups.add)] + [f"-{name}" for name in sorted(groups.remove)]
    return " ".join(parts)
