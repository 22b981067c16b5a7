"""The guards: how much one run may change on one appliance before a person has to say so.

Per appliance and kind, percent of what exists; below `min_existing` objects a percentage says nothing, so
`max_delete` counts rule there. Creating is never limited unless `max_create` is set. An empty desired state
never deletes, whatever is allowed (design section 6).
"""

from collections.abc import Iterator, Mapping

from generator.bqn.kinds import Kind
from generator.errors import UsageError
from generator.inventory.settings import Guards
from generator.reconcile.diff import Diff
from generator.reconcile.plan import Action, Verdict
from generator.reconcile.target import Target

PLAN_RULES = ("delete", "update", "block", "create")
"""The rules of a plan that `--allow RULE=N` lets through once."""

SHRINK_RULE = "shrink"
"""The rule of a render: a source that lists fewer services than last time."""

_SHOWN = 5


def parse_allowances(texts: tuple[str, ...]) -> dict[str, int]:
    """`RULE=N` texts as numbers per rule; raises `UsageError` for an unknown rule or no number."""
    allowed: dict[str, int] = {}
    known = (*PLAN_RULES, SHRINK_RULE)
    for text in texts:
        rule, _, number = text.partition("=")
        if rule not in known or not (number.isascii() and number.isdigit()):
            raise UsageError(
                f"--allow {text!r} is not RULE=N",
                fix=f"RULE is one of {', '.join(known)}; N is a whole number",
            )
        allowed[rule] = int(number)
    return allowed


def judge(diff: Diff, target: Target, guards: Guards, allowed: Mapping[str, int]) -> tuple[Verdict, ...]:
    """The verdicts on one appliance's diff: every rule that has something to count, refused or not."""
    return tuple(
        verdict
        for kind in Kind
        for verdict in _KindJudge(kind, diff, guards, allowed).verdicts(target)
        if verdict.count
    )


class _KindJudge:
    """Judges the changes of one kind on one appliance."""

    def __init__(self, kind: Kind, diff: Diff, guards: Guards, allowed: Mapping[str, int]) -> None:
        self.kind, self.guards, self.allowed = kind, guards, allowed
        changes = [change for change in diff.changes if change.kind is kind]
        self.keys = {action: [c.key for c in changes if c.action is action] for action in Action}
        self.blocked = list(diff.newly_blocked) if kind is Kind.SUBSCRIBER else []
        self.existing = diff.totals[kind].unchanged + len(changes) - len(self.keys[Action.CREATE])

    def verdicts(self, target: Target) -> Iterator[Verdict]:
        deletes, guards = self.keys[Action.DELETE], self.guards
        if deletes and not target.subscribers:
            yield self._empty(deletes)
        if self.existing < guards.min_existing:
            # Below it newly blocked customers count as deletions do: each is a customer cut off.
            yield self._count("delete", deletes, "max_delete", guards.max_delete)
            yield self._count("block", self.blocked, "max_delete", guards.max_delete)
        else:
            yield self._percent("delete", deletes, guards.max_delete_percent)
            yield self._percent("update", self.keys[Action.UPDATE], guards.max_update_percent)
            yield self._percent("block", self.blocked, guards.max_block_percent)
        if guards.max_create is not None:
            yield self._count("create", self.keys[Action.CREATE], "max_create", guards.max_create)

    def _percent(self, rule: str, keys: list[str], percent: int) -> Verdict:
        over = len(keys) * 100 > percent * self.existing
        return self._verdict(rule, keys, f"max_{rule}_percent {percent}", over=over)

    def _count(self, rule: str, keys: list[str], setting: str, most: int) -> Verdict:
        return self._verdict(rule, keys, f"{setting} {most}", over=len(keys) > most)

    def _verdict(self, rule: str, keys: list[str], limit: str, *, over: bool) -> Verdict:
        permitted = self.allowed.get(rule)
        refused = over and (permitted is None or len(keys) > permitted)
        setting = limit.partition(" ")[0]
        fix = f"--allow {rule}={len(keys)} once, or raise guards: {{{setting}: …}} of this host"
        return Verdict(
            rule=rule,
            kind=self.kind,
            count=len(keys),
            existing=self.existing,
            limit=limit,
            refused=refused,
            allowed=permitted if over else None,
            examples=tuple(keys[:_SHOWN]) if over else (),
            fix=fix if refused else None,
        )

    def _empty(self, keys: list[str]) -> Verdict:
        return Verdict(
            rule="empty",
            kind=self.kind,
            count=len(keys),
            existing=self.existing,
            limit="an empty desired state never deletes",
            refused=True,
            examples=tuple(keys[:_SHOWN]),
            fix="render the sources first; to empty an appliance on purpose, use its own GUI",
        )
