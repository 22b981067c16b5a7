"""An Azotel SIMPLer on loopback: the three calls of its REST/JSON interface that a shaper makes.

Facts: Azotel, 2 to 5, 8 and 10. How a refusal is worded is not documented; here it is an error text beside
`result: null`, with status 200.
"""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from generator.demo.azotel_data import AzotelData, sample
from generator.demo.azotel_odd import CHANGES, VALUES, changed
from generator.demo.emulator import (
    COMMON_SWITCHES,
    EmulatorOptions,
    Faults,
    check_switches,
    is_on,
    same,
    words,
)
from generator.demo.sample import RowDict
from generator.errors import UsageError

__all__ = ["CREDENTIALS", "DEFAULT_PORT", "SWITCHES", "AzotelData", "from_lists", "make_app_for", "sample"]

DEFAULT_PORT = 8102
CREDENTIALS: Mapping[str, str] = {"username": "demo-azotel-user", "password": "demo-azotel-password"}
SWITCHES: Mapping[str, str] = {
    **COMMON_SWITCHES,
    "values": "as-is, strings, numbers or mixed (ids as numbers in one list and as texts in the others)",
    "allow-ips": "the client networks of the Access List, separated by commas; others get 403",
    "forbid": "calls answered with 403, separated by commas: customers cpes sites",
    "null-result": "calls answered with `result: null` and status 200: customers cpes sites",
    "no-inner-list": "calls whose result lacks its list: customers cpes sites",
    "operators": "the user's databases, separated by commas: a request must name one in `operator`",
    "everybody": "customers without address or bucket are listed too",
    "list-of-one": "where a list has one element, that element stands in the list's place",
    **CHANGES,
}

_ROOT = "/restapi/"


class _Function(Struct, frozen=True, kw_only=True):
    """One call: its name, its list in `result`, and the parameter without which it refuses."""

    name: str
    member: str
    needs: str | None = None


_FUNCTIONS = {
    "customers": _Function(name="listCustomerBucketData", member="customerBucketData"),
    "cpes": _Function(name="getCPEData", member="cpe", needs="all"),
    "sites": _Function(name="listSiteData", member="siteData"),
}


class _Settings(Struct, frozen=True, kw_only=True):
    """The switches of this emulator, read once."""

    values: str
    allowed: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    forbidden: frozenset[str]
    null_result: frozenset[str]
    no_inner_list: frozenset[str]
    operators: frozenset[str]
    everybody: bool
    list_of_one: bool
    empty: bool
    changes: frozenset[str]


def from_lists(lists: dict[str, list[RowDict]]) -> AzotelData:
    """Data with these lists and nothing else."""
    data = AzotelData()
    data.load(lists)
    return data


def make_app_for(data: AzotelData, options: EmulatorOptions) -> Starlette:
    """The emulator over `data`, which may change while it runs; raises `UsageError` for unknown switches."""
    check_switches(options, SWITCHES)
    api = _Api(data, _settings(options))
    api.encode_all()
    routes = [
        Route(f"{_ROOT}{function.name}", api.answering(name), methods=["POST"]) for name, function in _FUNCTIONS.items()
    ]
    return Starlette(routes=routes, middleware=[Middleware(Faults, options=options)])


def _settings(options: EmulatorOptions) -> _Settings:
    values = options.switches.get("values", "as-is")
    if values not in VALUES:
        raise UsageError(f"switch values is {values!r}", fix=f"one of {', '.join(VALUES)}")
    return _Settings(
        values=values, allowed=_networks(options), forbidden=_calls(options, "forbid"),
        null_result=_calls(options, "null-result"), no_inner_list=_calls(options, "no-inner-list"),
        operators=words(options, "operators"), everybody=is_on(options, "everybody"),
        list_of_one=is_on(options, "list-of-one"), empty=is_on(options, "empty-list"),
        changes=frozenset(name for name in CHANGES if is_on(options, name)),
    )  # fmt: skip


def _calls(options: EmulatorOptions, switch: str) -> frozenset[str]:
    named = words(options, switch)
    if not named <= _FUNCTIONS.keys():
        raise UsageError(f"switch {switch} is {sorted(named)}", fix=f"some of {', '.join(_FUNCTIONS)}")
    return named


def _networks(options: EmulatorOptions) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word) for word in sorted(words(options, "allow-ips")))
    except ValueError as error:
        raise UsageError(f"switch allow-ips: {error}", fix="write networks such as 192.0.2.0/24") from None


class _Api:
    """Answers for the lists of `data`; the bytes of each answer are kept until the data changes."""

    def __init__(self, data: AzotelData, settings: _Settings) -> None:
        self._data, self._settings = data, settings
        self._encoded: dict[str, tuple[int, bytes]] = {}

    def answering(self, name: str) -> Callable[[Request], Any]:
        """The handler of one call."""

        async def answer(request: Request) -> Response:
            return self._refused(request, name, await request.body()) or _json(self._body(name))

        return answer

    def encode_all(self) -> None:
        """Make the bytes of every answer now, so that the first request does not wait for them."""
        for name in _FUNCTIONS:
            self._body(name)

    def _refused(self, request: Request, name: str, body: bytes) -> Response | None:
        """Refusals: client address first, then the user, then what is asked."""
        if not self._address_allowed(request) or name in self._settings.forbidden:
            return Response("Forbidden", status_code=403, media_type="text/plain")
        problem = self._problem(name, body)
        if problem is None:
            return None
        return _json(msgspec.json.encode({"result": None, "error": problem}))

    def _address_allowed(self, request: Request) -> bool:
        if not self._settings.allowed or request.client is None:
            return True
        client = ipaddress.ip_address(request.client.host)
        return any(client in network for network in self._settings.allowed)

    def _problem(self, name: str, body: bytes) -> str | None:
        """What is wrong with a request, if anything."""
        asked = _asked(body)
        right = [same(str(asked.get(f"api_{each}", "")), CREDENTIALS[each]) for each in ("username", "password")]
        if not all(right):
            return "Authentication failed: invalid username or password"
        if self._settings.operators and asked.get("operator") not in self._settings.operators:
            return "Unknown operator: name the database"
        needs = _FUNCTIONS[name].needs
        return f"Missing parameter {needs}" if needs and asked.get(needs) != "1" else None

    def _body(self, name: str) -> bytes:
        revision, body = self._encoded.get(name, (-1, b""))
        if revision != self._data.revision:
            body = msgspec.json.encode({"result": self._result(name)})
            self._encoded[name] = (self._data.revision, body)
        return body

    def _result(self, name: str) -> dict[str, Any] | None:
        if name in self._settings.null_result:
            return None
        if name in self._settings.no_inner_list:
            return {"count": 0}
        rows: list[RowDict] = [] if self._settings.empty else getattr(self._data, name)
        if name == "customers" and not self._settings.everybody:
            rows = [row for row in rows if row.get("bucket") and row.get("ipaddresses")]
        rows = changed(name, rows, self._settings.changes, values=self._settings.values)
        return {_FUNCTIONS[name].member: _alone(rows) if self._settings.list_of_one else rows}


def _asked(body: bytes) -> dict[str, Any]:
    try:
        asked = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return asked if isinstance(asked, dict) else {}


def _alone(value: Any) -> Any:
    """`value` with every list of one element replaced by that element."""
    if isinstance(value, dict):
        return {key: _alone(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return _alone(value[0]) if len(value) == 1 else [_alone(inner) for inner in value]
    return value


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
