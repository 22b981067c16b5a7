"""A WispHub on loopback: clients and plans by limit and offset, speeds on each plan's page.

Facts: WispHub, 2 to 5, 9 and 10.
"""

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
from generator.demo.sample import LOGINS, PLANS, SITES, Lists, RowDict, address, person
from generator.errors import UsageError

DEFAULT_PORT = 8104
CREDENTIALS: Mapping[str, str] = {"api_key": "demo-wisphub-key"}
SWITCHES: Mapping[str, str] = {
    **COMMON_SWITCHES,
    "forbid": "lists that the key may not read, separated by commas: clients plans",
    "no-slash": "lists are found without the slash at the end only",
    "slash-redirect": "a path without the slash is answered with 301 (as it is when this is off: 404)",
    "bare-plans": "the list of plans is a bare array",
    "max-limit": "never more rows in a page, whatever was asked",
    "limit-rows": "pages after so many rows are empty, though more are counted",
    "drift": "a client is deleted after the first page of clients",
}

_CLIENTS, _PLANS = "/api/clientes/", "/api/plan-internet/"
_LISTS = {"clients": _CLIENTS, "plans": _PLANS}
_PAGE_ROWS, _FIRST_PLAN, _FIRST_SERVICE = 10, 8801, 3001
_SUSPENDED_EVERY, _CANCELLED_EVERY, _FREE_EVERY = 25, 30, 40


class WisphubData(Lists):
    """`clients`, and `plans` with what their own pages show (`bajada`, `subida`, `precio`)."""

    NAMES: ClassVar[tuple[str, ...]] = ("clients", "plans")
    clients: list[RowDict]
    plans: list[RowDict]


def from_lists(lists: dict[str, list[RowDict]]) -> WisphubData:
    """Data with these lists and nothing else."""
    data = WisphubData()
    data.load(lists)
    return data


def sample(customers: int, seed: int) -> WisphubData:
    """A WispHub with so many clients; some are suspended, cancelled or free."""
    chance, data = random.Random(seed), WisphubData()  # noqa: S311 - sample data, the same for the same seed
    for at, (name, down, up) in enumerate(PLANS):
        data.plans.append({
            "id": _FIRST_PLAN + at, "nombre": name, "tipo": "PPPOE" if at % 2 else "SIMPLE QUEUE", "descripcion": "",
            "precio": "45000.00", "bajada": f"{down}k", "subida": f"{up}k",
        })  # fmt: skip
    for at in range(customers):
        data.clients.append(_client(at, data.plans[chance.randrange(len(data.plans))], chance))
    return data


def _client(at: int, plan: RowDict, chance: random.Random) -> RowDict:
    login, zone = f"{LOGINS[at % len(LOGINS)]}{at}", at % len(SITES)
    return {
        "id_servicio": _FIRST_SERVICE + at, "usuario": f"{login}@demo", "nombre": " ".join(person(chance)),
        "email": "", "cedula": "", "telefono": "555010,555011", "estado": _status(at), "ip": address(at),
        "ip_local": None, "mac_cpe": "", "servicio": login,
        "plan_internet": {"id": plan["id"], "nombre": plan["nombre"]},
        "precio_plan": "45000.00", "saldo": "0.00", "estado_facturas": "Pagadas",
        "zona": {"id": 70 + zone, "nombre": SITES[zone]}, "router": {"id": 55, "nombre": "RB-NORTE"},
        "sectorial": {"id": 90 + at % 5, "nombre": f"AP {at % 5}"}, "fecha_instalacion": "15/01/2026 14:49:00",
        "password_cpe": f"secreto-cpe-{at}", "password_servicio": f"secreto-servicio-{at}",
        "password_router_wifi": f"secreto-wifi-{at}", "password_ssid_router_wifi": f"secreto-ssid-{at}",
        "coordenadas": "19.4326,-99.1332",
    }  # fmt: skip


def _status(at: int) -> str:
    for every, status in ((_SUSPENDED_EVERY, "Suspendido"), (_CANCELLED_EVERY, "Cancelado"), (_FREE_EVERY, "Gratis")):
        if at % every == every - 1:
            return status
    return "Activo"


def make_app_for(data: WisphubData, options: EmulatorOptions) -> Starlette:
    """The emulator over `data`, which may change while it runs; raises `UsageError` for unknown switches."""
    check_switches(options, SWITCHES)
    api = _Api(data, options)
    routes = [Route(f"{_PLANS}{{kind}}/{{plan}}/", api.plan, methods=["GET"])]
    for name, path in _LISTS.items():
        routes.append(Route(path, api.slashed, methods=["GET"], name=name))
        routes.append(Route(path.rstrip("/"), api.bare, methods=["GET"], name=f"{name} without a slash"))
    app = Starlette(routes=routes, middleware=[Middleware(Faults, options=options)])
    app.router.redirect_slashes = False
    return app


class _Api:
    """Answers pages, and the pages of single plans."""

    def __init__(self, data: WisphubData, options: EmulatorOptions) -> None:
        self._data = data
        self._forbidden = words(options, "forbid")
        if not self._forbidden <= _LISTS.keys():
            raise UsageError(f"switch forbid is {sorted(self._forbidden)}", fix=f"some of: {', '.join(_LISTS)}")
        self._no_slash, self._redirects = is_on(options, "no-slash"), is_on(options, "slash-redirect")
        self._bare_plans, self._empty = is_on(options, "bare-plans"), is_on(options, "empty-list")
        self._max, self._limit_rows = number(options, "max-limit"), number(options, "limit-rows")
        self._drift = is_on(options, "drift")

    async def slashed(self, request: Request) -> Response:
        """A list at its path with the slash."""
        return _not_found() if self._no_slash else self._list(request)

    async def bare(self, request: Request) -> Response:
        """A list at its path without the slash."""
        if self._no_slash:
            return self._list(request)
        if self._redirects:
            return Response(status_code=301, headers={"Location": f"{request.url.path}/"})
        return _not_found()

    async def plan(self, request: Request) -> Response:
        """One plan's page; PCQ plans have none."""
        refused = self._refused(request, "plans")
        if refused is not None:
            return refused
        for row in self._data.plans:
            if str(row.get("id")) == request.path_params["plan"]:
                kind = str(row.get("tipo")).casefold()
                route = "pppoe" if "ppp" in kind else "queue" if "queue" in kind else ""
                if route == request.path_params["kind"]:
                    return _json({name: value for name, value in row.items() if name not in {"id", "tipo"}})
        return _not_found()

    def _list(self, request: Request) -> Response:
        name = next(name for name, path in _LISTS.items() if request.url.path.rstrip("/") == path.rstrip("/"))
        refused = self._refused(request, name)
        if refused is not None:
            return refused
        try:
            limit = int(request.query_params.get("limit", str(_PAGE_ROWS)))
            offset = int(request.query_params.get("offset", "0"))
        except ValueError:
            return _json({"detail": "Parámetro inválido."}, 400)
        return self._page(request, name, min(limit, self._max) if self._max else limit, offset)

    def _page(self, request: Request, name: str, limit: int, offset: int) -> Response:
        rows: list[RowDict] = [] if self._empty else getattr(self._data, name)
        if self._drift and name == "clients" and offset:
            self._drift = False
            del rows[0]
        part = [] if self._limit_rows and offset >= self._limit_rows else rows[offset : offset + limit]
        if name == "plans":
            part = [{field: row.get(field) for field in ("id", "nombre", "tipo")} if isinstance(row, dict) else row
                    for row in part]  # fmt: skip
            if self._bare_plans:
                return _json(part)
        end = offset + len(part)
        following = f"http://{request.url.netloc}{request.url.path}?limit={limit}&offset={end}"
        envelope = {"count": len(rows), "next": following if end < len(rows) else None, "previous": None}
        return _json({**envelope, "results": part})

    def _refused(self, request: Request, name: str) -> Response | None:
        if not same(request.headers.get("Authorization", ""), f"Api-Key {CREDENTIALS['api_key']}"):
            return _json({"detail": "Las credenciales de autenticación no se proveyeron."}, 401)
        if name in self._forbidden:
            return _json({"detail": "Usted no tiene permiso para realizar esta acción."}, 403)
        return None


def _not_found() -> Response:
    return _json({"detail": "No encontrado."}, 404)


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
