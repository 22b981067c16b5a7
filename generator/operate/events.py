"""The events of a sync: stable names in the log, for machines that read it as JSON lines (docs/service.md)."""

import logging
from enum import StrEnum
from typing import Any

from generator.operate.account import ApplianceAccount, RunAccount, SourceAccount, Status
from generator.report.safe import one_line

EVENTS_LOGGER = "generator.events"
_log = logging.getLogger(EVENTS_LOGGER)


class Event(StrEnum):
    """What a line of the log is about; a name is never changed, and never used for something else."""

    SERVICE_STARTED = "service_started"
    SERVICE_STOPPED = "service_stopped"
    SETTINGS_READ = "settings_read"
    SETTINGS_FAILED = "settings_failed"
    RUN_STARTED = "run_started"
    RUN_FINISHED = "run_finished"
    RUN_SKIPPED = "run_skipped"
    SOURCE_RENDERED = "source_rendered"
    SOURCE_FAILED = "source_failed"
    SOURCE_REFUSED = "source_refused"
    SOURCE_WAITING = "source_waiting"
    APPLIANCE_SYNCED = "appliance_synced"
    APPLIANCE_DRIFTED = "appliance_drifted"
    APPLIANCE_FAILED = "appliance_failed"
    APPLIANCE_REFUSED = "appliance_refused"
    APPLIANCE_PARTIAL = "appliance_partial"
    APPLIANCE_WAITING = "appliance_waiting"
    WEBHOOK_SENT = "webhook_sent"
    WEBHOOK_FAILED = "webhook_failed"
    RECORDS_FAILED = "records_failed"


def tell(event: Event, message: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log an event: `message` for people, the name and `fields` (JSON values) for machines."""
    _log.log(level, "%s", one_line(message), extra={"event": str(event), "fields": fields})


_OF_SOURCE = {
    Status.OK: (Event.SOURCE_RENDERED, logging.INFO),
    Status.FAILED: (Event.SOURCE_FAILED, logging.ERROR),
    Status.REFUSED: (Event.SOURCE_REFUSED, logging.ERROR),
    Status.WAITING: (Event.SOURCE_WAITING, logging.WARNING),
}
_OF_APPLIANCE = {
    Status.OK: (Event.APPLIANCE_SYNCED, logging.INFO),
    Status.FAILED: (Event.APPLIANCE_FAILED, logging.ERROR),
    Status.REFUSED: (Event.APPLIANCE_REFUSED, logging.ERROR),
    Status.PARTIAL: (Event.APPLIANCE_PARTIAL, logging.ERROR),
    Status.WAITING: (Event.APPLIANCE_WAITING, logging.WARNING),
}


def tell_account(account: SourceAccount | ApplianceAccount) -> None:
    """Log what became of a host."""
    if isinstance(account, SourceAccount):
        _tell_source(account)
    else:
        _tell_appliance(account)


def _tell_source(account: SourceAccount) -> None:
    event, level = _OF_SOURCE[account.status]
    objects = ", ".join(f"{count} {kind}" for kind, count in account.objects.items())
    said = account.error or f"{'changed' if account.changed else 'unchanged'} ({objects})"
    tell(
        event, f"{account.name}: {said}", level=level, source=account.name, changed=account.changed,
        objects=dict(account.objects), error=account.error,
    )  # fmt: skip


def _tell_appliance(account: ApplianceAccount) -> None:
    drift = sum((account.drift or {}).values())
    if drift:
        tell(
            Event.APPLIANCE_DRIFTED, f"{account.name}: {drift} objects were changed by others", level=logging.WARNING,
            appliance=account.name, drift=dict(account.drift or {}),
        )  # fmt: skip
    event, level = _OF_APPLIANCE[account.status]
    said = account.error or (f"{account.changes} written" if account.changes else "nothing to do")
    tell(
        event, f"{account.name}: {said}", level=level, appliance=account.name, error=account.error,
        changes={kind: dict(actions) for kind, actions in account.done.items()}, pending=dict(account.pending),
    )  # fmt: skip


def tell_finished(account: RunAccount) -> None:
    """Log how a run ended."""
    said = account.error or f"{account.changes} written"
    tell(
        Event.RUN_FINISHED, f"the run ended: {account.result}: {said}",
        level=logging.INFO if account.result is Status.OK else logging.WARNING,
        result=str(account.result), exit_code=int(account.exit_code), changes=account.changes, run=account.run,
        seconds=round(account.ended_s - account.started_s, 3), error=account.error, interrupted=account.interrupted,
    )  # fmt: skip
