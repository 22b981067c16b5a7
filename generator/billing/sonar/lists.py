"""Sonar's GraphQL queries, paged by `page_info`, and reading each list whole (facts: Sonar, 3, 4 and 6)."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Generic

import msgspec
from msgspec import Struct

from generator.billing.body import BodyError, Row, Rows, decode_json, decode_rows, members
from generator.billing.graphql import QueryRefusedError, ask
from generator.billing.http import HttpReader
from generator.billing.numbers import rank_number
from generator.billing.paging import Page, read_pages
from generator.billing.text import shown, text
from generator.errors import SourceError
from generator.inventory.settings import BillingHost
from generator.net.retry import RetryPolicy

_log = logging.getLogger(__name__)

PATH = "/api/graphql"
_PAGE_INFO = "page_info { page total_pages total_count records_per_page }"
_KEY_FIX = (
    "check `api_key`: in Sonar, user menu → Personal Access Tokens, make a new token for a user who may read accounts"
)
_ROLE_FIX = "in Sonar, give the role of the token's user the right to read what the message names"
_UNAUTHENTICATED = ("unauthenticated", "unauthorized", "token")
_THROTTLED = "request limit"
_PAUSE_S = 1.0
_FIXES = {401: _KEY_FIX, 403: _ROLE_FIX, 404: "check `host`: the name of your instance, mostly NAME.sonar.software"}


class HistoryRow(Struct, gc=False):
    """An address that is assigned now, and whose it is; the account is read further where it is used."""

    id: Any = None
    subnet: Any = None
    assigned_datetime: Any = None
    removed_datetime: Any = None
    account_service_id: Any = None
    ipassignmenthistoryable: Any = None


class ServiceRow(Struct, gc=False):
    """A data service with its speeds."""

    id: Any = None
    name: Any = None
    data_service_detail: Any = None


class AssignmentRow(Struct, gc=False):
    """An address with the device that has it, for the device's parent."""

    id: Any = None
    subnet: Any = None
    ipassignmentable: Any = None


class Listing(Struct, Generic[Row], frozen=True, kw_only=True):
    """One list: its root field, what is asked of it, and its rows."""

    noun: str
    field: str
    arguments: str
    select: str
    row: type[Row]

    @property
    def query(self) -> str:
        """The document, with the page and its size as variables."""
        arguments = f"paginator: {{page: $page, records_per_page: $size}}{self.arguments}"
        return (
            f"query Read($page: Int!, $size: Int!) {{ {self.field}({arguments}) "
            f"{{ entities {{ {self.select} }} {_PAGE_INFO} }} }}"
        )


HISTORIES = Listing(
    noun="address assignment", field="ip_assignment_histories", arguments=", removed_datetime: null", row=HistoryRow,
    select="""id subnet assigned_datetime removed_datetime account_service_id
      ipassignmenthistoryable { ... on Account { id name is_delinquent account_status { id name }
        account_services(paginator: {page: 1, records_per_page: 100}) {
          entities { id service(type: DATA) { id name } } } } }""",
)  # fmt: skip
SERVICES = Listing(
    noun="service", field="services", arguments=", type: DATA", row=ServiceRow,
    select="""id name data_service_detail {
      download_speed_kilobits_per_second upload_speed_kilobits_per_second }""",
)  # fmt: skip
_PARENT = """parent_inventory_item { id inventory_model_field_data {
  entities { ip_assignments { entities { description } } } } }"""
_BY_FIELD_DATA = f"... on InventoryModelFieldData {{ inventory_item {{ {_PARENT} }} }}"
_BY_ITEM = f"... on InventoryItem {{ {_PARENT} }}"
PARENTS = Listing(
    noun="address", field="ip_assignments", arguments="", row=AssignmentRow,
    select=f"id subnet ipassignmentable {{ {_BY_FIELD_DATA} {_BY_ITEM} }}",
)  # fmt: skip
PARENTS_OF_FIELD_DATA = Listing(
    noun="address", field="ip_assignments", arguments="", row=AssignmentRow,
    select=f"id subnet ipassignmentable {{ {_BY_FIELD_DATA} }}",
)  # fmt: skip
"""For instances on which addresses never hang from items themselves: there the other query is refused."""


class Source:
    """Asks one Sonar; used from several threads."""

    def __init__(self, reader: HttpReader, host: BillingHost, retry: RetryPolicy) -> None:
        self._reader, self._retry = reader, retry
        self._size = int(host.options.get("page_size") or 1000)

    def read(self, listing: Listing[Row]) -> Rows[Row]:
        """A list, whole; raises `QueryRefusedError` when it is refused, `SourceError` when it is not whole."""

        def fetch(number: int, offset: int) -> Page[Row]:  # noqa: ARG001 - pages are numbered here
            return self._page(listing, number=number, size=self._size)

        def key(row: Row) -> str:
            return text(getattr(row, "id", None))

        where = f"{self._reader.where(PATH)} ({listing.field})"
        return read_pages(fetch, key=key, noun=listing.noun, where=where)

    def first(self, listing: Listing[Row]) -> str:
        """What the first row of a list is, read with a page of one row; raises as `read` does."""
        page = self._page(listing, number=1, size=1)
        if not page.rows.rows:
            return "an empty list"
        return f"{page.total or '?'} in all, for example {shown(text(getattr(page.rows.rows[0], 'id', None)))}"

    def _page(self, listing: Listing[Row], *, number: int, size: int) -> Page[Row]:
        data = self._persist(listing.query, {"page": number, "size": size})
        try:
            connection = members(data.get(listing.field, msgspec.Raw(b"null")))
            rows = decode_rows(connection.get("entities", msgspec.Raw(b"null")), listing.row)
            info = decode_json(connection["page_info"]) if "page_info" in connection else None
        except BodyError as error:
            raise SourceError(
                f"the answer for {listing.field} {error}", where=self._reader.where(PATH),
                fix="run again; if it stays so, Sonar's API has changed: report this message",
            ) from None  # fmt: skip
        info = info if isinstance(info, dict) else {}
        pages, total = (rank_number(text(info.get(name))) for name in ("total_pages", "total_count"))
        # A server may give smaller pages than asked: without total_pages only an empty page is the end.
        return Page(rows=rows, total=total, last=not rows.total or (bool(pages) and number >= (pages or 0)))

    def _persist(self, query: str, variables: Mapping[str, Any]) -> dict[str, msgspec.Raw]:
        """The data, tried again where Sonar says that too many requests came in the last minute."""
        attempt = 1
        while True:
            try:
                return ask(self._reader, PATH, query, variables=variables, fixes=_FIXES, fix_for=_fix)
            except QueryRefusedError as error:
                throttled = any(_THROTTLED in message.lower() for message in error.messages)
                if not throttled or attempt >= self._retry.attempts:
                    raise
            delay_s = self._retry.delay_s(attempt, _PAUSE_S)
            attempt += 1
            _log.info("%s: too many requests, waiting %.1f s, attempt %d", self._reader.where(PATH), delay_s, attempt)
            time.sleep(delay_s)


def _fix(messages: tuple[str, ...]) -> str:
    said = " ".join(messages).lower()
    return _KEY_FIX if any(word in said for word in _UNAUTHENTICATED) else _ROLE_FIX
