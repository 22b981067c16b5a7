"""The journal of a run: JSON Lines, the intent before each write and its result after, readable after a crash."""

import datetime as dt
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from generator.errors import BqnctlError
from generator.reconcile.plan import Change


def new_run_id(now: dt.datetime) -> str:
    """A name for a run that sorts by time: UTC to the microsecond and the process id."""
    return f"{now.astimezone(dt.UTC):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}"


class JournalError(BqnctlError):
    """The journal cannot be written: nothing more may be sent, because it could not be accounted for."""


class Journal:
    """Appends the records of one run to `<folder>/<run>.jsonl` (mode 0600); safe to use from threads.

    Every record is handed to the operating system before the call returns, so that a killed process leaves
    whole lines, at worst followed by one that was cut. A disk that takes no more raises `JournalError`.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self.run = run
        self.file = folder / f"{run}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
        except OSError as error:
            raise self._unwritable(error, fix="nothing was sent") from error
        self._lock = threading.Lock()
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def record(self, event: str, **fields: Any) -> None:
        """Append one record; `event` says which: run, intent, result, end."""
        line = msgspec.json.encode({"event": event, **fields}) + b"\n"
        with self._lock:
            self._append(line)

    def intent(self, appliance: str, change: Change, *, whole: dict[str, Any] | None = None) -> int:
        """Record that a write is about to be sent; the answer numbers it for `result`.

        `whole` is an object that is deleted, with every field the appliance listed, known to us or not.
        """
        with self._lock:
            self._sequence += 1
            number = self._sequence
            fields = {
                "event": "intent", "write": number, "appliance": appliance, "kind": change.kind,
                "key": change.key, "action": change.action, "method": change.method, "body": change.body,
                "before": change.before, "after": change.after, **({} if whole is None else {"whole": whole}),
            }  # fmt: skip
            self._append(msgspec.json.encode(fields) + b"\n")
        return number

    def result(self, number: int, *, ok: bool, status: int | None, error: str | None = None) -> None:
        """Record what the appliance said to the write numbered `number`."""
        self.record("result", write=number, ok=ok, status=status, error=error)

    def _append(self, line: bytes) -> None:
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            raise self._unwritable(error, fix="make room on the disk, and run again") from error

    def _unwritable(self, error: OSError, *, fix: str) -> JournalError:
        return JournalError(f"the journal cannot be written: {error.strerror}", where=str(self.file), fix=fix)
