"""What an override is: whom it is about, what holds for them, why, and until when."""

from datetime import date
from ipaddress import IPv4Network, IPv6Network

from msgspec import Struct

from generator.documents.yaml import Document
from generator.errors import Problem

FILE_NAME = "overrides.yml"
POLICY_PREFIX = "Override-"
"""What the name of a policy made for the rates of an override begins with."""

POLICY_ID_PREFIX = "override-"
"""What its id begins with."""

ABSENT_REASON = "absent by override "
"""How `rejected.yml` begins the reason of whom overrides took out; their names follow, with `, ` between."""


class Match(Struct, frozen=True, kw_only=True):
    """Whom an override is about; what is `None` does not matter, all the rest must match.

    `network` is the address or network of `ip`; `alone` says that it was written without a length, so that an
    IPv6 address stands for the whole prefix of its subscriber.
    """

    id: str | None = None
    network: IPv4Network | IPv6Network | None = None
    alone: bool = False
    policy: str | None = None
    group: str | None = None
    source: str | None = None


class Rates(Struct, frozen=True, kw_only=True):
    """Rates of its own, kbps; `None`: unlimited."""

    download: int | None
    upload: int | None


class GroupChange(Struct, frozen=True, kw_only=True):
    """Groups from nothing (`only`), or added to and removed from those of the billing."""

    only: tuple[str, ...] | None = None
    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()


class Override(Struct, frozen=True, kw_only=True):
    """One decision, as `overrides.yml` has it; what it does not set is `None`."""

    name: str
    reason: str
    until: date | None
    match: Match
    policy: str | None = None
    rates: Rates | None = None
    blocked: bool | None = None
    groups: GroupChange | None = None
    absent: bool = False

    def expired(self, today: date) -> bool:
        """Whether it is void on `today`; `until` is the last day it holds."""
        return self.until is not None and today > self.until


class Overrides(Struct, frozen=True, eq=False):
    """All overrides of an inventory in the order of the file, and the document they stand in."""

    entries: tuple[Override, ...]
    document: Document | None = None

    def problem(self, what: str, name: str, *path: str, fix: str | None = None) -> Problem:
        """A problem with the override `name`, or with the part of it that `path` leads to."""
        if self.document is None:
            return Problem(what=what, key=name, fix=fix)
        return self.document.problem(what, ("overrides", name, *path), of_key=not path, fix=fix)

    def where(self, name: str, *path: str) -> str:
        """`file:line:column` of an override, or of a part of it."""
        problem = self.problem("", name, *path)
        return f"{problem.file}:{problem.line}:{problem.column}" if problem.file else name

    def holding(self, source: str, today: date) -> tuple[Override, ...]:
        """Those that can act on `source` on `today`."""
        return tuple(each for each in self.entries if each.match.source in (None, source) and not each.expired(today))


NONE = Overrides(())
