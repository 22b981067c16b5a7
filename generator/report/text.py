"""The plan as text for a terminal or a CI log; colour only adds to the signs."""

from collections.abc import Callable, Iterator, Sequence
from textwrap import indent

from generator.bqn.kinds import Kind
from generator.reconcile.plan import Action, AppliancePlan, Change, Plan, Verdict
from generator.report.safe import printable, printable_error
from generator.report.wording import (
    SHOWN_LINES,
    SIGNS,
    Folded,
    affected,
    changes_of,
    counts_text,
    describe,
    fold,
    reasons_text,
)

_COLOURS = {Action.CREATE: "32", Action.UPDATE: "33", Action.DELETE: "31"}
_KEY_WIDTH = 18

Paint = Callable[[str, str], str]


def _plain_paint(text: str, colour: str) -> str:  # noqa: ARG001 - the shape of a painter
    return text


def _ansi_paint(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"


def plan_text(plan: Plan, *, verbose: bool = False, colour: bool = False) -> str:
    """The whole plan; long lists are folded unless `verbose`."""
    return "\n".join(_PlanWriter(verbose, _ansi_paint if colour else _plain_paint).lines(plan)) + "\n"


def appliance_text(plan: AppliancePlan, *, verbose: bool = False) -> str:
    """What is planned for one appliance, without colour."""
    return "\n".join(_PlanWriter(verbose, _plain_paint).appliance(plan)) + "\n"


class _PlanWriter:
    """Writes one plan line by line."""

    def __init__(self, verbose: bool, paint: Paint) -> None:  # noqa: FBT001 - private, called once above
        self.verbose, self.paint = verbose, paint

    def lines(self, plan: Plan) -> Iterator[str]:
        for appliance in plan.appliances:
            yield from self.appliance(appliance)
            yield ""
        yield self._totals(plan)

    def appliance(self, plan: AppliancePlan) -> Iterator[str]:
        heading = printable(f"{plan.name} ({plan.address})")
        sources = printable(f"  from {', '.join(plan.sources)}") if plan.sources else ""  # a rollback has none
        yield self.paint(heading, "1") + sources
        if plan.error:
            yield self.paint(f"  error: {indent(printable_error(plan.error), '  ').lstrip()}", "31")
            return
        for warning in plan.warnings:
            yield f"  warning: {printable(warning)}"
        yield from self._impacts(plan)
        for heading, actions in (("", (Action.CREATE, Action.UPDATE)), ("to delete: ", (Action.DELETE,))):
            for kind in Kind:
                yield from self._kind(kind, plan.changes, actions, heading)
        yield from self._left_alone(plan)
        for verdict in plan.verdicts:
            yield from self._verdict(verdict)
        took = f"; {plan.requests} requests, about {max(1, round(plan.seconds))} s" if plan.changes else ""
        yield f"  {counts_text(plan.changes)}{took}"

    def _impacts(self, plan: AppliancePlan) -> Iterator[str]:
        for word in ("blocked", "unblocked"):
            hit = affected(plan.changes, word)
            if hit:
                shown = hit if self.verbose else hit[:SHOWN_LINES]
                more = f" and {len(hit) - len(shown)} more" if len(hit) > len(shown) else ""
                yield (self.paint(f"  ! {len(hit)} newly {word}: ", "35") + ", ".join(map(printable, shown)) + more)

    def _kind(self, kind: Kind, changes: Sequence[Change], actions: tuple[Action, ...], heading: str) -> Iterator[str]:
        chosen = {action: changes_of(changes, kind, action) for action in actions}
        if any(chosen.values()):
            yield f"  {heading}{kind.plural}"
            for action, those in chosen.items():
                yield from self._action(kind, action, those)

    def _action(self, kind: Kind, action: Action, changes: list[Change]) -> Iterator[str]:
        folded = Folded(lines=(), single=tuple(changes), hidden=0) if self.verbose else fold(changes)
        for count, sign in folded.lines:
            yield self._line(action, f"{count} {kind.plural}: {sign}")
        for change in folded.single:
            yield self._line(action, f"{printable(change.key):{_KEY_WIDTH}} {describe(change)}")
        if folded.hidden:
            yield self._line(action, f"… and {folded.hidden} more (-v shows them)")

    def _line(self, action: Action, text: str) -> str:
        return self.paint(f"    {SIGNS[action]} ", _COLOURS[action]) + text.rstrip()

    def _left_alone(self, plan: AppliancePlan) -> Iterator[str]:
        parts = [
            f"{sum(totals.untouched.values())} {kind.plural} ({reasons_text(totals.untouched)})"
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
        rule, limit = printable(verdict.rule), printable(verdict.limit)
        if verdict.refused:
            examples = ", ".join(map(printable, verdict.examples))
            yield self.paint(f"  refused: {rule} {share} ({limit}): {examples}", "31")
            yield f"    → {printable(verdict.fix or '')}"
        elif verdict.allowed is not None:
            yield f"  allowed: {rule} {share}, over {limit}, --allow {rule}={verdict.allowed}"

    def _totals(self, plan: Plan) -> str:
        failed = sum(1 for appliance in plan.appliances if appliance.error)
        refused = sum(1 for appliance in plan.appliances if appliance.refused)
        changes = [change for appliance in plan.appliances for change in appliance.changes]
        text = f"{len(plan.appliances)} appliances: {counts_text(changes)}"
        if refused:
            text += self.paint(f"; {refused} refused by a guard", "31")
        if failed:
            text += self.paint(f"; {failed} could not be planned", "31")
        return text
