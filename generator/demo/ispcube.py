"""An ISPCube on loopback: its pull API with four headers, a token and bulk lists (facts: systems that push, 4)."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from generator.demo.emulator import COMMON_SWITCHES, EmulatorOptions, Faults, check_switches, is_on, number, same, words
from generator.demo.sample import LOGINS, PLANS, SITES, Lists, RowDict, address, mac, person
from generator.errors import UsageError

DEFAULT_PORT = 8466
CREDENTIALS: Mapping[str, str] = {
    "api_key": "demo-ispcube-key", "client_id": "demo-ispcube-client", "username": "demo-ispcube-user",
    "password": "demo-ispcube-password",
}  # fmt: skip
HOST_VARS: Mapping[str, Any] = {
    "mode": "pull", "plan_speed_members": {"download": "download_kbps", "upload": "upload_kbps"},
}  # fmt: skip
SWITCHES: Mapping[str, str] = {
    **COMMON_SWITCHES,
    "forbid": "lists that the user may not read, separated by commas: customers connections plans nodes",
    "token-shape": "the answer with the token is: json (a string), text, object, data-string, data-object",
    "token-lasts": "a token is refused after so many requests",
    "connections-delay-ms": "wait so many milliseconds before the list of connections (ISPCube: about 20,000)",
    "over-quota-after": "requests after the first N are refused with 429 (a real ISPCube bills them)",
    "max-limit": "never more customers in a page, whatever limit asks for",
    "limit-rows": "pages of customers after so many rows are empty, though there are more",
    "vanish": "the first customer is deleted once the first page of customers was sent",
    "envelope": "lists come as the member data of an object",
    "error-200": "every list is refused with a message and HTTP 200",
    "strings": "every number is a string",
}

_PATHS = {
    "customers": "/api/customers/customers_list",
    "connections": "/api/connections/connections_list",
    "plans": "/api/plans/plans_list",
    "nodes": "/api/nodes/nodes_list",
}
_HEADERS = {"api-key": "api_key", "client-id": "client_id", "username": "username"}
_PAGE_ROWS = 50
_TWO_EVERY, _NONE_EVERY, _BLOCKED_EVERY, _OFF_EVERY, _DYNAMIC_EVERY, _REUSED_EVERY = 15, 20, 18, 25, 22, 28


class IspcubeData(Lists):
    """The four lists, rows as the API shows them."""

    NAMES: ClassVar[tuple[str, ...]] = tuple(_PATHS)
    customers: list[RowDict]
    connections: list[RowDict]
    plans: list[RowDict]
    nodes: list[RowDict]


def from_lists(lists: dict[str, list[RowDict]]) -> IspcubeData:
    """Data with these lists and nothing else."""
    data = IspcubeData()
    data.load(lists)
    return data


def sample(customers: int, seed: int) -> IspcubeData:
    """An ISPCube with so many customers: most have one connection, some two or none, some share a deleted one's ip."""
    chance, data = random.Random(seed), IspcubeData()  # noqa: S311 - sample data, the same for the same seed
    data.nodes += [{"id": 1 + at, "name": name.upper(), "comment": ""} for at, name in enumerate(SITES)]
    data.plans += [
        {"id": 11 + at, "name": name, "price": "9500.00", "download_kbps": down, "upload_kbps": up}
        for at, (name, down, up) in enumerate(PLANS)
    ]
    for at in range(customers):
        data.customers.append(_customer(at, chance))
        count = 0 if _turn(at, _NONE_EVERY) else 2 if _turn(at, _TWO_EVERY) else 1
        for _ in range(count):
            data.connections.append(_connection(data, at, chance))
        if count and _turn(at, _REUSED_EVERY):
            gone = _connection(data, at, chance) | {"ip": data.connections[-1]["ip"], "deleted": 1}
            data.connections.append(gone)
    return data


def _turn(at: int, every: int) -> bool:
    return at % every == every - 1


def _customer(at: int, chance: random.Random) -> RowDict:
    given, family = person(chance)
    return {
        "id": 801 + at, "code": f"{at + 1:06d}", "name": f"{family} {given}".upper(), "doc_number": str(20000000 + at),
        "status": "no_service" if _turn(at, _OFF_EVERY) else "enabled", "block": int(_turn(at, _BLOCKED_EVERY)),
        "block_date": None, "debt": "0.00", "duedebt": "0.00", "free": 0, "temporary": 0, "speed_limited": 0,
        "deleted": 0,
    }  # fmt: skip


def _connection(data: IspcubeData, at: int, chance: random.Random) -> RowDict:
    place = len(data.connections)
    return {
        "id": 5001 + place, "customer_id": 801 + at, "ip": None if _turn(place, _DYNAMIC_EVERY) else address(place),
        "local_ip": None, "conntype": "pppoe", "plan_id": 11 + chance.randrange(len(PLANS)),
        "node_id": 1 + chance.randrange(len(SITES)), "olt_id": None, "board": None, "pon": None, "onu_sn": None,
        "user": f"{LOGINS[at % len(LOGINS)]}{place}", "password": f"demo-pppoe-password-{place}", "mac": mac(place),
        "address": "", "oldcode": None, "lat": "-31.4", "lng": "-64.2", "deleted": 0,
    }  # fmt: skip


def make_app_for(data: IspcubeData, options: EmulatorOptions) -> Starlette:
    """The emulator over `data`, which may change while it runs; raises `UsageError` for unknown switches."""
    check_switches(options, SWITCHES)
    api = _Api(data, options)
    routes = [Route(path, api.listing, methods=["GET"], name=name) for name, path in _PATHS.items()]
    return Starlette(
        routes=[Route("/api/sanctum/token", api.token, methods=["POST"]), *routes],
        middleware=[Middleware(Faults, options=options)],
    )


class _Api:
    """Gives out tokens, and lists to who has one."""

    def __init__(self, data: IspcubeData, options: EmulatorOptions) -> None:
        self._data = data
        self._forbidden = words(options, "forbid")
        if not self._forbidden <= _PATHS.keys():
            raise UsageError(f"switch forbid is {sorted(self._forbidden)}", fix=f"some of: {', '.join(_PATHS)}")
        self._shape = _shape(options)
        self._envelope, self._strings = is_on(options, "envelope"), is_on(options, "strings")
        self._refused, self._empty = is_on(options, "error-200"), is_on(options, "empty-list")
        self._vanish = is_on(options, "vanish")
        self._delay_s = number(options, "connections-delay-ms") / 1000
        self._lasts, self._quota = number(options, "token-lasts"), number(options, "over-quota-after")
        self._max, self._rows = number(options, "max-limit"), number(options, "limit-rows")
        self._left: dict[str, int] = {}
        """The tokens, and how many more requests each is good for."""
        self._count = 0

    async def token(self, request: Request) -> Response:
        """A token for user and password."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        try:
            body = msgspec.json.decode(await request.body(), type=dict[str, str])
        except msgspec.MsgspecError:
            return _error(422, "The given data was invalid.")
        if not all(same(body.get(name, ""), CREDENTIALS[name]) for name in ("username", "password")):
            return _error(401, "Credenciales incorrectas")
        token = f"{len(self._left) + 1}|demoIspcubeToken{len(self._left) + 1:032d}"
        self._left[token] = self._lasts or 1 << 62
        return self._shaped(token)

    async def listing(self, request: Request) -> Response:
        """One list whole, or a page of customers."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        name = next(name for name, path in _PATHS.items() if path == request.url.path)
        if not self._is_let_in(request):
            return _json({"message": "Unauthenticated."}, 401)
        if name in self._forbidden:
            return _error(403, "No tiene permisos")
        if self._refused:
            return _json({"status": False, "message": "Error interno"})
        if name == "connections":
            await asyncio.sleep(self._delay_s)
        rows: list[RowDict] = [] if self._empty else getattr(self._data, name)
        try:
            return self._list(self._page(request, rows) if name == "customers" else rows)
        except ValueError:
            return _error(422, "The limit must be an integer.")

    def _refusal(self, request: Request) -> Response | None:
        """400 for a header that is missing, by its name; 401 for another's; 429 when there were too many requests."""
        self._count += 1
        if self._quota and self._count > self._quota:
            return _error(429, "Limite de consultas excedido")
        for header in ("api-key", "client-id", "login-type", "username"):
            if not request.headers.get(header):
                return _error(400, f"{header} requerido")
        right = all(same(request.headers[header], CREDENTIALS[name]) for header, name in _HEADERS.items())
        return None if right and request.headers["login-type"] == "api" else _error(401, "Credenciales incorrectas")

    def _is_let_in(self, request: Request) -> bool:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._left.get(token, 0) <= 0:
            return False
        self._left[token] -= 1
        return True

    def _page(self, request: Request, rows: list[RowDict]) -> list[RowDict]:
        limit = int(request.query_params.get("limit", _PAGE_ROWS))
        offset = int(request.query_params.get("offset", "0"))
        if self._vanish and offset and rows:
            self._vanish = False
            del rows[0]
        if self._rows and offset >= self._rows:
            return []
        return rows[offset : offset + (min(limit, self._max) if self._max else limit)]

    def _list(self, rows: list[RowDict]) -> Response:
        shown = [_as_strings(row) for row in rows] if self._strings else rows
        return _json({"status": True, "data": shown} if self._envelope else shown)

    def _shaped(self, token: str) -> Response:
        if self._shape == "text":
            return Response(token, media_type="text/plain")
        shapes: Mapping[str, Any] = {
            "json": token, "object": {"token": token}, "data-string": {"data": token},
            "data-object": {"status": True, "data": {"token": token}},
        }  # fmt: skip
        return _json(shapes[self._shape])


def _shape(options: EmulatorOptions) -> str:
    shapes = ("json", "text", "object", "data-string", "data-object")
    shape = options.switches.get("token-shape", shapes[0])
    if shape not in shapes:
        raise UsageError(f"switch token-shape is {shape!r}", fix=f"one of: {', '.join(shapes)}")
    return shape


def _as_strings(row: RowDict) -> RowDict:
    return {name: str(value) if isinstance(value, int) else value for name, value in row.items()}


def _error(status: int, message: str) -> Response:
    return _json({"status": False, "message": message}, status)


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
