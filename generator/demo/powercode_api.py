"""A Powercode's REST API on loopback: one URL, actions, and a limit of three requests a second.

Facts: Powercode REST, 2 to 6 and 10.
"""

import random
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from generator.demo.emulator import COMMON_SWITCHES, EmulatorOptions, Faults, check_switches, is_on, number, same, words
from generator.demo.sample import PLANS, Lists, RowDict, address, mac, person
from generator.errors import UsageError

DEFAULT_PORT = 8123
CREDENTIALS: Mapping[str, str] = {"api_key": "demo-powercode-api-key"}
SWITCHES: Mapping[str, str] = {
    **COMMON_SWITCHES,
    "numbers": "ids and rates are numbers, not strings",
    "no-json": "a body that is no form is refused",
    "no-limit": "any number of requests a second",
    "over-limit": "what comes too fast gets: 429, status (a statusCode with HTTP 200) or drop (a cut connection)",
    "wrong-address": "the key belongs to another client address",
    "fail-customers": "customers whose calls are refused by statusCode, separated by commas",
    "empty-says": "a category without equipment gets a statusCode and this message",
    "lists-as-objects": "lists come as objects keyed by numbers, empty objects as []",
    "limit-rows": "never more equipment in one answer",
}

_PATHS = ("/api/1/index.php", "/api/1/")
_WINDOW_S, _ALLOWED = 1.0, 3
_REACTIONS = ("429", "status", "drop")
_FIRST_CUSTOMER, _FIRST_EQUIPMENT, _FIRST_SERVICE = 5001, 7001, 61
_BLOCKED_EVERY, _LOCATIONS = 25, 12


class PowercodeApiData(Lists):
    """`equipment` by `getEquipmentByCategory`, `services` (with their `customerID`), `customers`."""

    NAMES: ClassVar[tuple[str, ...]] = ("equipment", "services", "customers")
    equipment: list[RowDict]
    services: list[RowDict]
    customers: list[RowDict]


def from_lists(lists: dict[str, list[RowDict]]) -> PowercodeApiData:
    """Data with these lists and nothing else."""
    data = PowercodeApiData()
    data.load(lists)
    return data


def sample(customers: int, seed: int) -> PowercodeApiData:
    """A Powercode with so many customers, a CPE each; some do not pay; one piece is the provider's own."""
    chance, data = random.Random(seed), PowercodeApiData()  # noqa: S311 - sample data, the same for the same seed
    data.equipment.append(_equipment(0, "1"))
    for at in range(customers):
        customer = str(_FIRST_CUSTOMER + at)
        status = "Inactive" if at % _BLOCKED_EVERY == _BLOCKED_EVERY - 1 else "Active"
        plan = chance.randrange(len(PLANS))
        name, down, up = PLANS[plan]
        data.equipment.append(_equipment(at + 1, customer))
        data.services.append({
            "customerID": customer, "serviceID": str(_FIRST_SERVICE + plan), "type": "Monthly Internet",
            "status": status, "description": name, "quantity": "1",
            "internetInfo": {
                "maxIn": str(down), "maxOut": str(up), "burstIn": str(down * 3 // 2), "burstOut": str(up * 3 // 2),
            },
        })  # fmt: skip
        data.services.append({
            "customerID": customer, "serviceID": "9", "type": "Monthly", "status": "Active",
            "description": "Router rental",
        })  # fmt: skip
        data.customers.append({"customerId": customer, "companyName": " ".join(person(chance)), "status": status})
    return data


def _equipment(at: int, customer: str) -> RowDict:
    return {
        "equipmentID": str(_FIRST_EQUIPMENT + at), "name": f"CPE {at}", "endUserId": customer, "ipAddress": address(at),
        "ipv6Address": "", "macAddress": mac(at), "locationId": str(1 + at % _LOCATIONS), "category": "1",
    }  # fmt: skip


def make_app_for(data: PowercodeApiData, options: EmulatorOptions) -> Starlette:
    """The emulator over `data`, which may change while it runs; raises `UsageError` for unknown switches."""
    check_switches(options, SWITCHES)
    api = _Api(data, options)
    return Starlette(
        routes=[Route(path, api.answer, methods=["POST"]) for path in _PATHS],
        middleware=[Middleware(Faults, options=options)],
    )


class _Api:
    """Answers the actions."""

    def __init__(self, data: PowercodeApiData, options: EmulatorOptions) -> None:
        self._data, self._options = data, options
        self._reaction = options.switches.get("over-limit", "429")
        if self._reaction not in _REACTIONS:
            raise UsageError(f"switch over-limit is {self._reaction!r}", fix=f"one of: {', '.join(_REACTIONS)}")
        self._no_json, self._numbers = is_on(options, "no-json"), is_on(options, "numbers")
        self._objects, self._empty = is_on(options, "lists-as-objects"), is_on(options, "empty-list")
        self._wrong_address, self._unlimited = is_on(options, "wrong-address"), is_on(options, "no-limit")
        self._failing, self._limit_rows = words(options, "fail-customers"), number(options, "limit-rows")
        self._recent: deque[float] = deque()
        self._revision = -1
        self._by_customer: dict[str, dict[str, list[RowDict]]] = {}

    async def answer(self, request: Request) -> Response:
        """One call."""
        if not self._unlimited and self._too_fast():
            return self._slow_down(request)
        fields = self._fields(request, await request.body())
        if fields is None:
            return _refusal(2, "Request is not readable")
        if self._wrong_address or not same(str(fields.get("apiKey", "")), CREDENTIALS["api_key"]):
            return _refusal(1, "Invalid API key or IP address")
        actions = {
            "getEquipmentByCategory": self._equipment,
            "readCustomerService": self._services,
            "readCustomer": self._customer,
        }
        action = actions.get(str(fields.get("action")))
        return action(fields) if action else _refusal(3, "Unknown action")

    def _too_fast(self) -> bool:
        now_s = time.monotonic()
        while self._recent and now_s - self._recent[0] >= _WINDOW_S:
            self._recent.popleft()
        self._recent.append(now_s)
        return len(self._recent) > _ALLOWED

    def _slow_down(self, request: Request) -> Response:
        if self._reaction == "status":
            return _refusal(42, "Too many requests, limit is 3 per second")
        if self._reaction == "drop":
            request.scope["state"]["transport"].close()
        return Response("slow down", status_code=429)

    def _fields(self, request: Request, body: bytes) -> Mapping[str, Any] | None:
        if "json" not in request.headers.get("Content-Type", ""):
            return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if self._no_json:
            return None
        try:
            decoded: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError:
            return None
        return decoded

    def _equipment(self, fields: Mapping[str, Any]) -> Response:
        wanted = str(fields.get("equipmentCategory"))
        rows = [row for row in self._data.equipment if str(row.get("category", "1")) == wanted and not self._empty]
        empty_says = self._options.switches.get("empty-says")
        if not rows and empty_says:
            return _refusal(17, empty_says)
        return self._ok("Equipment List", equipment=self._list(rows[: self._limit_rows or None]))

    def _services(self, fields: Mapping[str, Any]) -> Response:
        customer = str(fields.get("customerID"))
        if customer in self._failing:
            return _refusal(5, "Customer is locked")
        return self._ok("Customer Services", services=self._list(self._of("services", customer)))

    def _customer(self, fields: Mapping[str, Any]) -> Response:
        found = self._of("customers", str(fields.get("customerID")))
        return self._ok("Customer", customer=found[0]) if found else _refusal(6, "Customer not found")

    def _of(self, name: str, customer: str) -> list[RowDict]:
        """The rows of one customer; the index is made anew when the data changed."""
        if self._revision != self._data.revision:
            self._revision = self._data.revision
            self._by_customer = {"services": {}, "customers": {}}
            for row in self._data.services:
                self._by_customer["services"].setdefault(str(row.get("customerID")), []).append(row)
            for row in self._data.customers:
                self._by_customer["customers"].setdefault(str(row.get("customerId")), []).append(row)
        rows = self._by_customer[name].get(customer, [])
        return [{field: value for field, value in row.items() if field != "customerID"} for row in rows]

    def _list(self, rows: list[RowDict]) -> Any:
        rows = [_as_numbers(row) for row in rows] if self._numbers else rows
        return {str(at * 2): row for at, row in enumerate(rows)} if self._objects and rows else rows

    def _ok(self, message: str, **members: Any) -> Response:
        return _json({"message": message, "statusCode": 0, **members})


def _as_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_numbers(inner) for key, inner in value.items()}
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _refusal(code: int, message: str) -> Response:
    return _json({"statusCode": code, "message": message})


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
