"""Lists in pages: whole, or refused."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.paging import Page, read_pages
from generator.errors import SourceError


class Row(Struct):
    id: str


Fetch = Callable[[int, int], Page[Row]]


def page(ids: str, total: int | None, *, last: bool = False, not_objects: tuple[int, ...] = ()) -> Page[Row]:
    return Page(rows=Rows(rows=tuple(map(Row, ids)), not_objects=not_objects), total=total, last=last)


def whole(fetch: Fetch) -> Rows[Row]:
    return read_pages(fetch, key=lambda row: row.id, noun="plan", where="main: https://x/plans")


def ids(rows: Rows[Row]) -> str:
    return "".join(row.id for row in rows.rows)


def server(text: str, size: int, *, total: bool = True, calls: list[Any] | None = None) -> Fetch:
    """Pages of `size` over `text`, whose letters are ids."""

    def fetch(number: int, offset: int) -> Page[Row]:
        if calls is not None:
            calls.append((number, offset))
        part = text[offset : offset + size]
        return page(part, len(text) if total else None, last=len(part) < size)

    return fetch


@pytest.mark.parametrize("total", [True, False])
def test_pages_are_read_to_the_end(total: bool) -> None:  # noqa: FBT001 - a parameter of the test
    calls: list[Any] = []
    assert ids(whole(server("abcde", 2, total=total, calls=calls))) == "abcde"
    assert calls == [(1, 0), (2, 2), (3, 4)]
    assert ids(whole(server("abcd", 2, total=total))) == "abcd"
    assert ids(whole(server("", 2, total=total))) == ""


def test_a_page_that_is_missing_is_never_a_partial_list() -> None:
    with pytest.raises(SourceError, match="the list of plans is cut short: 2 of 5 came") as caught:
        whole(lambda number, _: page("ab" if number == 1 else "", 5))
    assert caught.value.where == "main: https://x/plans"
    assert caught.value.fix


def test_a_list_that_moves_while_it_is_read_is_read_again() -> None:
    passes = iter(
        [[page("ab", 4), page("cd", 5), page("", 5)], [page("xa", 5), page("bc", 5), page("d", 5, last=True)]]
    )
    current: list[Page[Row]] = []

    def fetch(number: int, offset: int) -> Page[Row]:
        nonlocal current
        if number == 1:
            current = next(passes)
        return current[number - 1]

    assert ids(whole(fetch)) == "xabcd"


def test_a_row_that_moved_to_a_later_page_counts_once_and_the_list_is_read_again() -> None:
    first = [page("ab", 4), page("bd", 4, last=True)]
    second = [page("ab", 4), page("cd", 4, last=True)]
    passes = iter([first, second])
    current: list[Page[Row]] = []

    def fetch(number: int, offset: int) -> Page[Row]:
        nonlocal current
        if number == 1:
            current = next(passes)
        return current[number - 1]

    assert ids(whole(fetch)) == "abcd"


def test_a_row_that_the_list_itself_has_twice_is_accepted_in_the_end() -> None:
    assert ids(whole(server("abcab", 2))) == "abc"


def test_a_server_that_repeats_its_page_is_refused() -> None:
    with pytest.raises(SourceError, match="repeats what earlier pages had"):
        whole(lambda _, __: page("ab", None))


def test_rows_without_a_key_and_elements_that_are_no_objects_are_kept() -> None:
    pages = [page("", 4, not_objects=(1,)), page("", 4, not_objects=(2,)), page("", 4, last=True)]
    with pytest.raises(SourceError, match="cut short: 2 of 4"):
        whole(lambda number, _: pages[number - 1])
    nameless = Page(rows=Rows(rows=(Row(""), Row(""))), total=2, last=True)
    assert whole(lambda _, __: nameless).total == 2


def test_positions_of_what_is_no_object_count_through_all_pages() -> None:
    pages = [page("ab", 4), page("c", 4, last=True, not_objects=(2,))]
    assert whole(lambda number, _: pages[number - 1]).not_objects == (4,)
