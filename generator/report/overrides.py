"""Overrides for people and for machines: one line, or one JSON object, each."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from generator.report.safe import printable, printable_json


class OverrideRow(Struct, frozen=True, kw_only=True):
    """One override with what is known of it: `state` is `active`, `unused`, `expired` or `unknown`.

    `matches` counts addresses in the desired state on disk; `None` where its sources were never rendered.
    `match` and `set` are as in the file.
    """

    name: str
    state: str
    matches: int | None
    until: str | None
    reason: str
    match: dict[str, Any]
    set: dict[str, Any]
    file: str
    line: int


def overrides_text(rows: Iterable[OverrideRow]) -> str:
    """The rows as lines of two: what and about whom, then why."""
    lines = []
    for row in rows:
        count = "" if row.matches is None else f", matches {row.matches}"
        until = f", until {row.until}" if row.until else ""
        lines.append(f"{row.name}: {row.state}{count}{until}  ({row.file}:{row.line})")
        lines.append(f"  {flow(row.match)} → {flow(row.set)}")
        lines.append(f"  {row.reason}")
    return "".join(f"{printable(line)}\n" for line in lines)


def overrides_json(rows: Iterable[OverrideRow]) -> str:
    """The rows as a JSON array."""
    return printable_json(msgspec.json.format(msgspec.json.encode(list(rows)), indent=2).decode()) + "\n"


def flow(value: Any) -> str:
    """A part of an override on one line: `ip 10.0.0.1, group L1-A`."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {flow(part)}" for name, part in value.items())
    if isinstance(value, list):
        return "+".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
