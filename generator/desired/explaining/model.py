"""What an explanation holds, for text and JSON alike."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

WhereOf = Callable[[str], str | None]
"""Setting of one billing host → `file:line:column`, or `None` where the default holds."""


class Step(Struct, frozen=True, kw_only=True):
    """One rule or override that acted.

    `rule` is the setting's name in the inventory, or `override NAME`; `where` its `file:line:column`, `None` for a
    default.
    """

    rule: str
    says: str
    where: str | None = None


class RecordStory(Struct, frozen=True, kw_only=True):
    """A billing record as it was read, and what the rules made of it, in their order."""

    record: str
    read: dict[str, Any]
    steps: tuple[Step, ...]


class DesiredStory(Struct, frozen=True, kw_only=True):
    """One address in the desired state of one source.

    `desired` is the line on disk (`None`: it has none) and `where` its place; `next` is the line that a render
    would write now, `None` where it would write none or the billing was not asked (`asked`).
    """

    source: str
    ip: str
    desired: str | None
    where: str | None
    steps: tuple[Step, ...] = ()
    asked: bool = False
    next: str | None = None


class RejectedStory(Struct, frozen=True, kw_only=True):
    """A line of `rejected.yml`."""

    source: str
    line: str
    where: str


class SourceStory(Struct, frozen=True, kw_only=True):
    """What the billing system of one source says of the subscriber now; `error` where it could not be read."""

    source: str
    records: tuple[RecordStory, ...] = ()
    addresses: tuple[DesiredStory, ...] = ()
    error: str | None = None
