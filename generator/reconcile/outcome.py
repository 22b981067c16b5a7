"""What came of a plan: one result per change, one account per appliance."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.errors import Exit
from generator.reconcile.plan import Change


class Outcome(StrEnum):
    """What became of one change."""

    DONE = "done"
    ALREADY = "already as wanted"
    FAILED = "failed"
    NOT_TRIED = "not tried"


class Result(Struct, frozen=True):
    """One change and what became of it; `reason` says why where it was not done."""

    change: Change
    outcome: Outcome
    reason: str | None = None


class Mismatch(Struct, frozen=True):
    """An object that is not as it was written, seen when the live state was read again."""

    kind: Kind
    key: str
    cause: str


class ApplianceOutcome(Struct, frozen=True, kw_only=True):
    """What came of one appliance's plan. With `refused` or `error` set nothing was sent to it."""

    name: str
    results: tuple[Result, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    refused: str | None = None
    error: str | None = None
    unread: str | None = None

    def counts(self) -> Mapping[Outcome, int]:
        """How many changes had each outcome."""
        return Counter(result.outcome for result in self.results)

    @property
    def complete(self) -> bool:
        """Whether everything planned stands now."""
        settled = all(result.outcome in (Outcome.DONE, Outcome.ALREADY) for result in self.results)
        return settled and not (self.mismatches or self.refused or self.error or self.unread)

    @property
    def wrote(self) -> bool:
        """Whether at least one write was done."""
        return any(result.outcome is Outcome.DONE for result in self.results)


class RunOutcome(Struct, frozen=True, kw_only=True):
    """What came of a run: `run` names its journal."""

    run: str
    appliances: tuple[ApplianceOutcome, ...]
    interrupted: bool = False

    @property
    def exit_code(self) -> Exit:
        """4 when a part was applied or the run was interrupted, 3 when only guards spoke, 1 for errors."""
        incomplete = [appliance for appliance in self.appliances if not appliance.complete]
        if self.interrupted:
            return Exit.PARTIAL
        if not incomplete:
            return Exit.OK
        if any(not appliance.refused for appliance in incomplete):
            wrote = any(appliance.wrote for appliance in self.appliances)
            return Exit.PARTIAL if wrote else Exit.ERROR
        return Exit.REFUSED
