"""What a render changed, in a line that git can keep: counts only, never a name from a billing system."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from generator.model import DesiredState, Subscriber


class Counts(Struct, frozen=True, kw_only=True):
    """How many subscribers, policies and groups a render changed, by what happened to them.

    A subscriber counts once, as the first of these that holds; `moved` have another address under the same id.
    """

    new: int = 0
    moved: int = 0
    cancelled: int = 0
    newly_blocked: int = 0
    unblocked: int = 0
    plan_changes: int = 0
    other: int = 0
    policies: int = 0
    groups: int = 0
    rejected: int = 0

    def __add__(self, more: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(more, name) for name in self.__struct_fields__})


def count_changes(before: DesiredState | None, after: DesiredState) -> Counts:
    """What the step from `before` (None: nothing was there) to `after` changes."""
    old = DesiredState(policies={}, groups={}, subscribers={}) if before is None else before
    come = [after.subscribers[ip] for ip in after.subscribers.keys() - old.subscribers.keys()]
    gone = [old.subscribers[ip] for ip in old.subscribers.keys() - after.subscribers.keys()]
    moved = (_ids(come) & _ids(gone)).total()
    kept = Counter(
        kind
        for ip in after.subscribers.keys() & old.subscribers.keys()
        if (kind := _change(old.subscribers[ip], after.subscribers[ip])) is not None
    )
    return Counts(
        new=len(come) - moved,
        moved=moved,
        cancelled=len(gone) - moved,
        policies=_differing(old.policies, after.policies),
        groups=_differing(old.groups, after.groups),
        rejected=max(0, len(after.rejected) - len(old.rejected)),
        **kept,
    )


def summary_line(counts: Counts) -> str:
    """Subscribers first, then the rest: `3 new, 1 cancelled, 12 plan changes, 2 newly blocked; 1 policy`."""
    subscribers = [
        (counts.new, "new"),
        (counts.moved, "moved"),
        (counts.cancelled, "cancelled"),
        (counts.plan_changes, _plural(counts.plan_changes, "plan change", "plan changes")),
        (counts.newly_blocked, "newly blocked"),
        (counts.unblocked, "unblocked"),
        (counts.other, _plural(counts.other, "other change", "other changes")),
    ]
    objects = [
        (counts.policies, _plural(counts.policies, "policy", "policies")),
        (counts.groups, _plural(counts.groups, "group", "groups")),
        (counts.rejected, "newly rejected"),
    ]
    parts = [_listed(subscribers), _listed(objects)]
    return "; ".join(part for part in parts if part) or "nothing that counts"


def commit_message(counted: Mapping[str, Counts], failed: list[str]) -> str:
    """A commit message: what changed in all, then source by source; `failed` sources keep their old files."""
    total = sum(counted.values(), Counts())
    if not counted:
        subject = "Desired state: nothing changed"
    else:
        subject = f"{next(iter(counted)) if len(counted) == 1 else 'Desired state'}: {summary_line(total)}"
    lines = [f"* {source}: {summary_line(counts)}" for source, counts in counted.items()] if len(counted) > 1 else []
    lines += [f"* {source}: could not be read, its files are those of the last time" for source in failed]
    return "\n".join([subject, "", *lines]) + "\n" if lines else f"{subject}\n"


def _ids(subscribers: list[Subscriber]) -> Counter[str]:
    return Counter(subscriber.id for subscriber in subscribers if subscriber.id is not None)


def _change(before: Subscriber, after: Subscriber) -> str | None:
    """What happened to a subscriber that stayed, as the name of its count."""
    if before == after:
        return None
    if before.blocked != after.blocked:
        return "newly_blocked" if after.blocked else "unblocked"
    return "plan_changes" if before.policy != after.policy else "other"


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> int:
    """How many keys are new, gone or changed."""
    return sum(before.get(key) != after.get(key) for key in before.keys() | after.keys())


def _listed(parts: list[tuple[int, str]]) -> str:
    return ", ".join(f"{count} {what}" for count, what in parts if count)


def _plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
