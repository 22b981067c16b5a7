"""The lists of Splynx's REST API 2.0: what each needs, which fields are read, and reading one whole.

A list is a bare JSON array without any page envelope, so a list cut short by the server looks like a whole
one: its length is checked against the header X-total-count, of the GET itself where it has one, else of a
HEAD (facts: Splynx, 3).
"""

import logging
from collections.abc import Mapping
from typing import Any, Generic

from msgspec import UNSET, Struct

from generator.billing.body import BodyError, NotAListError, Row, Rows, decode_rows, message_in
from generator.billing.http import Answer, HttpReader, Params, StatusError
from generator.billing.numbers import rank_number
from generator.billing.text import shown, text
from generator.errors import SourceError

_log = logging.getLogger(__name__)

_ROOT = "/api/2.0/"
_COUNT = "X-total-count"
NOT_PERMITTED = frozenset({403, 405})
"""Refusals of one list to a good key: no permission, or not for its partner (facts: Splynx, 6)."""

_KEY_FIX = (
    "check `api_key` and `api_secret`; in Splynx, Administration → Main → API keys: the key needs "
    "`Unsecure access` (basic authorization), and its list of allowed IPs must be empty or hold the "
    "address that Splynx sees of this machine"
)


class TariffRow(Struct, gc=False):
    """An Internet tariff; fields may be numbers, strings, null or missing (facts: Splynx, 4.1)."""

    id: Any = None
    title: Any = None
    service_name: Any = None
    speed_download: Any = None
    speed_upload: Any = None
    burst_type: Any = None
    burst_limit: Any = None
    burst_limit_fixed_down: Any = None
    burst_limit_fixed_up: Any = None
    burst_threshold: Any = None
    burst_threshold_fixed_down: Any = None
    burst_threshold_fixed_up: Any = None
    burst_time: Any = None


class OnlineRow(Struct, gc=False):
    """A session that is online now (facts: Splynx, 4.2); `id` is the session's, not the customer's."""

    id: Any = None
    customer_id: Any = None
    tariff_id: Any = None
    login: Any = None
    ipv4: Any = None
    ipv6: Any = None
    ipv6_prefix: Any = None
    blocked: Any = UNSET
    start_session: Any = None


class CustomerRow(Struct, gc=False):
    """A customer (facts: Splynx, 4.3)."""

    id: Any = None
    login: Any = None
    name: Any = None
    email: Any = None
    status: Any = None
    location_id: Any = None
    customer_labels: Any = None


class SiteRow(Struct, gc=False):
    """A network site (facts: Splynx, 4.4)."""

    id: Any = None
    title: Any = None
    location_id: Any = None


class InternetServiceRow(Struct, gc=False):
    """A sold Internet service (facts: Splynx, 4.5); its PPPoE password is skipped while decoding."""

    id: Any = None
    customer_id: Any = None
    tariff_id: Any = None
    status: Any = None
    login: Any = None
    taking_ipv4: Any = None
    ipv4: Any = None


class Listing(Struct, Generic[Row], frozen=True, kw_only=True):
    """One list of the API: where it is, the permission it needs, and its rows."""

    noun: str
    path: str
    permission: str
    row: type[Row]
    params: Params = ()
    private: bool = False


TARIFFS = Listing(
    noun="tariff", path="admin/tariffs/internet", permission="Tariff plans → Internet: view", row=TariffRow
)
ONLINE = Listing(
    noun="session", path="admin/customers/customers-online",
    permission="Customers → Customers online: view", row=OnlineRow,
)  # fmt: skip
CUSTOMERS = Listing(
    noun="customer", path="admin/customers/customer", permission="Customers → Customer: view",
    row=CustomerRow, private=True,
)  # fmt: skip
SITES = Listing(
    noun="network site", path="admin/networking/network-sites",
    permission="Networking → Network sites: view", row=SiteRow,
)  # fmt: skip
SERVICES = Listing(
    noun="service", path="admin/customers/customer/0/internet-services",
    permission="Customers → Customer Internet services: view", row=InternetServiceRow,
    params=(("main_attributes[status]", "active"),), private=True,
)  # fmt: skip
"""`customer/0` stands for all customers (facts: Splynx, 3)."""


def read_list(reader: HttpReader, listing: Listing[Row]) -> Rows[Row]:
    """A list, whole; raises `StatusError` when it is refused, `SourceError` when it is not whole.

    A list shorter than announced is read once more, because sessions come and go between list and count,
    and without its filter, because a count may ignore the filter.
    """
    rows, announced = _rows_and_count(reader, listing)
    if announced is None or rows.total >= announced:
        return rows
    if listing.params:
        return read_list(reader, _unfiltered(listing))
    _log.info("%s: %d of %d rows, reading again", reader.where(_ROOT + listing.path), rows.total, announced)
    again, after = _rows_and_count(reader, listing)
    expected = announced if after is None else min(announced, after)
    if again.total >= expected:
        return again
    raise SourceError(
        f"the list is cut short: {again.total} of {expected} rows came",
        where=reader.where(_ROOT + listing.path),
        fix="look for a limit on the answers of the Splynx server or of a proxy before it; "
        "nothing of this source was used",
    )


def _unfiltered(listing: Listing[Row]) -> Listing[Row]:
    return Listing(
        noun=listing.noun, path=listing.path, permission=listing.permission, row=listing.row,
        private=listing.private,
    )  # fmt: skip


def _rows_and_count(reader: HttpReader, listing: Listing[Row]) -> tuple[Rows[Row], int | None]:
    path = _ROOT + listing.path
    answer = reader.get(path, params=listing.params, fixes=_fixes(listing), private=listing.private)
    rows = _rows(reader, listing, answer)
    announced = _announced(answer.headers)
    if announced is None:
        headers = reader.head(path, params=listing.params)
        announced = None if headers is None else _announced(headers)
    return rows, announced


def first_row(reader: HttpReader, listing: Listing[Row]) -> str:
    """What the first row of a list is, read with a limit of one row; raises as `read_list` does."""
    one = (*listing.params, ("limit", "1"))
    answer = reader.get(_ROOT + listing.path, params=one, fixes=_fixes(listing), private=listing.private)
    rows = _rows(reader, listing, answer).rows
    return f"for example {listing.noun} {shown(text(getattr(rows[0], 'id', None)))}" if rows else "an empty list"


def _announced(headers: Mapping[str, str]) -> int | None:
    return rank_number(headers.get(_COUNT, "").strip())


def _fixes(listing: Listing[Row]) -> dict[int, str]:
    grant = (
        f"in Splynx, Administration → Main → API keys, give this key the permission "
        f"`{listing.permission}`; if it has it, check the key's list of allowed IPs and its partner"
    )
    return {401: _KEY_FIX, **dict.fromkeys(NOT_PERMITTED, grant)}


def _rows(reader: HttpReader, listing: Listing[Row], answer: Answer) -> Rows[Row]:
    try:
        return decode_rows(answer.body, listing.row)
    except NotAListError as error:
        raise _no_list(reader, listing, answer, error) from None
    except BodyError as error:
        content = "" if listing.private else f": {reader.shown(answer.body[:65536].decode('utf-8', 'replace'))}"
        raise SourceError(
            f"the answer {error}{content}", where=answer.where,
            fix="run again; if it stays so, look at the Splynx server's log: its answer is cut or broken",
        ) from None  # fmt: skip


def _no_list(reader: HttpReader, listing: Listing[Row], answer: Answer, error: NotAListError) -> SourceError:
    """Splynx answers an error object where the success is an array, sometimes with status 200."""
    message = reader.shown(message_in(error.value))
    code = rank_number(text(_code_in(error.value)))
    fix = _fixes(listing).get(code or 0)
    what = f"{error}: {message}" if message else str(error)
    if code is not None and fix is not None:
        return StatusError(what, status=code, where=answer.where, fix=fix)
    return SourceError(
        what, where=answer.where,
        fix="check that the API key is right, has `Unsecure access` and the permission "
        f"`{listing.permission}`",
    )  # fmt: skip


def _code_in(value: Any) -> Any:
    error = value.get("error") if isinstance(value, dict) else None
    return error.get("code") if isinstance(error, dict) else None
