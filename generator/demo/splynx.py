"""A Splynx on loopback: its REST API 2.0 as far as a shaper reads it (facts: Splynx, 2 to 6 and 9)."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from generator.demo.emulator import (
    COMMON_SWITCHES,
    EmulatorOptions,
    Faults,
    basic_credentials,
    check_switches,
    is_on,
    number,
    same,
    words,
)
from generator.demo.sample import RowDict
from generator.demo.splynx_data import SplynxData, sample
from generator.errors import UsageError

__all__ = ["CREDENTIALS", "DEFAULT_PORT", "SWITCHES", "SplynxData", "from_lists", "make_app_for", "sample"]

DEFAULT_PORT = 8101
CREDENTIALS: Mapping[str, str] = {"api_key": "demo-splynx-key", "api_secret": "demo-splynx-secret"}
SWITCHES: Mapping[str, str] = {
    **COMMON_SWITCHES,
    "values": "strings, numbers or mixed (as most servers: sessions and services as strings)",
    "no-basic": "the key lacks `Unsecure access`: Basic authentication is refused with 401",
    "allow-ips": "the key's allowed client networks, separated by commas; others get 403",
    "forbid": "lists the key may not read, separated by commas: tariffs online customers sites services",
    "total-count": "GET carries X-total-count too",
    "no-head": "HEAD is refused with 405",
    "limit-rows": "never more than so many rows in one answer, whatever was asked",
    "odd-rows": "sessions without address, with IPv6, stale, blocked, of unknown tariffs and customers",
    "old-release": "sessions without `blocked`, tariffs without bursts",
}

_ROOT = "/api/2.0/"
_PATHS = {
    "tariffs": "admin/tariffs/internet",
    "online": "admin/customers/customers-online",
    "customers": "admin/customers/customer",
    "sites": "admin/networking/network-sites",
    "services": "admin/customers/customer/0/internet-services",
}
_VALUES = ("strings", "numbers", "mixed")
_STRINGS_WHEN_MIXED = frozenset({"online", "services"})


class _Settings(Struct, frozen=True, kw_only=True):
    """The switches of this emulator, read once."""

    values: str
    no_basic: bool
    allowed: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    forbidden: frozenset[str]
    total_count: bool
    no_head: bool
    limit_rows: int
    old_release: bool


def from_lists(lists: dict[str, list[RowDict]]) -> SplynxData:
    """Data with these lists and nothing else."""
    data = SplynxData()
    data.load(lists)
    return data


def make_app_for(data: SplynxData, options: EmulatorOptions) -> Starlette:
    """The emulator over `data`, which may change while it runs; raises `UsageError` for unknown switches."""
    check_switches(options, SWITCHES)
    if is_on(options, "odd-rows"):
        data.add_odd_rows()
    api = _Api(data, _settings(options))
    api.encode_all()
    routes = [
        Route(f"{_ROOT}{path}", api.answer, methods=["GET", "HEAD", "OPTIONS"], name=name)
        for name, path in _PATHS.items()
    ]
    routes.append(Route(f"{_ROOT}admin/api/check", api.check, methods=["GET"]))
    return Starlette(
        routes=routes,
        middleware=[Middleware(Faults, options=options, empty=b"[]")],
        exception_handlers={404: _not_found, 405: _not_allowed},
    )


def _settings(options: EmulatorOptions) -> _Settings:
    values = options.switches.get("values", "mixed")
    forbidden = words(options, "forbid")
    if values not in _VALUES or not forbidden <= _PATHS.keys():
        raise UsageError(
            f"switch values is {values!r}, forbid is {sorted(forbidden)}",
            fix=f"values: one of {', '.join(_VALUES)}; forbid: some of {', '.join(_PATHS)}",
        )
    return _Settings(
        values=values, no_basic=is_on(options, "no-basic"), allowed=tuple(_networks(options)),
        forbidden=forbidden, total_count=is_on(options, "total-count"), no_head=is_on(options, "no-head"),
        limit_rows=number(options, "limit-rows"), old_release=is_on(options, "old-release"),
    )  # fmt: skip


def _networks(options: EmulatorOptions) -> Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for word in sorted(words(options, "allow-ips")):
        try:
            yield ipaddress.ip_network(word)
        except ValueError as error:
            raise UsageError(f"switch allow-ips: {error}", fix="write networks such as 192.0.2.0/24") from None


class _Api:
    """Answers for the lists of `data`; the bytes of a whole list are kept until the data changes."""

    def __init__(self, data: SplynxData, settings: _Settings) -> None:
        self._data, self._settings = data, settings
        self._encoded: dict[str, tuple[int, bytes]] = {}

    async def answer(self, request: Request) -> Response:
        """A list: its rows, its length (HEAD) or its columns (OPTIONS)."""
        name = _list_name(request)
        refused = self._refused(request, name)
        if refused is not None:
            return refused
        if request.method == "OPTIONS":
            return _json(_columns(self._rows(name)[:1]))
        if request.method == "HEAD" and self._settings.no_head:
            return _error(405, "METHOD_DISABLED", "Method is disabled")
        try:
            chosen = _filtered(self._rows(name), request)
            body = b"" if request.method == "HEAD" else self._body(name, _page(chosen, request), request)
        except ValueError:
            return _error(400, "BAD_REQUEST", "limit and offset must be numbers")
        return self._listed(request, body, len(chosen))

    async def check(self, request: Request) -> Response:
        """The health probe: says that it is up, and nothing of permissions."""
        return self._refused(request, None) or _json({"status": "ok", "message": "API is available"})

    def _listed(self, request: Request, body: bytes, total: int) -> Response:
        count = {"X-total-count": str(total)}
        if request.method == "HEAD":
            return Response(status_code=204, headers=count)
        headers = count if self._settings.total_count else {}
        return Response(body, media_type="application/json", headers=headers)

    def _refused(self, request: Request, name: str | None) -> Response | None:
        """Refusals in the order Splynx has: client address, credentials, permission."""
        if not self._address_allowed(request):
            return _error(403, "FORBIDDEN", "Your IP address is not in the allowed list")
        given = basic_credentials(request)
        if given is None:
            return _error(401, "MISSED_AUTHORIZATION_HEADER", "Authorization header is missing")
        right = same(given[0], CREDENTIALS["api_key"]) & same(given[1], CREDENTIALS["api_secret"])
        if not right or self._settings.no_basic:
            return _error(401, "UNAUTHORIZED", "Unauthorized")
        if name in self._settings.forbidden:
            return _error(403, "FORBIDDEN", "You have no permission for this entity")
        return None

    def _address_allowed(self, request: Request) -> bool:
        if not self._settings.allowed or request.client is None:
            return True
        address = ipaddress.ip_address(request.client.host)
        return any(address in network for network in self._settings.allowed)

    def _rows(self, name: str) -> list[RowDict]:
        rows: list[RowDict] = getattr(self._data, name)
        return rows

    def _body(self, name: str, rows: list[RowDict], request: Request) -> bytes:
        return self._encode(name, rows) if request.query_params else self._whole(name)

    def encode_all(self) -> None:
        """Make the bytes of every whole list now, so that the first request does not wait for them."""
        for name in _PATHS:
            self._whole(name)

    def _whole(self, name: str) -> bytes:
        revision, body = self._encoded.get(name, (-1, b""))
        if revision != self._data.revision:
            revision, body = self._data.revision, self._encode(name, self._rows(name))
            self._encoded[name] = (revision, body)
        return body

    def _encode(self, name: str, rows: list[RowDict]) -> bytes:
        kept = rows[: self._settings.limit_rows] if self._settings.limit_rows else rows
        if self._settings.old_release:
            kept = [_as_old_release(row) for row in kept]
        strings = self._settings.values == "strings" or (
            self._settings.values == "mixed" and name in _STRINGS_WHEN_MIXED
        )
        return msgspec.json.encode([_as_strings(row) for row in kept] if strings else kept)


def _list_name(request: Request) -> str:
    path = request.url.path.removeprefix(_ROOT)
    return next(name for name, known in _PATHS.items() if known == path)


def _as_strings(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {key: _as_strings(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_strings(inner) for inner in value]
    return str(value)


def _as_old_release(row: RowDict) -> RowDict:
    return {key: value for key, value in row.items() if key != "blocked" and not key.startswith("burst_")}


def _filtered(rows: list[RowDict], request: Request) -> list[RowDict]:
    """The rows that equal every `main_attributes[FIELD]=VALUE`."""
    wanted = {
        key.removeprefix("main_attributes[").removesuffix("]"): value
        for key, value in request.query_params.items()
        if key.startswith("main_attributes[")
    }
    if not wanted:
        return rows
    return [row for row in rows if all(str(row.get(field)) == value for field, value in wanted.items())]


def _page(rows: list[RowDict], request: Request) -> list[RowDict]:
    """Sorted by `order[FIELD]=ASC|DESC`, cut by `limit` and `offset`; raises `ValueError` if unreadable."""
    for key, direction in request.query_params.items():
        if key.startswith("order["):
            field = key.removeprefix("order[").removesuffix("]")
            rows = sorted(rows, key=lambda row: _sortable(row.get(field)), reverse=direction.upper() == "DESC")
    offset = int(request.query_params.get("offset", "0"))
    limit = int(request.query_params.get("limit", str(len(rows))))
    return rows[max(0, offset) : max(0, offset) + max(0, limit)]


def _sortable(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int) else (1, str(value))


def _columns(rows: list[RowDict]) -> dict[str, Any]:
    return {
        "attributes": [
            {
                "name": name, "title": name.replace("_", " ").capitalize(),
                "type": "integer" if isinstance(value, int) else "string", "required": name == "id",
            }
            for row in rows
            for name, value in row.items()
        ],
        "additional_attributes": [],
    }  # fmt: skip


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")


def _error(status: int, internal_code: str, message: str) -> Response:
    error = {"message": message, "code": status, "internal_code": internal_code}
    return _json({"error": error}, status)


def _not_found(_: Request, __: Exception) -> Response:
    return _error(404, "NOT_FOUND", "Not found")


def _not_allowed(_: Request, __: Exception) -> Response:
    return _error(405, "METHOD_DISABLED", "Method is disabled")
