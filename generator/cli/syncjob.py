"""A sync with all that is around it: settings that can be read again, memory, metrics, webhooks, back-off."""

import logging
import os
import threading
import time
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from generator.cli.cycle import Cycle, CycleOptions
from generator.cli.options import environment
from generator.cli.session import Session, open_session, require_hosts, warn_unverified
from generator.errors import BqnctlError
from generator.inventory.load import KINDS
from generator.operate.account import RunAccount, Status
from generator.operate.control import Control
from generator.operate.events import Event, tell, tell_finished
from generator.operate.memory import Memory, MemoryFile
from generator.operate.schedule import BackOff
from generator.operate.settings import Webhook, load_webhooks
from generator.operate.webhooks import notify
from generator.report.safe import one_line

_log = logging.getLogger(__name__)
_SLOTS_UNTIL_STUCK = 3
_LEAST_UNTIL_STUCK_S = 1800.0


class Settings(Struct, frozen=True):
    """What is read at the start and again on SIGHUP."""

    session: Session
    webhooks: tuple[Webhook, ...]


def read_settings() -> Settings:
    """The inventory with all secrets inside the limit, and the webhooks; raises `BqnctlError`."""
    session = open_session(credentials=KINDS)
    require_hosts(session.billing, "billing")
    require_hosts(session.bqn, "bqn")
    webhooks = load_webhooks(session.inventory.folder, environ=environment())
    warn_unverified(webhooks)
    return Settings(session, webhooks)


class SyncJob:
    """Runs syncs of one inventory, one after the other; `back_off` is None where a timer decides when."""

    def __init__(
        self, options: CycleOptions, control: Control, *, metrics_file: Path | None = None, interval_s: float = 0.0,
        back_off: BackOff | None = None,
    ) -> None:  # fmt: skip
        self._options, self._control = options, control
        self._metrics_file, self._interval_s, self._back_off = metrics_file, interval_s, back_off
        self._settings = read_settings()
        self._settings_error: str | None = None
        self._file = MemoryFile(self._settings.session.inventory.folder, os.environ)
        self._started_s = time.time()
        self._ran = False
        self._lock = threading.Lock()
        self._memory = self._known(self._file.load())

    def reload(self) -> None:
        """Read the settings again; where they are not valid, the ones before still hold."""
        try:
            self._settings = read_settings()
        except BqnctlError as error:
            self._settings_error = str(error)
            said = f"the settings cannot be read, those before still hold: {error}"
            tell(Event.SETTINGS_FAILED, said, level=logging.ERROR, error=str(error))
            self._remember(replace(self._memory, settings_good=False))
            return
        self._settings_error = None
        if self._back_off is not None:
            self._back_off.forget()
        tell(Event.SETTINGS_READ, "the settings were read")
        self._remember(replace(self._memory, settings_good=True))

    def sync(self, missed: int = 0) -> RunAccount | None:
        """One run of the service; None where it could not begin, because another sync runs."""
        settings = self._settings
        if self._ran:  # reading the settings told it of the first run; reading a source tells it of that source
            warn_unverified((*settings.session.bqn, *settings.webhooks))
        self._ran = True
        if self._settings_error is not None:
            self.reload()
        try:
            return self.run(missed)
        except BqnctlError as error:
            tell(Event.RUN_SKIPPED, f"this run is left out: {error}", level=logging.WARNING, error=str(error))
            return None

    def run(self, missed: int = 0) -> RunAccount:
        """One run; raises `BusySyncError` when another sync of the inventory runs."""
        with self._file.alone():
            before = self._known(self._file.load())
            waiting = frozenset[str]() if self._back_off is None else self._back_off.take()
            tell(Event.RUN_STARTED, "the run begins", waiting=sorted(waiting), missed=missed)
            cycle = Cycle(
                self._settings.session, self._options, control=self._control, memory=before, waiting=waiting
            )  # fmt: skip
            account = replace(cycle.run(), settings_error=self._settings_error)
            self._finish(account, replace(before, missed=before.missed + missed).after(account))
        return account

    def metrics(self) -> bytes:
        """The metrics of now."""
        from generator.operate.metrics import metrics_text  # noqa: PLC0415 - only where metrics are asked for

        with self._lock:
            memory = self._memory
        return metrics_text(memory)

    def trouble(self) -> str | None:
        """That no run has ended for long; a run that failed is no trouble of the service's."""
        with self._lock:
            last_s = max(self._memory.last_end_s, self._started_s)
        longest_s = max(_SLOTS_UNTIL_STUCK * self._interval_s, _LEAST_UNTIL_STUCK_S)
        return None if time.time() - last_s <= longest_s else f"no run has ended for {longest_s:.0f} s"

    def _known(self, memory: Memory) -> Memory:
        inventory = self._settings.session.inventory
        known = memory.knowing(inventory.billing, inventory.bqn, [hook.name for hook in self._settings.webhooks])
        return replace(known, interval_s=self._interval_s)

    def _finish(self, account: RunAccount, memory: Memory) -> None:
        """Keep what a run brought, and tell of it."""
        if account.error is not None and not self._options.events:
            _log.error("%s", one_line(account.error))
        if self._back_off is not None:
            failed = [each.name for each in account.hosts if each.status in (Status.FAILED, Status.PARTIAL)]
            good = [each.name for each in account.hosts if each.status in (Status.OK, Status.REFUSED)]
            self._back_off.note(failed=failed, good=good)
        self._remember(memory)
        self._save(memory)
        if not account.interrupted:
            self._notify(account, memory)
        if self._options.events:
            tell_finished(account)

    def _notify(self, account: RunAccount, memory: Memory) -> None:
        hooks = self._settings.webhooks
        if not hooks:
            return
        sent = notify(hooks, account, memory.told, inventory=memory.inventory, stop=self._control.stop)
        failures = {name: count + (name in sent.failed) for name, count in memory.webhook_failures.items()}
        self._remember(replace(memory, told=sent.told, webhook_failures=failures))
        self._save(self._memory)

    def _remember(self, memory: Memory) -> None:
        with self._lock:
            self._memory = memory

    def _save(self, memory: Memory) -> None:
        """Write state and metrics; what cannot be written is told, and spoils nothing else."""
        try:
            self._file.save(memory)
            if self._metrics_file is not None:
                from generator.operate.metrics import write_metrics  # noqa: PLC0415 - same

                write_metrics(memory, self._metrics_file)
        except BqnctlError as error:
            tell(Event.RECORDS_FAILED, str(error), level=logging.ERROR, error=str(error))
