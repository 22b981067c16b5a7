"""The plan and its outcome as text for a terminal or a CI log; colour only adds to the signs."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from generator.bqn.kinds import Kind
from generator.reconcile.outcome import ApplianceOutcome, Outcome, RunOutcome
from generator.reconcile.plan import Action, AppliancePlan, Change, Difference, Plan, Verdict
from generator.report.rates import human_rate
from generator.report.safe import printable

SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}
_COLOURS = {Action.CREATE: "32", Action.UPDATE: "33", Action.DELETE: "31"}
_SHOWN_LINES = 20
_FOLD_FROM = 5
_KEY_WIDTH = 18

Paint = Callable[[str, str], str]


def _plain_paint(text: str, colour: str) -> str:  # noqa: ARG001 - the shape of a painter
    return text


def _ansi_paint(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"


def plan_text(plan: Plan, *, verbose: bool = False, colour: bool = False) -> str:
    """The whole plan; long lists are folded unless `verbose`."""
    return "\n".join(_PlanWriter(verbose, _ansi_paint if colour else _plain_paint).lines(plan)) + "\n"


class _PlanWriter:
    """Writes one plan line by line."""

    def __init__(self, verbose: bool, paint: Paint) -> None:  # noqa: FBT001 - private, called once above
        self.verbose, self.paint = verbose, paint

    def lines(self, plan: Plan) -> Iterator[str]:
        for appliance in plan.appliances:
            yield from self._appliance(appliance)
            yield ""
        yield self._totals(plan)

    def _appliance(self, plan: AppliancePlan) -> Iterator[str]:
        yield self.paint(f"{plan.name} ({plan.address})", "1") + f"  from {', '.join(plan.sources)}"
        if plan.error:
            yield self.paint(f"  error: {printable(plan.error)}", "31")
            return
        for warning in plan.warnings:
            yield f"  warning: {printable(warning)}"
        yield from self._impacts(plan)
        for kind in Kind:
            yield from self._kind(kind, [change for change in plan.changes if change.kind is kind])
        yield from self._left_alone(plan)
        for verdict in plan.verdicts:
            yield from self._verdict(verdict)
        took = f"; {plan.requests} requests, about {max(1, round(plan.seconds))} s" if plan.changes else ""
        yield f"  {_counts(plan.changes)}{took}"

    def _impacts(self, plan: AppliancePlan) -> Iterator[str]:
        for word in ("blocked", "unblocked"):
            hit = [change.key for change in plan.changes if change.impact == word and change.kind is Kind.SUBSCRIBER]
            if hit:
                shown = hit if self.verbose else hit[:_SHOWN_LINES]
                more = f" and {len(hit) - len(shown)} more" if len(hit) > len(shown) else ""
                yield (self.paint(f"  ! {len(hit)} newly {word}: ", "35") + ", ".join(map(printable, shown)) + more)

    def _kind(self, kind: Kind, changes: list[Change]) -> Iterator[str]:
        if not changes:
            return
        yield f"  {kind.plural}"
        for action in Action:
            chosen = [change for change in changes if change.action is action]
            yield from self._action(kind, action, chosen)

    def _action(self, kind: Kind, action: Action, changes: list[Change]) -> Iterator[str]:
        folded = Counter() if self.verbose else Counter(_signature(change) for change in changes)
        printed: set[str] = set()
        shown = 0
        for change in changes:
            signature = _signature(change)
            if folded[signature] >= _FOLD_FROM and len(changes) > _SHOWN_LINES:
                if signature not in printed:
                    printed.add(signature)
                    yield self._line(action, f"{folded[signature]} {kind.plural}: {signature}")
                continue
            shown += 1
            if self.verbose or shown <= _SHOWN_LINES:
                yield self._line(action, f"{printable(change.key):{_KEY_WIDTH}} {describe(change)}")
        if not self.verbose and shown > _SHOWN_LINES:
            yield self._line(action, f"… and {shown - _SHOWN_LINES} more (-v shows them)")

    def _line(self, action: Action, text: str) -> str:
        return self.paint(f"    {SIGNS[action]} ", _COLOURS[action]) + text.rstrip()

    def _left_alone(self, plan: AppliancePlan) -> Iterator[str]:
        parts = [
            f"{sum(totals.untouched.values())} {kind.plural} ({_reasons(totals.untouched)})"
            for kind, totals in plan.totals.items()
            if totals.untouched
        ]
        if parts:
            yield "  left alone: " + ", ".join(parts)
        if self.verbose:
            for kind, keys in plan.untouched.items():
                if keys:
                    yield f"    {kind.plural}: " + ", ".join(map(printable, keys))

    def _verdict(self, verdict: Verdict) -> Iterator[str]:
        share = f"{verdict.count} of {verdict.existing} {verdict.kind.plural}"
        if verdict.refused:
            examples = ", ".join(map(printable, verdict.examples))
            yield self.paint(f"  refused: {verdict.rule} {share} ({verdict.limit}): {examples}", "31")
            yield f"    → {verdict.fix}"
        elif verdict.allowed is not None:
            yield f"  allowed: {verdict.rule} {share}, over {verdict.limit}, --allow {verdict.rule}={verdict.allowed}"

    def _totals(self, plan: Plan) -> str:
        failed = sum(1 for appliance in plan.appliances if appliance.error)
        refused = sum(1 for appliance in plan.appliances if appliance.refused)
        changes = [change for appliance in plan.appliances for change in appliance.changes]
        text = f"{len(plan.appliances)} appliances: {_counts(changes)}"
        if refused:
            text += self.paint(f"; {refused} refused by a guard", "31")
        if failed:
            text += self.paint(f"; {failed} could not be planned", "31")
        return text


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
    before, after = difference.before, difference.after
    if isinstance(before, list) or isinstance(after, list):
        gone, come = before or [], after or []
        parts = [f"+{len(come)}"] if come else []
        parts += [f"-{len(gone)}"] if gone else []
        named = ", ".join(printable(str(name)) for name in [*come, *gone][:3])
        return f"{difference.field} {' '.join(parts)} ({named}{', …' if len(come) + len(gone) > 3 else ''})"  # noqa: PLR2004 - three examples
    field = difference.field
    if field.endswith(("rate", "threshold")):
        return f"{field} {_shown(before)} → {_shown(after)} kbps ({human_rate(before)} → {human_rate(after)})"
    return f"{field} {_shown(before)} → {_shown(after)}"


def _shown(value: object) -> str:
    return "none" if value is None else printable(str(value))


def _signature(change: Change) -> str:
    """What many changes have in common, so that they can be told in one line."""
    if change.kind is Kind.SUBSCRIBER and change.action is not Action.UPDATE:
        policy = ((change.after or change.before) or {}).get("policy")
        return f"policy {_shown(policy)}"
    return ", ".join(_difference(difference) for difference in change.differences) or describe(change)


def _reasons(untouched: Any) -> str:
    return ", ".join(f"{printable(reason)} {count}" for reason, count in untouched.items())


def _counts(changes: Sequence[Change]) -> str:
    counts = Counter(change.action for change in changes)
    if not counts:
        return "no changes"
    return f"{counts[Action.CREATE]} to create, {counts[Action.UPDATE]} to change, {counts[Action.DELETE]} to delete"


def outcome_text(outcome: RunOutcome) -> str:
    """What a run did, failed to do and did not try, per appliance."""
    lines: list[str] = []
    for appliance in outcome.appliances:
        lines += _appliance_outcome(appliance)
    if outcome.interrupted:
        lines.append("the run was interrupted; run it again to finish")
    return "\n".join(lines) + "\n"


def _appliance_outcome(outcome: ApplianceOutcome) -> list[str]:
    if outcome.error:
        return [f"{outcome.name}: error: {printable(outcome.error)}"]
    if outcome.refused:
        return [f"{outcome.name}: refused: {printable(outcome.refused)}; nothing was written"]
    if not outcome.results:
        return [f"{outcome.name}: nothing to do"]
    counts = outcome.counts()
    lines = [f"{outcome.name}: " + ", ".join(f"{counts[word]} {word}" for word in Outcome if counts[word])]
    trouble = [result for result in outcome.results if result.outcome in (Outcome.FAILED, Outcome.NOT_TRIED)]
    lines += [
        f"  {result.outcome}: {result.change.action} {result.change.kind} {printable(result.change.key)}: "
        f"{printable(result.reason or '')}"
        for result in trouble[:_SHOWN_LINES]
    ]
    if len(trouble) > _SHOWN_LINES:
        lines.append(f"  … and {len(trouble) - _SHOWN_LINES} more; `bqnctl plan` shows what is left to do")
    lines += [f"  not as written: {m.kind} {printable(m.key)}: {printable(m.cause)}" for m in outcome.mismatches]
    if outcome.unread:
        lines.append(f"  {printable(outcome.unread)}")
    return lines
