"""Journals read back: which runs there were, and what each wrote, also when its process was killed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.errors import BqnctlError, UsageError

_REFUSED = range(300, 500)


class Write(Struct, frozen=True, kw_only=True):
    """One journaled write; `ok` is None when the process ended before the answer was noted.

    `status` is the appliance's last answer to it, None when there was none.
    """

    appliance: str
    kind: Kind
    key: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    ok: bool | None
    status: int | None = None
    whole: dict[str, Any] | None = None
    """What was deleted, with every field that the appliance listed."""

    @property
    def surely_not_done(self) -> bool:
        """Whether the appliance refused it; after a 5xx or a broken connection it may have been done."""
        return self.ok is False and self.status is not None and self.status in _REFUSED


class RunRecord(Struct, frozen=True, kw_only=True):
    """One run: its writes in order, and its exit code (None: it was killed)."""

    run: str
    inventory: str
    writes: tuple[Write, ...]
    exit_code: int | None
    cut: bool = False

    def done(self) -> Iterator[Write]:
        """The writes that were done, or may have been."""
        return (write for write in self.writes if not write.surely_not_done)


def list_runs(folder: Path) -> list[RunRecord]:
    """The runs in a journal folder, oldest first."""
    return [read_run(folder, file.stem) for file in sorted(folder.glob("*.jsonl"))]


def read_run(folder: Path, run: str) -> RunRecord:
    """The run called `run`; raises `UsageError` if there is none, `BqnctlError` for what is no journal."""
    file = folder / f"{run}.jsonl"
    if "/" in run or not file.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.jsonl"))[-5:]) or "none yet"
        raise UsageError(f"no run is called {run!r}", where=str(folder), fix=f"the latest: {known}")
    try:
        return _assemble(run, list(_records(file)))
    except msgspec.ValidationError as error:
        raise BqnctlError(f"not a journal of bqnctl: {error}", where=str(file), fix="move it out of the way") from error


def _records(file: Path) -> Iterator[dict[str, Any]]:
    """The records of a journal; a last line that was cut by a crash is passed over."""
    for line in file.read_bytes().split(b"\n"):
        if not line:
            continue
        try:
            yield msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield {"event": "cut"}


class _Run(Struct):
    inventory: str = ""


class _End(Struct):
    exit_code: int


class _Result(Struct):
    write: int
    ok: bool
    status: int | None = None


class _Intent(Struct):
    write: int
    appliance: str
    kind: Kind
    key: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    whole: dict[str, Any] | None = None


def _assemble(run: str, records: list[dict[str, Any]]) -> RunRecord:
    """The run that `records` tell of; raises `msgspec.ValidationError` for records that are none of a journal."""
    results: dict[int, _Result] = {}
    intents: list[_Intent] = []
    facts: dict[str, dict[str, Any]] = {}
    for record in records:
        event = msgspec.convert(record.get("event"), str)
        if event == "intent":
            intents.append(msgspec.convert(record, _Intent))
        elif event == "result":
            result = msgspec.convert(record, _Result)
            results[result.write] = result
        else:
            facts[event] = record
    return RunRecord(
        run=run,
        inventory=msgspec.convert(facts.get("run", {}), _Run).inventory,
        writes=tuple(_write(intent, results.get(intent.write)) for intent in intents),
        exit_code=msgspec.convert(facts["end"], _End).exit_code if "end" in facts else None,
        cut="cut" in facts,
    )


def _write(intent: _Intent, result: _Result | None) -> Write:
    return Write(
        appliance=intent.appliance,
        kind=intent.kind,
        key=intent.key,
        before=intent.before,
        after=intent.after,
        ok=None if result is None else result.ok,
        status=None if result is None else result.status,
        whole=intent.whole,
    )
