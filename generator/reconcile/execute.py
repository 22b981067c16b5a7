"""Carries out the plan of one appliance: exactly its requests, in stages, a few at a time.

Policies first (Billing-Block before all), then subscribers, groups, and the deletes of groups, subscribers
and policies, so that nobody is ever left without the policy they should have (design section 5).
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from generator.bqn.client import Answer, BqnClient
from generator.bqn.kinds import Kind
from generator.bqn.wire import without_unlimited
from generator.errors import AccessDeniedError, ApplianceError
from generator.inventory.settings import BqnHost
from generator.model import BLOCK_POLICY
from generator.reconcile.journal import Journal, JournalError
from generator.reconcile.outcome import Outcome, Result
from generator.reconcile.plan import Action, Change
from generator.reconcile.protect import protection

_BAD_REQUEST = 400
_NOT_FOUND = 404
_FAILURES_IN_A_ROW = 20
"""After so many writes in a row failed, the appliance is not bothered with the rest."""

Progress = Callable[[int], None]


class Executor:
    """One appliance's run; `run()` once. `wholes` are the objects it deletes, for the journal."""

    def __init__(
        self,
        changes: Sequence[Change],
        client: BqnClient,
        *,
        bqn: BqnHost,
        journal: Journal,
        stop: threading.Event,
        progress: Progress,
        wholes: Mapping[tuple[Kind, str], dict[str, Any]] | None = None,
    ) -> None:
        self._changes, self._client, self._bqn, self._journal = changes, client, bqn, journal
        self._wholes = wholes or {}
        self._stop, self._progress = stop, progress
        self._results: list[Result] = []
        self._lock = threading.Lock()
        self._failed_in_a_row = 0
        self._halted: str | None = None
        self._unmade: set[str] = set()
        self._in_use: set[str] = set()

    def run(self) -> list[Result]:
        """Carry out the changes; every one has a result, whatever happens."""
        for stage in stages(self._changes):
            self._run_stage(stage)
        return self._results

    def _run_stage(self, stage: Sequence[Change]) -> None:
        queue = iter(stage)
        count = min(len(stage), self._bqn.max_connections)
        with ThreadPoolExecutor(max_workers=count) as pool:
            for worker in [pool.submit(self._work, queue) for _ in range(count)]:
                worker.result()  # an error of ours must not pass for work that was done

    def _work(self, queue: Iterator[Change]) -> None:
        while True:
            with self._lock:
                change = next(queue, None)
            if change is None:
                return
            self._settle(self._result_of(change))

    def _settle(self, result: Result) -> None:
        change = result.change
        with self._lock:
            self._results.append(result)
            if result.outcome is Outcome.FAILED:
                self._failed_in_a_row += 1
                if self._failed_in_a_row >= _FAILURES_IN_A_ROW and self._halted is None:
                    self._halted = f"{_FAILURES_IN_A_ROW} writes in a row failed, the last: {result.reason}"
            elif result.outcome is Outcome.DONE:
                self._failed_in_a_row = 0
            if result.outcome in (Outcome.FAILED, Outcome.NOT_TRIED):
                self._note_undone(change)
        self._progress(1)

    def _note_undone(self, change: Change) -> None:
        """Remember what others depend on: a policy that was not made, or one that somebody still uses."""
        if change.kind is Kind.POLICY:
            if change.action is not Action.DELETE:
                self._unmade.add(change.key)
        elif change.before is not None and change.before.get("policy"):
            self._in_use.add(change.before["policy"])

    def _result_of(self, change: Change) -> Result:
        reason = self._reason_not_to_try(change)
        if reason is not None:
            return Result(change, Outcome.NOT_TRIED, reason)
        try:
            whole = self._wholes.get((change.kind, change.key))
            number = self._journal.intent(self._bqn.name, change, whole=whole)
        except JournalError as error:
            self._halted = str(error)
            return Result(change, Outcome.NOT_TRIED, str(error))
        try:
            answer = self._send(change)
        except AccessDeniedError as error:
            self._halted = str(error.what)
            return self._failed(change, number, str(error))
        except ApplianceError as error:
            return self._failed(change, number, str(error))
        if not answer.ok:
            return self._failed(change, number, f"answered {answer.status}: {answer.preview()!r}", status=answer.status)
        self._note(number, ok=True, status=answer.status)
        return Result(change, Outcome.DONE)

    def _failed(self, change: Change, number: int, reason: str, *, status: int | None = None) -> Result:
        self._note(number, ok=False, status=status, error=reason)
        return Result(change, Outcome.FAILED, reason)

    def _note(self, number: int, *, ok: bool, status: int | None, error: str | None = None) -> None:
        """Journal a result; if that fails the write stands all the same, and no further one is begun."""
        try:
            self._journal.result(number, ok=ok, status=status, error=error)
        except JournalError as unwritable:
            self._halted = str(unwritable)

    def _reason_not_to_try(self, change: Change) -> str | None:
        protected = protection(change, self._bqn)
        if protected is not None:
            return f"protected: {protected}"
        if self._stop.is_set():
            return "the run was interrupted"
        if self._halted is not None:
            return f"the appliance was left alone after: {self._halted}"
        policy = (change.after or {}).get("policy")
        if policy in self._unmade:
            return f"its policy {policy} was not written"
        if change.kind is Kind.POLICY and change.action is Action.DELETE and change.key in self._in_use:
            return "somebody still has it, because their change was not done"
        return None

    def _send(self, change: Change) -> Answer:
        """Send a change's request, and its one known alternative where the appliance wants that.

        PUT of what is not there → POST; DELETE of what is not there is done; a release that refuses -1 for
        unlimited gets the full object without the rate (facts: BQN REST API, section 12, rows 3, 4 and 7).
        """
        answer = self._client.write(change.method, change.kind, change.key, change.body)
        if answer.status == _NOT_FOUND and change.method == "DELETE":
            return Answer(200, b"")
        if answer.status == _NOT_FOUND and change.method == "PUT":
            return self._client.write("POST", change.kind, change.key, change.body)
        if answer.status == _BAD_REQUEST and change.kind is Kind.POLICY and change.body is not None:
            slimmed = without_unlimited(change.body)
            if slimmed is not None:
                return self._client.write("POST", change.kind, change.key, slimmed)
        return answer


def stages(changes: Iterable[Change]) -> list[list[Change]]:
    """The changes in the groups that may run at the same time, in the order of the groups."""
    buckets: list[list[Change]] = [[] for _ in range(7)]
    for change in changes:
        buckets[_stage_of(change)].append(change)
    return [bucket for bucket in buckets if bucket]


def _stage_of(change: Change) -> int:
    upserts = {Kind.POLICY: 1, Kind.SUBSCRIBER: 2, Kind.GROUP: 3}
    deletes = {Kind.GROUP: 4, Kind.SUBSCRIBER: 5, Kind.POLICY: 6}
    if change.action is Action.DELETE:
        return deletes[change.kind]
    return 0 if change.key == BLOCK_POLICY and change.kind is Kind.POLICY else upserts[change.kind]
