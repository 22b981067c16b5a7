"""An appliance's plan and what came of it → its account."""

from collections import Counter

from generator.bqn.kinds import Kind
from generator.operate.account import ApplianceAccount, Status
from generator.reconcile.outcome import ApplianceOutcome, Outcome
from generator.reconcile.plan import AppliancePlan


def appliance_account(plan: AppliancePlan, outcome: ApplianceOutcome | None, failure: str | None) -> ApplianceAccount:
    """The account of one appliance. Without an `outcome` nothing was tried; `failure` says why, if it had to be."""
    if outcome is not None and outcome.results:
        return ApplianceAccount(
            name=plan.name,
            status=_status(outcome),
            error=None if outcome.complete else _incomplete(outcome),
            done=_done(outcome),
            pending=_pending(outcome),
        )
    status, error = _nothing_sent(plan, outcome, failure)
    pending = {} if status is Status.OK else Counter(str(change.kind) for change in plan.changes)
    return ApplianceAccount(name=plan.name, status=status, error=error, pending=pending)


def _nothing_sent(
    plan: AppliancePlan, outcome: ApplianceOutcome | None, failure: str | None
) -> tuple[Status, str | None]:  # fmt: skip
    if plan.refused:
        return Status.REFUSED, _verdicts(plan)
    if outcome is not None and outcome.refused:
        return Status.REFUSED, outcome.refused
    error = plan.error or (outcome.error if outcome is not None else None) or (failure if plan.changes else None)
    return (Status.FAILED if error else Status.OK), error


def _status(outcome: ApplianceOutcome) -> Status:
    if outcome.complete:
        return Status.OK
    return Status.PARTIAL if outcome.wrote else Status.FAILED


def _verdicts(plan: AppliancePlan) -> str:
    refused = [verdict for verdict in plan.verdicts if verdict.refused]
    return "; ".join(f"{v.rule}: {v.count} of {v.existing} {v.kind.plural}, guard {v.limit}" for v in refused)


def _incomplete(outcome: ApplianceOutcome) -> str:
    counts = outcome.counts()
    parts = [f"{counts[word]} {word}" for word in (Outcome.FAILED, Outcome.NOT_TRIED) if counts[word]]
    parts += [f"{len(outcome.mismatches)} not as written"] if outcome.mismatches else []
    parts += [outcome.unread] if outcome.unread else []
    return ", ".join(parts)


def _done(outcome: ApplianceOutcome) -> dict[str, dict[str, int]]:
    done: dict[str, dict[str, int]] = {}
    for result in outcome.results:
        if result.outcome is Outcome.DONE:
            actions = done.setdefault(str(result.change.kind), {})
            actions[str(result.change.action)] = actions.get(str(result.change.action), 0) + 1
    return done


def _pending(outcome: ApplianceOutcome) -> dict[str, int]:
    left: Counter[Kind] = Counter(
        each.change.kind for each in outcome.results if each.outcome in (Outcome.FAILED, Outcome.NOT_TRIED)
    )
    left.update(mismatch.kind for mismatch in outcome.mismatches)
    return {str(kind): count for kind, count in left.items()}
