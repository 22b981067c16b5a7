"""The lists of Sonar's GraphQL API: what each query asks for, which fields are read, and reading one whole.

Every list is a connection `{entities, page_info}`. The server may give fewer rows a page than it was asked for
(facts: Sonar, 4), so what ends a list is `page_info`, never a short page.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Generic

import msgspec
from msgspec import Struct

from generator.billing.body import BodyError, Row, Rows, decode_json, decode_rows, members
from generator.billing.graphql import QueryRefusedError, ask
from generator.billing.http import HttpReader, StatusError
from generator.billing.numbers import NumberError, whole
from generator.billing.paging import Page, read_pages
from generator.billing.text import shown, text
from generator.errors import SourceError

_log = logging.getLogger(__name__)

_PATH = "/api/graphql"
_NULL = msgspec.Raw(b"null")
SERVICES_PER_ACCOUNT = 100
"""How many services of one account are asked for: nested lists are paged too (facts: Sonar, 3), and cut too."""

NOT_PERMITTED = frozenset({401, 403, 404, 405})
_TOO_SLOW = frozenset({408, 504})

KEY_FIX = (
    "check `api_key`: a personal access token that Sonar still lists under Personal Access Tokens in the menu of "
    "its user, who must be enabled"
)
_LIMIT_FIX = "Sonar allows 400 requests a minute and user: set `requests_per_second: 6`, or give bqnctl its own user"
_SCHEMA_FIX = "this Sonar has other fields than those that bqnctl knows: report the message; Sonar v2 is needed"

_HISTORIES = """
query ($page: Int!, $size: Int!, $services: Int!) {
  ip_assignment_histories(paginator: {page: $page, records_per_page: $size}, removed_datetime: null) {
    entities {
      id subnet assigned_datetime removed_datetime account_service_id ip_assignment_id
      ipassignmenthistoryable_type
      ipassignmenthistoryable {
        ... on Account {
          id name is_delinquent archived_at
          account_status { id name }
          account_services(paginator: {page: 1, records_per_page: $services}) {
            entities { id service(type: DATA) { id type } }
            page_info { total_count }
          }
        }
      }
    }
    page_info { page total_pages total_count records_per_page }
  }
}
"""
_SERVICES = """
query ($page: Int!, $size: Int!) {
  services(paginator: {page: $page, records_per_page: $size}, type: DATA) {
    entities {
      id name type
      data_service_detail { download_speed_kilobits_per_second upload_speed_kilobits_per_second }
    }
    page_info { page total_pages total_count records_per_page }
  }
}
"""
_ADDRESSES = "ip_assignments { entities { description } }"
_FIELD_DATA = f"inventory_model_field_data {{ entities {{ {_ADDRESSES} }} }}"
_OF_FIELD_DATA = (
    f"... on InventoryModelFieldData {{ inventory_item {{ parent_inventory_item {{ id {_FIELD_DATA} }} }} }}"
)
_PARENT = f"parent_inventory_item {{ id {_FIELD_DATA} {_ADDRESSES} }}"
_OF_BOTH = f"... on InventoryModelFieldData {{ inventory_item {{ {_PARENT} }} }} ... on InventoryItem {{ {_PARENT} }}"
_ASSIGNMENTS = """
query ($page: Int!, $size: Int!) {
  ip_assignments(paginator: {page: $page, records_per_page: $size}) {
    entities { id subnet ipassignmentable { OWNERS } }
    page_info { page total_pages total_count records_per_page }
  }
}
"""


class HistoryRow(Struct, gc=False):
    """An address that is or was assigned, with its top-level owner; `removed_datetime` null: it still is."""

    id: Any = None
    subnet: Any = None
    assigned_datetime: Any = None
    removed_datetime: Any = None
    account_service_id: Any = None
    ip_assignment_id: Any = None
    ipassignmenthistoryable_type: Any = None
    ipassignmenthistoryable: Any = None


class ServiceRow(Struct, gc=False):
    """A service on sale; `data_service_detail` has the speeds in kbps."""

    id: Any = None
    name: Any = None
    type: Any = None
    data_service_detail: Any = None


class AssignmentRow(Struct, gc=False):
    """An address that is assigned now, with the device that has it."""

    id: Any = None
    subnet: Any = None
    ipassignmentable: Any = None


class Listing(Struct, Generic[Row], frozen=True, kw_only=True):
    """One list of the API: its root field and query, what a role must be able to read for it, and its rows."""

    noun: str
    root: str
    permission: str
    document: str
    row: type[Row]
    variables: tuple[tuple[str, int], ...] = ()
    page_sizes: tuple[int, ...] = (1000,)


SERVICES = Listing(noun="service", root="services", permission="services", document=_SERVICES, row=ServiceRow)
HISTORIES = Listing(
    noun="IP assignment", root="ip_assignment_histories",
    permission="accounts, account services and IP assignments", document=_HISTORIES, row=HistoryRow,
    variables=(("services", SERVICES_PER_ACCOUNT),), page_sizes=(1000, 250),
)  # fmt: skip
ASSIGNMENTS = Listing(
    noun="IP assignment of a device", root="ip_assignments", permission="IP assignments and inventory items",
    document=_ASSIGNMENTS.replace("OWNERS", _OF_BOTH), row=AssignmentRow, page_sizes=(1000, 250),
)  # fmt: skip
ASSIGNMENTS_OF_FIELD_DATA = Listing(
    noun="IP assignment of a device", root="ip_assignments", permission="IP assignments and inventory items",
    document=_ASSIGNMENTS.replace("OWNERS", _OF_FIELD_DATA), row=AssignmentRow, page_sizes=(1000, 250),
)  # fmt: skip
"""For a Sonar on which addresses never hang from items themselves: there the other query is refused."""


def read_list(reader: HttpReader, listing: Listing[Row]) -> Rows[Row]:
    """A list, whole; raises `QueryRefusedError`, `StatusError` or `SourceError`.

    Deep queries may take longer than the server or a proxy before it allows: then the list is read again in
    smaller pages.
    """
    *large, smallest = listing.page_sizes
    for size in large:
        try:
            return _read(reader, listing, size)
        except SourceError as error:
            if not _is_too_slow(error):
                raise
            _log.warning("%s: %s; reading %s in smaller pages", reader.where(_PATH), error.what, listing.root)
    return _read(reader, listing, smallest)


def first_row(reader: HttpReader, listing: Listing[Row]) -> str:
    """What the first row of a list is and how many there are, by a page of one row; raises as `read_list` does."""
    page = _page(reader, listing, 1, 0, size=1)
    if not page.rows.rows:
        return "an empty list"
    of = "" if page.total is None else f", of {page.total}"
    return f"for example {listing.noun} {shown(text(getattr(page.rows.rows[0], 'id', None)) or '?')}{of}"


def is_not_permitted(error: SourceError) -> bool:
    """Whether the server refuses this list to a key that is good for others."""
    if isinstance(error, StatusError):
        return error.status in NOT_PERMITTED
    return isinstance(error, QueryRefusedError) and not any(
        word in message.lower()
        for message in error.messages
        for word in ("unauthenticated", "request limit", "internal server error")
    )


def _is_too_slow(error: SourceError) -> bool:
    if isinstance(error, StatusError):
        return error.status in _TOO_SLOW
    # The reader's words for its two time-outs: until an answer begins, and until it is whole.
    return error.what.startswith(("no answer within", "the answer was not whole after"))


def _read(reader: HttpReader, listing: Listing[Row], size: int) -> Rows[Row]:
    def fetch(number: int, offset: int) -> Page[Row]:
        return _page(reader, listing, number, offset, size=size)

    return read_pages(fetch, key=_id, noun=listing.noun, where=f"{reader.where(_PATH)} ({listing.root})")


def _id(row: Struct) -> str:
    return text(getattr(row, "id", None))


def _page(reader: HttpReader, listing: Listing[Row], number: int, offset: int, *, size: int) -> Page[Row]:
    variables = {"page": number, "size": size, **dict(listing.variables)}
    data = ask(
        reader, _PATH, listing.document, variables=variables,
        fixes={401: KEY_FIX, 403: _role_fix(listing), 429: _LIMIT_FIX}, fix_for=_fix_for(listing),
    )  # fmt: skip
    try:
        connection = members(data.get(listing.root, _NULL))
        rows = decode_rows(connection.get("entities", _NULL), listing.row)
        info = decode_json(connection.get("page_info", _NULL))
    except BodyError as error:
        raise SourceError(
            f"{listing.root}: {error}", where=reader.where(_PATH),
            fix="run again; if it stays so, let the role of the token's user read "
            f"{listing.permission}, and look at Sonar's own log",
        ) from None  # fmt: skip
    fields = info if isinstance(info, dict) else {}
    total, pages = count(fields.get("total_count")), count(fields.get("total_pages"))
    return Page(rows=rows, total=total, last=_is_last(number, pages, offset + rows.total, total))


def _is_last(number: int, pages: int | None, came: int, total: int | None) -> bool:
    """Whether nothing can follow; without either number, only an empty page says so."""
    if pages is None and total is None:
        return False
    return (pages is None or number >= pages) and (total is None or came >= total)


def count(value: Any) -> int | None:
    """A number of `page_info`; `None` where it has none."""
    try:
        return whole(value)
    except NumberError:
        return None


def _role_fix(listing: Listing[Any]) -> str:
    return f"in Sonar, let the role of the token's user read {listing.permission}"


def _fix_for(listing: Listing[Any]) -> Callable[[tuple[str, ...]], str]:
    return partial(_fix, _role_fix(listing))


def _fix(usual: str, messages: tuple[str, ...]) -> str:
    said = " ".join(messages).lower()
    if "unauthenticated" in said:
        return KEY_FIX
    if "request limit" in said:
        return _LIMIT_FIX
    known = ("cannot query field", "unknown argument", "unknown type", "fragment cannot be spread")
    return _SCHEMA_FIX if any(words in said for words in known) else usual
