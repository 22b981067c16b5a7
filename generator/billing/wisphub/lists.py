"""The lists of WispHub's API: pages by limit and offset, of which only whitelisted fields are decoded.

Facts: WispHub, 2, 3 and 5. The field `next` is never followed: it comes as http:// and would carry the key in
clear. Clients' records hold four passwords and a position: nothing of them is kept or shown.
"""

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
    message_in,
)
from generator.billing.http import Answer, HttpReader, Params, StatusError
from generator.billing.numbers import rank_number
from generator.billing.paging import Page, read_pages
from generator.billing.text import shown, text
from generator.errors import SourceError

_PAGE_ROWS = 1000
_NOT_FOUND = 404
_KEY_FIX = "check `api_key`: in WispHub, Staff, the user's API key; he must be allowed to see clients and plans"
FIXES: Mapping[int, str] = {
    401: _KEY_FIX,
    403: _KEY_FIX + "; WispHub also refuses with 403 who asks too fast: a smaller `requests_per_second`",
    404: "check `host`: WispHub shows each company its own address of the API (URL de consulta de API)",
}


class ClientRow(Struct, gc=False):
    """A client's service; all other members, passwords among them, are skipped while decoding."""

    id_servicio: Any = None
    usuario: Any = None
    nombre: Any = None
    estado: Any = None
    ip: Any = None
    plan_internet: Any = None
    zona: Any = None
    router: Any = None
    sectorial: Any = None


class PlanRow(Struct, gc=False):
    """A plan in the list, which has no speeds."""

    id: Any = None
    nombre: Any = None
    tipo: Any = None


class Listing(Struct, Generic[Row], frozen=True, kw_only=True):
    """One list: what its rows are, where it is, and which field names a row."""

    noun: str
    path: str
    row: type[Row]
    key: str


CLIENTS = Listing(noun="client", path="/api/clientes/", row=ClientRow, key="id_servicio")
PLANS = Listing(noun="plan", path="/api/plan-internet/", row=PlanRow, key="id")


def read_list(reader: HttpReader, listing: Listing[Row]) -> Rows[Row]:
    """A list, whole; raises `StatusError` when it is refused, `SourceError` when it is not whole."""

    def fetch(number: int, offset: int) -> Page[Row]:  # noqa: ARG001 - pages are counted by rows here
        return _page(reader, listing, offset=offset, size=_PAGE_ROWS)

    def key(row: Row) -> str:
        return text(getattr(row, listing.key))

    return read_pages(fetch, key=key, noun=listing.noun, where=reader.where(listing.path))


def first_row(reader: HttpReader, listing: Listing[Row]) -> str:
    """What the first row of a list is, read with a limit of one row; raises as `read_list` does."""
    rows = _page(reader, listing, offset=0, size=1).rows.rows
    return f"for example {listing.noun} {shown(text(getattr(rows[0], listing.key)))}" if rows else "an empty list"


def _page(reader: HttpReader, listing: Listing[Row], *, offset: int, size: int) -> Page[Row]:
    answer = _asked(reader, listing.path, (("limit", str(size)), ("offset", str(offset))))
    try:
        return _decoded(reader, answer, listing, size=size, end=offset)
    except NotAListError as error:
        raise _broken(answer, f"`results` {str(error).removeprefix('answered ')}") from None
    except BodyError as error:
        raise _broken(answer, f"the answer {error}") from None


def _asked(reader: HttpReader, path: str, params: Params) -> Answer:
    """The answer at `path`; some servers have it without the slash at its end."""
    try:
        return reader.get(path, params=params, fixes=FIXES, private=True)
    except StatusError as error:
        if error.status != _NOT_FOUND:
            raise
        try:
            return reader.get(path.rstrip("/"), params=params, fixes=FIXES, private=True)
        except StatusError:
            raise error from None


def _decoded(reader: HttpReader, answer: Answer, listing: Listing[Row], *, size: int, end: int) -> Page[Row]:
    """A page in an envelope, or the bare list that some servers send for plans."""
    try:
        envelope = members(answer.body)
    except NotAnObjectError as error:
        if not isinstance(error.value, list):
            raise
        return Page(rows=decode_rows(answer.body, listing.row), total=len(error.value), last=True)
    if "results" not in envelope:
        raise _no_results(reader, answer, envelope)
    rows = decode_rows(envelope["results"], listing.row)
    total = rank_number(text(decode_json(envelope["count"]))) if "count" in envelope else None
    last = end + rows.total >= total if total is not None else rows.total < size
    return Page(rows=rows, total=total, last=last or not rows.total)


def _no_results(reader: HttpReader, answer: Answer, envelope: Mapping[str, msgspec.Raw]) -> SourceError:
    message = reader.shown(message_in({name: decode_json(raw) for name, raw in envelope.items()}))
    return _broken(answer, f"the answer has no `results`{f': {message}' if message else ''}")


def _broken(answer: Answer, what: str) -> SourceError:
    fix = "check `host` (URL de consulta de API) and `api_key`; if they are right, run again"
    return SourceError(what, where=answer.where, fix=fix)
