"""The account of one sync: what became of each source and each appliance, and how long it took."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from generator.errors import Exit


class Status(StrEnum):
    """What became of a host in a run."""

    OK = "ok"
    FAILED = "failed"
    REFUSED = "refused"
    PARTIAL = "partial"
    WAITING = "waiting"
    """Left out of the run: it failed the last times, and its turn comes later."""


class SourceAccount(Struct, frozen=True, kw_only=True):
    """One billing source: `error` says why its files stay as they were; `objects` how many it has by kind."""

    name: str
    status: Status
    error: str | None = None
    changed: bool = False
    objects: Mapping[str, int] = {}


class ApplianceAccount(Struct, frozen=True, kw_only=True):
    """One BQN: `done` counts writes by kind and action, `pending` what still differs by kind.

    `drift` counts the objects that were no longer as the last complete sync left them; None where that is not
    known. `digests` are those of the desired files that the appliance has whole now, empty where it has not.
    """

    name: str
    status: Status
    error: str | None = None
    done: Mapping[str, Mapping[str, int]] = {}
    pending: Mapping[str, int] = {}
    drift: Mapping[str, int] | None = None
    digests: Mapping[str, str] = {}

    @property
    def changes(self) -> int:
        """How many writes were done."""
        return sum(sum(actions.values()) for actions in self.done.values())


class RunAccount(Struct, frozen=True, kw_only=True):
    """One sync; times in seconds since 1970, `seconds` by phase.

    `error` is set where the run as a whole could not be (overrides.yml is not valid); `settings_error` where a
    reload failed and the settings before it still hold. `run` names the journal, None where nothing was written.
    """

    started_s: float
    ended_s: float
    sources: tuple[SourceAccount, ...] = ()
    appliances: tuple[ApplianceAccount, ...] = ()
    seconds: Mapping[str, float] = {}
    run: str | None = None
    interrupted: bool = False
    error: str | None = None
    settings_error: str | None = None

    @property
    def hosts(self) -> "tuple[SourceAccount | ApplianceAccount, ...]":
        """The accounts of all hosts."""
        return (*self.sources, *self.appliances)

    @property
    def exit_code(self) -> Exit:
        """As of `apply`: 4 when a part was applied or it was cut short, 1 for errors, 3 when only guards spoke."""
        appliances = {appliance.status for appliance in self.appliances}
        statuses = appliances | {source.status for source in self.sources}
        cut_short = self.interrupted and self.run is not None
        if cut_short or Status.PARTIAL in statuses or (self.changes and appliances & {Status.FAILED, Status.WAITING}):
            return Exit.PARTIAL
        if self.error or self.interrupted or statuses & {Status.FAILED, Status.WAITING}:
            return Exit.ERROR
        return Exit.REFUSED if Status.REFUSED in statuses else Exit.OK

    @property
    def result(self) -> Status:
        """The run in one word."""
        names = {Exit.OK: Status.OK, Exit.REFUSED: Status.REFUSED, Exit.PARTIAL: Status.PARTIAL}
        return names.get(self.exit_code, Status.FAILED)

    @property
    def changes(self) -> int:
        """How many writes were done on all appliances."""
        return sum(appliance.changes for appliance in self.appliances)
