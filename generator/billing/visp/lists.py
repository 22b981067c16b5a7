"""Visp's GraphQL queries: what is asked, and reading each answer whole (facts: Visp, 4).

Neither query has pages: all customers come in one answer, all CPEs in another. Only fields that are used are
asked for; Visp's other service types (fibre, cable, DSL, LTE, voice) are known by their name alone.
"""

from typing import Any

import msgspec
from msgspec import Struct, field

from generator.billing.body import BodyError, NotAListError, Row, Rows, decode_rows, message_in
from generator.billing.graphql import QueryRefusedError, ask
from generator.billing.http import HttpReader, StatusError
from generator.billing.visp.tokens import Tokens
from generator.errors import SourceError

PATH = "/graphql"
CUSTOMERS = "customers"
CPE = "customerCPEwithWirelessServiceSpeeds"
STATUSES = "[1, 2, 4, 8, 9, 10]"
"""Every account status but 20, deleted (facts: Visp, 4.1)."""
HIBERNATED = "[9]"

_SPEEDS = (
    "up_speed up_speed_unit down_speed down_speed_unit up_burst up_burst_unit down_burst down_burst_unit "
    "burst_seconds burst_time_unit"
)
_MANY = "ip_address multiple_mac { ip_address }"
_DETAILS = {
    "ServiceTypeWifi": _MANY,
    "ServiceTypeHotspot": _MANY,
    "ServiceTypeOtherConnection": "ip_address",
    "ServiceTypeVpn": "",
}
"""The service types with speeds, and what else each has: asking for more is an error (facts: Visp, 4.1)."""
READ_TYPES = frozenset(_DETAILS)

CPE_QUERY = f"{{ {CPE} }}"

_TOKEN_REFUSED = frozenset({401, 403})
_TOKEN_WORDS = ("token", "jwt")
_GRANT = (
    "in Visp, check that the user of `credentials` may see customers with their packages and services; "
    "the token itself was got, so the credentials are right"
)
_OUTDATED = "Visp's API has changed: look for a newer release of bqnctl, and report this message"
_NO_FIELD = ("cannot query field", "unknown type", "unknown argument")
_FIXES = {
    400: _OUTDATED,
    **dict.fromkeys((401, 403), _GRANT),
    404: "check `host` and `port`: the API of Visp's own cloud is `host: data.visp.net`, `port: 443`",
}


class CustomerRow(Struct, gc=False):
    """A customer (facts: Visp, 5)."""

    customer_id: Any = None
    first_name: Any = None
    last_name: Any = None
    username: Any = None
    status: Any = None
    package_instances: Any = None


class PackageRow(Struct, gc=False):
    """A package that a customer has."""

    status: Any = None
    service_instances: Any = None


class InstanceRow(Struct, gc=False):
    """A service of a package."""

    status: Any = None
    service_number: Any = None
    service_details: Any = None


class DetailsRow(Struct, gc=False):
    """Speeds and addresses of a service; which of them are there depends on its type."""

    typename: Any = field(default=None, name="__typename")
    up_speed: Any = None
    up_speed_unit: Any = None
    down_speed: Any = None
    down_speed_unit: Any = None
    up_burst: Any = None
    up_burst_unit: Any = None
    down_burst: Any = None
    down_burst_unit: Any = None
    burst_seconds: Any = None
    burst_time_unit: Any = None
    ip_address: Any = None
    multiple_mac: Any = None


class CpeRow(Struct, gc=False):
    """The equipment at a customer's; a customer may have several such rows (facts: Visp, 4.2)."""

    customer_id: Any = None
    equipment: Any = None


def customers_query(statuses: str = STATUSES) -> str:
    """The query for customers of these account statuses with all that is read of them."""
    fragments = " ".join(f"... on {name} {{ {_SPEEDS} {more} }}" for name, more in _DETAILS.items())
    return (
        f"{{ {CUSTOMERS}(status: {statuses}) {{ customer_id first_name last_name username status "
        "package_instances { status service_instances { status service_number "
        f"service_details {{ __typename {fragments} }} }} }} }} }}"
    )


def ids_query() -> str:
    """The query for the customers' numbers alone."""
    return f"{{ {CUSTOMERS}(status: {STATUSES}) {{ customer_id }} }}"


class Api:
    """Visp's GraphQL with a token that is renewed as needed; for several threads."""

    def __init__(self, reader: HttpReader, tokens: Tokens) -> None:
        self._reader, self._tokens = reader, tokens

    def customers(self, document: str) -> Rows[CustomerRow]:
        """The customers that `document` asks for, whole; null is Visp's other way to say none (facts: Visp, 5)."""
        return self._rows(document, CUSTOMERS, CustomerRow, null_is_empty=True)

    def cpes(self) -> Rows[CpeRow]:
        """The CPEs of all customers, whole."""
        return self._rows(CPE_QUERY, CPE, CpeRow, null_is_empty=False)

    def _rows(self, document: str, name: str, row: type[Row], *, null_is_empty: bool) -> Rows[Row]:
        data = self._data(document)
        if name not in data:
            raise SourceError(
                f"the answer has no {name}", where=self._reader.where(PATH),
                fix="check `host` and `port`: something else than Visp's GraphQL answered",
            )  # fmt: skip
        try:
            if null_is_empty and bytes(data[name]).strip() == b"null":
                return Rows(rows=())
            return decode_rows(data[name], row)
        except BodyError as error:
            message = self._reader.shown(message_in(error.value)) if isinstance(error, NotAListError) else ""
            raise SourceError(
                f"{name}: {error}{f': {message}' if message else ''}", where=self._reader.where(PATH),
                fix="run again; if it stays so, show Visp's support this message",
            ) from None  # fmt: skip

    def _data(self, document: str) -> dict[str, msgspec.Raw]:
        """The answer's `data`; a token that is refused is renewed once."""
        token = self._tokens.current()
        try:
            return self._ask(document, token)
        except (StatusError, QueryRefusedError) as error:
            if not _is_about_the_token(error):
                raise
        return self._ask(document, self._tokens.other_than(token))

    def _ask(self, document: str, token: str) -> dict[str, msgspec.Raw]:
        return ask(self._reader, PATH, document, headers={"authorization": token}, fixes=_FIXES, fix_for=_fix_for)


def _fix_for(messages: tuple[str, ...]) -> str:
    outdated = any(message.casefold().startswith(_NO_FIELD) for message in messages)
    return _OUTDATED if outdated else _GRANT


def _is_about_the_token(error: StatusError | QueryRefusedError) -> bool:
    """Whether a new token may help: it is not known how Visp says that one has expired (facts: Visp, 9)."""
    if isinstance(error, StatusError):
        return error.status in _TOKEN_REFUSED
    return any(word in message.casefold() for message in error.messages for word in _TOKEN_WORDS)
