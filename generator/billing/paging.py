"""Lists that come in pages, read whole: pages that repeat, shift or are missing are noticed."""

import logging
from collections.abc import Callable
from typing import Generic

from msgspec import Struct

from generator.billing.body import Row, Rows
from generator.errors import SourceError

_log = logging.getLogger(__name__)

_PASSES = 3
"""How often a list is read while customers come and go between its pages."""
_MOST_PAGES = 100_000


class Page(Struct, Generic[Row], frozen=True, kw_only=True):
    """One page: its rows, how many rows the server says the whole list has, and whether it is the last."""

    rows: Rows[Row]
    total: int | None
    last: bool


def read_pages(
    fetch: Callable[[int, int], Page[Row]], *, key: Callable[[Row], str], noun: str, where: str
) -> Rows[Row]:
    """A whole list: `fetch(number, offset)` gets page `number` (from 1), before which `offset` rows came.

    Rows with a `key` seen before are dropped, so that a row which moved to a later page counts once; those
    without a key are all kept. A list that changes its length while it is read, or brings fewer rows than it
    announced, is read again, and then refused with a `SourceError`: never a partial list.
    """
    for attempt in range(1, _PASSES + 1):
        found = _Pass(key)
        found.run(fetch, noun=noun, where=where)
        if found.is_whole and (found.is_steady or attempt == _PASSES):
            return found.rows()
        _log.info("%s: %d of %s rows while the list changed, reading again", where, found.count, found.total)
    raise SourceError(
        f"the list of {noun}s is cut short: {found.count} of {found.total} came",
        where=where,
        fix="run again; if it stays so, a limit in the billing system or a proxy cuts its answers: nothing was used",
    )


class _Pass(Generic[Row]):
    """One reading of all pages."""

    def __init__(self, key: Callable[[Row], str]) -> None:
        self._key = key
        self._rows: list[Row] = []
        self._seen: set[str] = set()
        self._not_objects: list[int] = []
        self._totals: set[int] = set()
        self._repeated = 0
        self._offset = 0
        self.total: int | None = None

    @property
    def count(self) -> int:
        """How many different elements came."""
        return len(self._rows) + len(self._not_objects)

    @property
    def is_steady(self) -> bool:
        """Whether nothing seems to have moved between the pages."""
        return len(self._totals) <= 1 and not self._repeated

    @property
    def is_whole(self) -> bool:
        """Whether as many came as were announced, be it that the list itself has a row twice."""
        if self.total is None or self.count >= self.total:
            return True
        return len(self._totals) == 1 and self._offset >= self.total

    def rows(self) -> Rows[Row]:
        return Rows(rows=tuple(self._rows), not_objects=tuple(self._not_objects))

    def run(self, fetch: Callable[[int, int], Page[Row]], *, noun: str, where: str) -> None:
        for number in range(1, _MOST_PAGES):
            page = fetch(number, self._offset)
            fresh = self._take(page)
            if page.last or not page.rows.total:
                return
            if not fresh:
                raise SourceError(
                    f"page {number} of the list of {noun}s repeats what earlier pages had",
                    where=where, fix="the server ignores which page is asked for: nothing was used",
                )  # fmt: skip
        raise SourceError(f"the list of {noun}s has no end", where=where, fix="look at the billing system's log")

    def _take(self, page: Page[Row]) -> int:
        """Keep what is new of a page; how much that was."""
        self._not_objects += [self._offset + position for position in page.rows.not_objects]
        fresh = len(page.rows.not_objects)
        for row in page.rows.rows:
            name = self._key(row)
            if name and name in self._seen:
                self._repeated += 1
                continue
            self._seen.add(name)
            self._rows.append(row)
            fresh += 1
        self._offset += page.rows.total
        if page.total is not None:
            self.total = page.total
            self._totals.add(page.total)
        return fresh
