"""Changes in words: one line each, and what many of them have in common; for every format of a plan."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.reconcile.plan import Action, Change, Difference
from generator.report.rates import human_rate
from generator.report.safe import printable

SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}
MAX_COMMENT_BYTES = 65_536
"""What GitHub takes as one comment; GitLab takes more."""

SHOWN_LINES = 20
"""So many lines of one kind and action are shown before the rest is counted."""
_FOLD_FROM = 5


class Folded(Struct, frozen=True, kw_only=True):
    """The changes of one kind and action, folded: equal ones as one line with their number, the greatest first.

    `hidden` changes are in none of the lines.
    """

    lines: tuple[tuple[int, str], ...]
    single: tuple[Change, ...]
    hidden: int


def fold(changes: Sequence[Change], *, most: int = SHOWN_LINES) -> Folded:
    """`changes` of one kind and action in at most `most` lines of each sort; few are not folded."""
    if len(changes) <= most:
        return Folded(lines=(), single=tuple(changes), hidden=0)
    signed = [(signature(change), change) for change in changes]
    counts = Counter(sign for sign, _ in signed)
    common = [(count, sign) for sign, count in counts.most_common() if count >= _FOLD_FROM]
    single = [change for sign, change in signed if counts[sign] < _FOLD_FROM]
    hidden = sum(count for count, _ in common[most:]) + len(single[most:])
    return Folded(lines=tuple(common[:most]), single=tuple(single[:most]), hidden=hidden)


def changes_of(changes: Iterable[Change], kind: Kind, action: Action) -> list[Change]:
    """The changes of one kind and action, in their order."""
    return [change for change in changes if change.kind is kind and change.action is action]


def affected(changes: Iterable[Change], impact: str) -> list[str]:
    """The subscribers whose service stops (`blocked`) or starts (`unblocked`)."""
    return [each.key for each in changes if each.impact == impact and each.kind is Kind.SUBSCRIBER]


def describe(change: Change) -> str:
    """One change in a line, its key left out."""
    if change.action is Action.UPDATE:
        return ", ".join(_difference(difference) for difference in change.differences)
    fields = (change.after if change.action is Action.CREATE else change.before) or {}
    if change.kind is Kind.POLICY:
        return f"down {_limit(fields.get('download', {}))}, up {_limit(fields.get('upload', {}))}"
    if change.kind is Kind.SUBSCRIBER:
        return ", ".join(f"{name} {printable(str(fields[name]))}" for name in ("id", "policy") if name in fields)
    parts = [f"{len(fields.get(name, ()))} {name}" for name in ("members", "ranges") if fields.get(name)]
    parts += [f"{name} {printable(str(fields[name]))}" for name in ("type", "policy") if name in fields]
    return ", ".join(parts) or "empty"


def _limit(limit: dict[str, Any]) -> str:
    rate = limit.get("rate", "unlimited")
    text = rate if isinstance(rate, str) else f"{human_rate(rate)} ({rate} kbps)"
    if "burst_rate" in limit:
        text += f" burst {human_rate(limit['burst_rate'])}"
        if "burst_duration" in limit:
            text += f" for {limit['burst_duration']} s"
    return text


def _difference(difference: Difference) -> str:
    field, before, after = printable(difference.field), difference.before, difference.after
    if isinstance(before, list) or isinstance(after, list):
        gone, come = (each if isinstance(each, list) else [] for each in (before, after))
        parts = [f"+{len(come)}"] if come else []
        parts += [f"-{len(gone)}"] if gone else []
        named = ", ".join(printable(str(name)) for name in [*come, *gone][:3])
        return f"{field} {' '.join(parts)} ({named}{', …' if len(come) + len(gone) > 3 else ''})"  # noqa: PLR2004 - three examples
    if field.endswith(("rate", "threshold")):
        return f"{field} {_shown(before)} → {_shown(after)} kbps ({_human(before)} → {_human(after)})"
    return f"{field} {_shown(before)} → {_shown(after)}"


def _human(rate: object) -> str:
    return human_rate(rate) if isinstance(rate, int) else _shown(rate)


def _shown(value: object) -> str:
    return "none" if value is None else printable(str(value))


def signature(change: Change) -> str:
    """What many changes have in common, so that they can be told in one line."""
    if change.kind is Kind.SUBSCRIBER and change.action is not Action.UPDATE:
        policy = ((change.after or change.before) or {}).get("policy")
        return f"policy {_shown(policy)}"
    return ", ".join(_difference(difference) for difference in change.differences) or describe(change)


def reasons_text(untouched: Any) -> str:
    """Why objects are left alone, each with its number."""
    return ", ".join(f"{printable(reason)} {count}" for reason, count in untouched.items())


def counts_text(changes: Sequence[Change]) -> str:
    """How many objects are created, changed and deleted."""
    counts = Counter(change.action for change in changes)
    if not counts:
        return "no changes"
    return f"{counts[Action.CREATE]} to create, {counts[Action.UPDATE]} to change, {counts[Action.DELETE]} to delete"
