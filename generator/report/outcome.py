"""What a run did, as text for a terminal or a CI log."""

from generator.reconcile.outcome import ApplianceOutcome, Outcome, RunOutcome
from generator.report.safe import printable, printable_error
from generator.report.wording import SHOWN_LINES


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
        return [f"{outcome.name}: error: {printable_error(outcome.error)}"]
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
        for result in trouble[:SHOWN_LINES]
    ]
    if len(trouble) > SHOWN_LINES:
        lines.append(f"  … and {len(trouble) - SHOWN_LINES} more; `bqnctl plan` shows what is left to do")
    lines += [f"  not as written: {m.kind} {printable(m.key)}: {printable(m.cause)}" for m in outcome.mismatches]
    if outcome.unread:
        lines.append(f"  {printable(outcome.unread)}")
    return lines
