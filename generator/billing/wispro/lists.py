"""The lists of Wispro's API: pages in an envelope whose own status counts, for errors come with HTTP 200.

Facts: Wispro, 3 to 5. Contracts carry passwords: only what a row names is decoded.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any, Generic

import msgspec
from msgspec import Struct

from generator.billing.body import (
    BodyError,
    NotAListError,
    NotAnObjectError,
    Row,
    Rows,
    decode_json,
    decode_rows,
    members,
)
from generator.billing.http import Answer, HttpReader, Params, StatusError
from generator.billing.numbers import rank_number
from generator.billing.paging import Page, read_pages
from generator.billing.text import shown, text
from generator.errors import SourceError
from generator.net.retry import RETRIED_STATUSES, RetryPolicy

_log = logging.getLogger(__name__)

_ROOT = "/api/v1/"
_PER_PAGE = 1000
_OK = 200
NOT_READABLE = frozenset({401, 403, 404})
"""Refusals of a list that serves groups only."""

_KEY_FIX = "check `api_key`: in Wispro, make a new API token of this company and write it without any word before it"
_FIXES: Mapping[int, str] = {
    401: _KEY_FIX,
    403: _KEY_FIX,
    402: "the Wispro licence of this company has expired: renew it",
}


class PlanRow(Struct, gc=False):
    """A plan; rates in kbps (facts: Wispro, 5)."""

    id: Any = None
    public_id: Any = None
    name: Any = None
    ceil_down_kbps: Any = None
    ceil_up_kbps: Any = None


class ClientRow(Struct, gc=False):
    """A client; its login is the email."""

    id: Any = None
    public_id: Any = None
    name: Any = None
    email: Any = None


class ContractRow(Struct, gc=False):
    """A contract: an address, or a small network, with a plan and a state."""

    id: Any = None
    public_id: Any = None
    client_id: Any = None
    plan_id: Any = None
    state: Any = None
    ip: Any = None
    netmask: Any = None
    mac_address: Any = None
    node_id: Any = None
    node_name: Any = None


class NodeRow(Struct, gc=False):
    """A network node."""

    id: Any = None
    name: Any = None


class Listing(Struct, Generic[Row], frozen=True, kw_only=True):
    """One list: what its rows are, and where it is."""

    noun: str
    path: str
    row: type[Row]


PLANS = Listing(noun="plan", path="plans", row=PlanRow)
CLIENTS = Listing(noun="client", path="clients", row=ClientRow)
CONTRACTS = Listing(noun="contract", path="contracts", row=ContractRow)
NODES = Listing(noun="node", path="nodes", row=NodeRow)


def read_list(reader: HttpReader, listing: Listing[Row], retry: RetryPolicy) -> Rows[Row]:
    """A list, whole; raises `StatusError` when it is refused, `SourceError` when it is not whole."""

    def fetch(number: int, offset: int) -> Page[Row]:  # noqa: ARG001 - pages are numbered here
        return _page(reader, listing, retry, number=number, size=_PER_PAGE)

    where = reader.where(_ROOT + listing.path)
    return read_pages(fetch, key=lambda row: text(row.id), noun=listing.noun, where=where)  # type: ignore[attr-defined]  # every row has an id


def first_row(reader: HttpReader, listing: Listing[Row], retry: RetryPolicy) -> str:
    """What the first row of a list is, read with a page of one row; raises as `read_list` does."""
    page = _page(reader, listing, retry, number=1, size=1)
    if not page.rows.rows:
        return "an empty list"
    number = getattr(page.rows.rows[0], "public_id", None) or getattr(page.rows.rows[0], "id", None)
    return f"for example {listing.noun} {shown(text(number))}"


def _page(reader: HttpReader, listing: Listing[Row], retry: RetryPolicy, *, number: int, size: int) -> Page[Row]:
    params = (("page", str(number)), ("per_page", str(size)))
    answer, envelope = _accepted(reader, listing.path, params, retry)
    try:
        rows = decode_rows(envelope.get("data", msgspec.Raw(b"null")), listing.row)
        pagination = _pagination(envelope)
    except NotAListError as error:
        raise _broken(answer, f"`data` {str(error).removeprefix('answered ')}") from None
    except BodyError as error:
        raise _broken(answer, f"the answer {error}") from None
    pages, total = (rank_number(text(pagination.get(name))) for name in ("total_pages", "total_records"))
    last = not rows.total or (number >= pages if pages is not None else rows.total < size)
    return Page(rows=rows, total=total, last=last)


def _pagination(envelope: Mapping[str, msgspec.Raw]) -> Mapping[str, Any]:
    meta = decode_json(envelope["meta"]) if "meta" in envelope else None
    pagination = meta.get("pagination") if isinstance(meta, dict) else None
    return pagination if isinstance(pagination, dict) else {}


def _accepted(
    reader: HttpReader, path: str, params: Params, retry: RetryPolicy
) -> tuple[Answer, Mapping[str, msgspec.Raw]]:
    """An answer whose own status is 200, tried again where that status is one that may pass."""
    attempt = 1
    while True:
        answer = reader.get(_ROOT + path, params=params, fixes=_FIXES, private=True)
        envelope = _envelope(answer)
        status = rank_number(text(_decoded(envelope, "status")))
        if status == _OK:
            return answer, envelope
        if status not in RETRIED_STATUSES or attempt >= retry.attempts:
            raise _refused(reader, answer, envelope, status)
        delay_s = retry.delay_s(attempt)
        attempt += 1
        _log.info("%s: status %d in the answer, waiting %.1f s, attempt %d", answer.where, status, delay_s, attempt)
        time.sleep(delay_s)


def _envelope(answer: Answer) -> Mapping[str, msgspec.Raw]:
    try:
        return members(answer.body)
    except NotAnObjectError as error:
        raise _broken(answer, str(error)) from None
    except BodyError as error:
        raise _broken(answer, f"the answer {error}") from None


def _decoded(envelope: Mapping[str, msgspec.Raw], name: str) -> Any:
    try:
        return decode_json(envelope[name]) if name in envelope else None
    except BodyError:
        return None


def _refused(
    reader: HttpReader, answer: Answer, envelope: Mapping[str, msgspec.Raw], status: int | None
) -> SourceError:
    message = reader.shown(text(_decoded(envelope, "message")))
    if status is None:
        what = f"the answer has no status{f': {message}' if message else ''}"
        return SourceError(what, where=answer.where, fix="check that `host` and `port` are those of Wispro's API")
    return StatusError(
        f"answered status {status} (with HTTP 200){f': {message}' if message else ''}", status=status,
        where=answer.where, fix=_FIXES.get(status, "look at the status of Wispro, then run again"),
    )  # fmt: skip


def _broken(answer: Answer, what: str) -> SourceError:
    return SourceError(
        what,
        where=answer.where,
        fix="check `host` and `port`; if they are right, run again: the answer is cut or broken",
    )
