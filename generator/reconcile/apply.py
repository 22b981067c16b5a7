"""Applies a plan: every appliance at the same time and apart, each under its lock, guards first, read back after."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from generator.bqn.client import BqnClient
from generator.bqn.kinds import Kind
from generator.bqn.live import LiveState
from generator.errors import ApplianceError, BqnctlError
from generator.inventory.settings import BqnHost
from generator.reconcile.execute import Executor, Progress
from generator.reconcile.journal import Journal, JournalError
from generator.reconcile.lock import appliance_lock
from generator.reconcile.outcome import ApplianceOutcome, Outcome, Result, RunOutcome
from generator.reconcile.plan import Action, AppliancePlan, Plan
from generator.reconcile.settle import Settled, read_back, settle

log = logging.getLogger(__name__)

_NAMED = 3


class Applier:
    """Carries out one plan on the appliances of an inventory.

    `stop` ends the run after the requests under way. Under its lock each appliance is read once more, so
    that a plan overtaken since it was made, be it a minute or a week ago, is refused rather than carried out.
    """

    def __init__(
        self,
        appliances: Mapping[str, BqnHost],
        *,
        journal: Journal,
        stop: threading.Event,
        environ: Mapping[str, str],
        progress: Progress,
        connect: Callable[..., BqnClient] = BqnClient,
    ) -> None:
        self._appliances, self._journal, self._stop = appliances, journal, stop
        self._environ, self._progress, self._connect = environ, progress, connect

    def apply(self, plan: Plan, *, allowed: Mapping[str, int]) -> RunOutcome:
        """Apply `plan`; the outcome has one account per appliance, whatever happened to the others."""
        self._journal.record(
            "run", run=self._journal.run, bqnctl=plan.bqnctl, inventory=plan.inventory,
            desired=plan.desired_digests, allowed=allowed,
        )  # fmt: skip
        with ThreadPoolExecutor(max_workers=max(1, len(plan.appliances))) as pool:
            outcomes = tuple(pool.map(self._apply_one, plan.appliances))
        outcome = RunOutcome(run=self._journal.run, appliances=outcomes, interrupted=self._cut_short(outcomes))
        try:
            self._journal.record("end", exit_code=int(outcome.exit_code))
        except JournalError as error:
            log.warning("%s", error)  # what was done stands, and is told; the run is listed as killed
        return outcome

    def _cut_short(self, outcomes: Sequence[ApplianceOutcome]) -> bool:
        return self._stop.is_set() and not all(outcome.complete for outcome in outcomes)

    def _apply_one(self, plan: AppliancePlan) -> ApplianceOutcome:
        if plan.error:
            return ApplianceOutcome(name=plan.name, error=plan.error)
        if plan.refused:
            return ApplianceOutcome(name=plan.name, refused="a guard refuses its plan, see above")
        if not plan.changes:
            return ApplianceOutcome(name=plan.name)
        bqn = self._appliances[plan.name]
        try:
            with (
                appliance_lock(plan.address, self._environ),
                self._connect(bqn, stop=self._stop) as client,
            ):
                return self._under_lock(plan, client)
        except BqnctlError as error:
            return ApplianceOutcome(name=plan.name, error=str(error))

    def _under_lock(self, plan: AppliancePlan, client: BqnClient) -> ApplianceOutcome:
        """Hold the plan against the live state once more, now that no other run writes; then carry it out."""
        live = client.read_state()
        settled = settle(plan.changes, live)
        if settled.stale:
            return ApplianceOutcome(name=plan.name, refused=_stale_reason(settled))
        already = [Result(change, Outcome.ALREADY) for change in settled.already]
        self._progress(len(already))
        executor = Executor(
            settled.due, client, bqn=self._appliances[plan.name], journal=self._journal, stop=self._stop,
            progress=self._progress, wholes=_deleted(settled, live),
        )  # fmt: skip
        results = already + executor.run()
        if not any(result.outcome is Outcome.DONE for result in results):
            return ApplianceOutcome(name=plan.name, results=tuple(results))
        return self._read_back(plan, client, results)

    def _read_back(self, plan: AppliancePlan, client: BqnClient, results: list[Result]) -> ApplianceOutcome:
        try:
            mismatches = read_back(results, client.read_state())
        except (ApplianceError, msgspec.MsgspecError) as error:
            return ApplianceOutcome(name=plan.name, results=tuple(results), unread=f"could not be read back: {error}")
        return ApplianceOutcome(name=plan.name, results=tuple(results), mismatches=mismatches)


def _deleted(settled: Settled, live: LiveState) -> dict[tuple[Kind, str], dict[str, Any]]:
    """What the deletes take away, with fields that only the appliance knows, so that it can be put back."""
    wholes: dict[tuple[Kind, str], dict[str, Any]] = {}
    for kind in Kind:
        keys = frozenset(c.key for c in settled.due if c.kind is kind and c.action is Action.DELETE)
        wholes |= {(kind, key): whole for key, whole in live.raw(kind, keys).items()}
    return wholes


def _stale_reason(settled: Settled) -> str:
    names = ", ".join(f"{change.kind} {change.key}" for change in settled.stale[:_NAMED])
    more = f" and {len(settled.stale) - _NAMED} more" if len(settled.stale) > _NAMED else ""
    return f"stale plan: changed on the appliance since: {names}{more}; plan again and review what is new"
