"""The three calls of SIMPLer's REST/JSON interface, each of which answers one whole list.

All are POSTs with the credentials in the body, and no list has pages (facts: Azotel, 2 and 3). What an error
looks like is not documented: an answer without a usable `result` and the list inside it is a failure, never
"no customers" (facts: Azotel, 8).
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
from generator.billing.http import HttpReader
from generator.errors import SourceError
from generator.inventory.settings import BillingHost

_ROOT = "/restapi/"
_RESULT = "result"
NOT_PERMITTED = frozenset({401, 403, 404, 405})
"""Refusals of one call to a user for whom the others work."""

_NO_PARAMETERS: Mapping[str, str] = {}
_ACCESS_FIX = (
    "check `username` and `password`; then ask Azotel support to put this user together with the public address "
    "of this machine (behind NAT: the address that Azotel sees) on the Access List of the REST/JSON interface"
)
_CUT_FIX = "run again; if it stays so, look at SIMPLer's log, or at a limit of a proxy before it: nothing was used"


class CustomerRow(Struct, gc=False):
    """A customer that has an address and a bucket; values may be strings or numbers (facts: Azotel, 4)."""

    customerid: Any = None
    name: Any = None
    nickname: Any = None
    status: Any = None
    bucket: Any = None
    ipaddresses: Any = None


class CpeRow(Struct, gc=False):
    """A customer's equipment, and the id of the equipment it hangs from."""

    customerid: Any = None
    parent: Any = None


class SiteRow(Struct, gc=False):
    """A site with the operator's own equipment there."""

    sitename: Any = None
    equipment: Any = None


class Call(Struct, Generic[Row], frozen=True, kw_only=True):
    """One call: its function, what it asks for beyond the credentials, and the list in its result.

    `marks` are the fields by which an object alone is known as a row: an error may have a `status` too.
    """

    noun: str
    function: str
    member: str
    row: type[Row]
    marks: frozenset[str]
    parameters: Mapping[str, str] = _NO_PARAMETERS

    @property
    def path(self) -> str:
        """Where it is, from the root of the server."""
        return _ROOT + self.function


CUSTOMERS = Call(
    noun="customer", function="listCustomerBucketData", member="customerBucketData", row=CustomerRow,
    marks=frozenset({"customerid", "bucket", "ipaddresses"}),
)  # fmt: skip
CPES = Call(
    noun="CPE", function="getCPEData", member="cpe", row=CpeRow, marks=frozenset({"customerid", "parent"}),
    parameters={"all": "1"},
)  # fmt: skip
SITES = Call(
    noun="site", function="listSiteData", member="siteData", row=SiteRow, marks=frozenset({"sitename", "equipment"})
)


def read_rows(reader: HttpReader, host: BillingHost, call: Call[Row]) -> Rows[Row]:
    """The whole list of `call`; raises `StatusError` or `SourceError`, which never show what was sent."""
    answer = reader.post(call.path, _asked(host, call), fixes=_fixes(call), private=True)
    try:
        return _list_in(answer.body, call)
    except _UnusableError as error:
        said = reader.shown(_said(answer.body, call))
        raise SourceError(
            f"{error}: {said}" if said else str(error), where=answer.where, fix=_refused_fix(call)
        ) from None
    except BodyError as error:
        raise SourceError(f"the answer {error}", where=answer.where, fix=_CUT_FIX) from None


class _UnusableError(Exception):
    """JSON, but without the list that was asked for; the text says what is wrong."""


def _list_in(body: bytes, call: Call[Row]) -> Rows[Row]:
    """The list in the envelope `body`; raises `_UnusableError`, or `BodyError` for what is not JSON."""
    envelope = _members(body, "the answer")
    if _RESULT not in envelope:
        raise _UnusableError(f"the answer has no `{_RESULT}`")
    result = _members(envelope[_RESULT], f"`{_RESULT}`")
    if not result:
        raise _UnusableError(f"`{_RESULT}` is empty")
    if call.member not in result:
        raise _UnusableError(f"`{_RESULT}` has no `{call.member}`")
    try:
        return decode_rows(result[call.member], call.row)
    except NotAListError as error:
        return _list_of_one(error.value, call)


def _members(body: bytes | msgspec.Raw, what: str) -> dict[str, msgspec.Raw]:
    try:
        return members(body)
    except NotAnObjectError as error:
        raise _UnusableError(f"{what} is no object ({_kind(error.value)})") from None


def _list_of_one(value: Any, call: Call[Row]) -> Rows[Row]:
    """The server sends the object itself where a list of one is meant (facts: Azotel, 4).

    An object that has no mark of a row is something else: an error, say.
    """
    if isinstance(value, dict) and not call.marks.isdisjoint(value):
        return Rows(rows=(msgspec.convert(value, call.row),))
    raise _UnusableError(f"`{call.member}` is no list ({_kind(value)})")


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "an array", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _said(body: bytes, call: Call[Any]) -> str:
    """What an answer without its list says of the reason, wherever it says it; "" for nothing."""
    try:
        answer = decode_json(body)
    except BodyError:  # nested too deep, where only its outside was looked at so far
        return ""
    if not isinstance(answer, dict):
        return message_in(answer)
    result = answer.get(_RESULT)
    inner = result.get(call.member) if isinstance(result, dict) else None
    status = answer.get("status")
    return next(filter(None, map(message_in, (answer, result, inner))), status if isinstance(status, str) else "")


def _asked(host: BillingHost, call: Call[Any]) -> dict[str, str]:
    """The body of a request; it holds the password, so it is never logged."""
    names = {"api_username": "username", "api_password": "password", "operator": "operator"}
    given = {member: host.credentials[name].reveal() for member, name in names.items() if name in host.credentials}
    return {**given, **call.parameters}


def _fixes(call: Call[Any]) -> dict[int, str]:
    missing = (
        f"check that `host` and `port` lead to SIMPLer, and ask Azotel support whether it serves {call.path}"
    )  # fmt: skip
    return {401: _ACCESS_FIX, 403: _ACCESS_FIX, 404: missing, 405: missing}


def _refused_fix(call: Call[Any]) -> str:
    """What to do about an answer with status 200 and nothing in it: so SIMPLer refuses a user."""
    if call is CUSTOMERS:
        return f"nothing was used; {_ACCESS_FIX}; with several databases, name one in the credential `operator`"
    return (
        f"nothing was used; ask Azotel support to let this user call {call.function}, or set `subscriber_groups: false`"
    )
