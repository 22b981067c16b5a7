"""A Wispro on loopback: pages in envelopes, errors with HTTP 200 (facts: Wispro, 2 to 5 and 10)."""

import random
import uuid
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

DEFAULT_PORT = 8103
CREDENTIALS: Mapping[str, str] = {"api_key": "demo-wispro-5f0c1c1e-token"}
SWITCHES: Mapping[str, str] = {
    **COMMON_SWITCHES,
    "forbid": "lists that the token may not read, separated by commas: plans clients contracts nodes",
    "licence-expired": "every answer has the status 402",
    "busy-first-n": "the first N answers have the status 500 with HTTP 200",
    "http-status": "errors have their real HTTP status too",
    "max-per-page": "never more rows in a page (Wispro's own maximum is 1000)",
    "limit-rows": "pages after so many rows are empty, though more are announced",
    "vanish": "a contract is deleted after the first page of contracts",
    "strings": "every number is a string",
}

_LISTS = ("plans", "clients", "contracts", "nodes")
_ROOT = "/api/v1/"
_PER_PAGE, _MAX_PER_PAGE = 20, 1000
_BLOCKED_EVERY, _OFFLINE_EVERY, _NAMESPACE = 20, 30, uuid.UUID("6f0c1c1e-0000-4000-8000-000000000000")


class WisproData(Lists):
    """The four lists, rows as the API shows them."""

    NAMES: ClassVar[tuple[str, ...]] = _LISTS
    plans: list[RowDict]
    clients: list[RowDict]
    contracts: list[RowDict]
    nodes: list[RowDict]


def from_lists(lists: dict[str, list[RowDict]]) -> WisproData:
    """Data with these lists and nothing else."""
    data = WisproData()
    data.load(lists)
    return data


def _id(kind: str, at: int) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{kind}-{at}"))


def sample(customers: int, seed: int) -> WisproData:
    """A Wispro with so many clients, a contract each; some are disabled, some plans are separators."""
    chance, data = random.Random(seed), WisproData()  # noqa: S311 - sample data, the same for the same seed
    data.nodes += [{"id": _id("node", at), "name": name} for at, name in enumerate(SITES)]
    data.plans.append(_plan(0, "------ RURAL ------", 0, 0))
    data.plans += [_plan(at, name, down, up) for at, (name, down, up) in enumerate(PLANS, 1)]
    for at in range(customers):
        given, family = person(chance)
        data.clients.append({
            "id": _id("client", at), "public_id": 1001 + at, "custom_id": "", "name": f"{given} {family}",
            "email": f"{LOGINS[at % len(LOGINS)]}{at}@example.net", "address": "", "phone": "", "state": "",
            "created_at": "2024-03-01T10:00:00.000-03:00",
        })  # fmt: skip
        data.contracts.append(_contract(at, chance))
    return data


def _plan(at: int, name: str, down: int, up: int) -> RowDict:
    return {
        "id": _id("plan", at), "public_id": 31 + at, "name": name, "ceil_down_kbps": down, "ceil_up_kbps": up,
        "cir": "0.125", "price": "95000.0", "frequency_in_months": 1, "contracts_count": 0,
    }  # fmt: skip


def _contract(at: int, chance: random.Random) -> RowDict:
    node = chance.randrange(len(SITES))
    return {
        "id": _id("contract", at), "public_id": 2001 + at, "client_id": _id("client", at),
        "plan_id": _id("plan", 1 + chance.randrange(len(PLANS))),
        "state": "disabled" if at % _BLOCKED_EVERY == _BLOCKED_EVERY - 1 else "enabled",
        "start_date": "2024-03-01", "ip": address(at), "netmask": "255.255.255.255", "mac_address": mac(at),
        "node_id": _id("node", node), "node_name": None if at % _OFFLINE_EVERY == 1 else SITES[node],
        "pppoe_enabled": True, "pppoe_username": f"u{at}", "pppoe_password": f"demo-pppoe-password-{at}",
        "wifi_password": f"demo-wifi-password-{at}", "ceil_dfl_percent": 10, "latitude": "-34.6", "longitude": "-58.4",
    }  # fmt: skip


def make_app_for(data: WisproData, options: EmulatorOptions) -> Starlette:
    """The emulator over `data`, which may change while it runs; raises `UsageError` for unknown switches."""
    check_switches(options, SWITCHES)
    api = _Api(data, options)
    return Starlette(
        routes=[Route(f"{_ROOT}{name}", api.answer, methods=["GET"], name=name) for name in _LISTS],
        middleware=[Middleware(Faults, options=options)],
    )


class _Api:
    """Answers pages of lists."""

    def __init__(self, data: WisproData, options: EmulatorOptions) -> None:
        self._data = data
        self._forbidden = words(options, "forbid")
        if not self._forbidden <= set(_LISTS):
            raise UsageError(f"switch forbid is {sorted(self._forbidden)}", fix=f"some of: {', '.join(_LISTS)}")
        self._expired, self._http_status = is_on(options, "licence-expired"), is_on(options, "http-status")
        self._strings, self._empty = is_on(options, "strings"), is_on(options, "empty-list")
        self._busy, self._limit_rows = number(options, "busy-first-n"), number(options, "limit-rows")
        self._max = number(options, "max-per-page") or _MAX_PER_PAGE
        self._vanish = is_on(options, "vanish")

    async def answer(self, request: Request) -> Response:
        """One page, or an error in the envelope's own status."""
        name = request.url.path.removeprefix(_ROOT)
        if self._busy:
            self._busy -= 1
            return self._error(500, "Internal Server Error")
        if not same(request.headers.get("Authorization", ""), CREDENTIALS["api_key"]):
            return self._error(401, "Unauthorized")
        if self._expired:
            return self._error(402, "Payment Required")
        if name in self._forbidden:
            return self._error(403, "Forbidden")
        try:
            page = max(1, int(request.query_params.get("page", "1")))
            size = min(self._max, max(1, int(request.query_params.get("per_page", str(_PER_PAGE)))))
        except ValueError:
            return self._error(400, "page is invalid")
        return self._page(name, page, size)

    def _page(self, name: str, page: int, size: int) -> Response:
        rows: list[RowDict] = [] if self._empty else getattr(self._data, name)
        if self._vanish and name == "contracts" and page > 1:
            self._vanish = False
            del rows[0]
        part = rows[(page - 1) * size : page * size]
        if self._limit_rows and (page - 1) * size >= self._limit_rows:
            part = []
        pagination = {
            "total_records": len(rows), "total_pages": -(-len(rows) // size), "per_page": size, "current_page": page,
        }  # fmt: skip
        data = [_as_strings(row) for row in part] if self._strings else part
        return _json({"status": 200, "meta": {"object": name[:-1], "pagination": pagination}, "data": data})

    def _error(self, status: int, message: str) -> Response:
        body = {"status": status, "meta": {}, "message": message, "errors": {}}
        return _json(body, status if self._http_status else 200)


def _as_strings(row: RowDict) -> RowDict:
    return {name: str(value) if isinstance(value, int) else value for name, value in row.items()}


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
