"""The lists of ISPCube's API, each read whole with as few requests as can be (facts: systems that push, 4.2 to 4.4).

Connections carry passwords in clear: only what a row names is decoded.
"""

from collections.abc import Mapping
from typing import Any, Generic, cast

import msgspec
from msgspec import Struct, defstruct

from generator.billing.body import BodyError, NotAListError, Row, Rows, decode_json, decode_rows, members
from generator.billing.http import Answer
from generator.billing.ispcube.calls import Calls
from generator.billing.paging import Page, read_pages
from generator.billing.text import shown, text

_PAGE_ROWS = 1000
_PASSES = 3
"""How often customers are read while they come and go between the pages."""
_NAMED = 20
"""How many members of a plan are named to the operator."""


class ConnectionRow(Struct, gc=False):
    """One connection of a customer: an address with a plan; all other members are skipped while decoding."""

    id: Any = None
    customer_id: Any = None
    ip: Any = None
    plan_id: Any = None
    node_id: Any = None
    user: Any = None
    mac: Any = None
    ap_name: Any = None
    deleted: Any = None


class CustomerRow(Struct, gc=False):
    """A customer: who he is, and whether he is blocked."""

    id: Any = None
    code: Any = None
    name: Any = None
    status: Any = None
    block: Any = None
    speed_limited: Any = None
    deleted: Any = None


class NodeRow(Struct, gc=False):
    """A network node."""

    id: Any = None
    name: Any = None


class Listing(Struct, Generic[Row], frozen=True, kw_only=True):
    """One list: what its rows are, and where it is."""

    noun: str
    path: str
    row: type[Row]


CUSTOMERS = Listing(noun="customer", path="/api/customers/customers_list", row=CustomerRow)
CONNECTIONS = Listing(noun="connection", path="/api/connections/connections_list", row=ConnectionRow)
NODES = Listing(noun="node", path="/api/nodes/nodes_list", row=NodeRow)


class PlanRow(Struct, gc=False):
    """A plan; a subclass made for the inventory has the members that hold the speeds."""

    id: Any = None
    name: Any = None


def plans_listing(speed_members: Mapping[str, str] | None) -> Listing[PlanRow]:
    """The list of plans whose rows have `download` and `upload`, from the members that the inventory names."""
    own = {field.encode_name for field in msgspec.structs.fields(PlanRow)}
    wanted = [name for name in dict.fromkeys((speed_members or {}).values()) if name not in own]
    names = {f"speed_{at}": name for at, name in enumerate(wanted)}
    fields = [(attribute, Any, msgspec.UNSET) for attribute in names]
    row = defstruct("SpeedRow", fields, bases=(PlanRow,), rename=names, gc=False)
    return Listing(noun="plan", path="/api/plans/plans_list", row=cast("type[PlanRow]", row))


def read_list(calls: Calls, listing: Listing[Row]) -> Rows[Row]:
    """A list that comes in one answer; raises `StatusError` when it is refused, `SourceError` if it is no list."""
    return _rows(calls, calls.get(listing.path), listing)


def read_customers(calls: Calls, needed: frozenset[str]) -> Rows[CustomerRow]:
    """The customers with ids in `needed`, and others that came with them; raises as `read_list` does.

    How many there are is not told, and the server may give fewer rows than were asked for. So pages are read until
    everybody needed has come, or one is empty: no request is spent on what is not needed, and none is missed that
    the list has. When some have not come and there were several pages, a list that moved between them may be why,
    and it is read again.
    """
    lost: frozenset[str] = frozenset()
    rows: Rows[CustomerRow] = Rows(rows=())
    for _ in range(_PASSES if needed else 0):
        pages = _CustomerPages(calls, needed)
        rows = read_pages(
            pages.fetch, key=lambda row: text(row.id), noun=CUSTOMERS.noun, where=calls.where(CUSTOMERS.path)
        )  # fmt: skip
        if pages.filled <= 1 or pages.missing == lost:
            break
        lost = frozenset(pages.missing)
    return rows


class _CustomerPages:
    """One reading of the pages of customers."""

    def __init__(self, calls: Calls, needed: frozenset[str]) -> None:
        self._calls = calls
        self.missing = set(needed)
        self.filled = 0
        """How many pages had rows."""

    def fetch(self, number: int, offset: int) -> Page[CustomerRow]:  # noqa: ARG002 - pages are counted by rows here
        params = (("limit", str(_PAGE_ROWS)), ("offset", str(offset)))
        rows = _rows(self._calls, self._calls.get(CUSTOMERS.path, params), CUSTOMERS)
        self.filled += bool(rows.total)
        self.missing -= {text(row.id) for row in rows.rows}
        return Page(rows=rows, total=None, last=not self.missing)


def first_row(calls: Calls, listing: Listing[Row], *, limit: bool = False) -> str:
    """What the first row of a list is; with `limit` no more are asked for. Raises as `read_list` does."""
    answer = calls.get(listing.path, (("limit", "1"), ("offset", "0")) if limit else ())
    rows = _rows(calls, answer, listing).rows
    return f"for example {listing.noun} {shown(text(getattr(rows[0], 'id', None)))}" if rows else "an empty list"


def plan_members(calls: Calls) -> str:
    """The names of what a plan has, so that the operator sees which of them are speeds; raises as `read_list`."""
    listing = plans_listing(None)
    answer = calls.get(listing.path)
    if not _rows(calls, answer, listing).rows:
        return "an empty list"
    plan = next(row for row in _list_in(decode_json(answer.body)) if isinstance(row, dict))
    names = ", ".join(shown(name, limit=40) for name in list(plan)[:_NAMED])
    return f"for example plan {shown(text(plan.get('id')))}, whose members are: {names}"


def _list_in(body: Any) -> Any:
    return body.get("data") if isinstance(body, dict) else body


def _rows(calls: Calls, answer: Answer, listing: Listing[Row]) -> Rows[Row]:
    """The rows of a bare list, or of one in `data`."""
    body: bytes | msgspec.Raw = answer.body
    try:
        if answer.body.lstrip().startswith(b"{"):
            body = members(answer.body).get("data", body)
        return decode_rows(body, listing.row)
    except NotAListError as error:
        raise calls.broken(answer, str(error), decode_json(answer.body)) from None
    except BodyError as error:
        raise calls.broken(answer, f"the answer {error}") from None
