"""The exceptions of bqnctl: who can fix each, how, and which exit code it has.

BqnctlError                 1  the root: what happened, where, what to do next
├── UsageError              1  the operator: the command line is wrong
├── DocumentError           1  the operator: files with problems, each with file:line:column
├── SourceError             1  the billing side: one source could not be read whole
├── ApplianceError          1  the BQN side: one appliance could not be read or written
│   └── AccessDeniedError   1  the operator: 401, 403 or a refused client address; never retried
├── RefusedError            3  the operator decides: a guard fired, or a plan is stale
└── PartlyAppliedError      4  run again: part of the plan was applied, the journal says which
"""

import re
from enum import IntEnum
from pathlib import Path

from msgspec import Struct

_LONGEST_PART = 600


class Exit(IntEnum):
    """Exit codes, the same in every output format (design section 7)."""

    OK = 0
    ERROR = 1
    PENDING = 2
    REFUSED = 3
    PARTIAL = 4


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong in a file: where it stands, and what would put it right.

    `line` and `column` count from 1, as editors do; 0 where the file as a whole is meant.
    """

    what: str
    file: Path | None = None
    line: int = 0
    column: int = 0
    host: str | None = None
    key: str | None = None
    fix: str | None = None

    def __str__(self) -> str:
        place = "" if self.file is None else f"{self.file}"
        if self.file is not None and self.line:
            place += f":{self.line}:{self.column}"
        named = [f"host {self.host}"] if self.host else []
        named += [f"key {self.key}"] if self.key else []
        parts = [part for part in (place, _cut(", ".join(named)), _cut(self.what)) if part]
        return ": ".join(parts) + (f" → {_cut(self.fix)}" if self.fix else "")


def _cut(text: str) -> str:
    """`text` as long as a person reads it: a value that is quoted may have a million letters."""
    return text if len(text) <= _LONGEST_PART else f"{text[:_LONGEST_PART]}…"


class BqnctlError(Exception):
    """What happened, where, and what to do next: the root of every error meant for a person."""

    exit_code = Exit.ERROR

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what, self.where, self.fix = what, where, fix

    @classmethod
    def anchor(cls) -> str:
        """The section of docs/errors.md about this class, or the nearest of this module that it derives from."""
        known = next(above for above in cls.__mro__ if above.__module__ == __name__)
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", known.__name__).lower()

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  → {self.fix}" if self.fix else text


class UsageError(BqnctlError):
    """The command line asks for something that cannot be: the operator corrects it."""


class DocumentError(BqnctlError):
    """Files with problems, all of them at once, each with its place: the operator edits them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class SourceError(BqnctlError):
    """A billing source that could not be read whole: its desired files stay as they were."""


class ApplianceError(BqnctlError):
    """A BQN that could not be read or written; other appliances go on."""


class AccessDeniedError(ApplianceError):
    """A BQN that refuses the credentials or the client's address: stop at once, retry never."""


class RefusedError(BqnctlError):
    """A guard fired or a plan is stale: nothing was written, a person decides."""

    exit_code = Exit.REFUSED


class PartlyAppliedError(BqnctlError):
    """Part of a plan was applied: the summary and the journal say which; the next run converges."""

    exit_code = Exit.PARTIAL
