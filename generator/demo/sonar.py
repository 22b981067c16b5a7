"""A Sonar v2 on loopback: its GraphQL with a real schema (facts: Sonar, 2 to 6 and 9)."""

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
from generator.demo.graphql_api import Answers, read_request, root_fields, with_errors
from generator.demo.sample import PLANS, SITES, Lists, RowDict, address, person
from generator.demo.sonar_schema import Links, cut, sonar_schema
from generator.errors import UsageError

DEFAULT_PORT = 8107
CREDENTIALS: Mapping[str, str] = {"api_key": "demo-sonar-token"}
SWITCHES: Mapping[str, str] = {
    **COMMON_SWITCHES,
    "numbers": "ids are numbers, not strings",
    "max-per-page": "never more records in a page, whatever was asked",
    "limit-rows": "pages after so many records are empty, though more are counted",
    "errors": "queries answered with `errors`, separated by commas: histories services parents",
    "errors-beside-data": "the same, but the data comes too",
    "unauthenticated": "a wrong token is refused with HTTP 200 and `errors`",
    "throttle-first-n": "the first N queries are refused: Request limit of 400/min reached",
    "items-have-no-addresses": "the schema knows no addresses of inventory items themselves",
    "no-page-info-totals": "page_info says 0 pages and 0 records, always",
    "removed-too": "the filter of removed addresses is ignored",
}

_PATH = "/api/graphql"
_FIELDS = {"histories": "ip_assignment_histories", "services": "services", "parents": "ip_assignments"}
_STATUSES = (("1", "Active", True), ("2", "Inactive", False), ("3", "Lead", False), ("4", "Employee", True))
_INACTIVE_EVERY, _EMPLOYEE_EVERY, _DELINQUENT_EVERY = 20, 50, 15


class SonarData(Lists):
    """The lists that the queries reach, linked by ids."""

    NAMES: ClassVar[tuple[str, ...]] = (
        "accounts", "account_statuses", "account_services", "services", "ip_assignment_histories", "ip_assignments",
        "inventory_items", "inventory_model_field_data", "network_sites",
    )  # fmt: skip
    accounts: list[RowDict]
    account_statuses: list[RowDict]
    account_services: list[RowDict]
    services: list[RowDict]
    ip_assignment_histories: list[RowDict]
    ip_assignments: list[RowDict]
    inventory_items: list[RowDict]
    inventory_model_field_data: list[RowDict]
    network_sites: list[RowDict]


def from_lists(lists: dict[str, list[RowDict]]) -> SonarData:
    """Data with these lists and nothing else."""
    data = SonarData()
    data.load(lists)
    return data


def sample(customers: int, seed: int) -> SonarData:
    """A Sonar with so many accounts, a CPE each under one of some access points; some are inactive."""
    chance, data = random.Random(seed), SonarData()  # noqa: S311 - sample data, the same for the same seed
    data.account_statuses += [{"id": key, "name": name, "activates_account": on} for key, name, on in _STATUSES]
    for at, (name, down, up) in enumerate(PLANS, 1):
        detail = {"id": str(at), "download_speed_kilobits_per_second": down, "upload_speed_kilobits_per_second": up}
        data.services.append(
            {"id": str(at), "name": name, "type": "DATA", "enabled": True, "data_service_detail": detail}
        )
    data.services.append({"id": "90", "name": "Router rental", "type": "RECURRING", "enabled": True})
    for at, name in enumerate(SITES, 1):
        _device(data, f"ap{at}", parent=None)
        _assign(data, f"ap{at}", f"10.255.0.{at}", description=name)
    for at in range(customers):
        _account(data, at, chance)
    return data


def _device(data: SonarData, key: str, *, parent: str | None) -> None:
    data.inventory_items.append({"id": key, "status": "GOOD", "parent_inventory_item_id": parent})
    data.inventory_model_field_data.append({"id": f"d-{key}", "value": "", "inventory_item_id": key})


def _assign(data: SonarData, device: str, subnet: str, *, description: str | None = None) -> None:
    data.ip_assignments.append({
        "id": str(len(data.ip_assignments) + 1), "subnet": subnet, "description": description, "soft": False,
        "ipassignmentable_type": "InventoryModelFieldData", "ipassignmentable_id": f"d-{device}",
    })  # fmt: skip


def _account(data: SonarData, at: int, chance: random.Random) -> None:
    key, inactive = str(1001 + at), at % _INACTIVE_EVERY == _INACTIVE_EVERY - 1
    status = "2" if inactive else "4" if at % _EMPLOYEE_EVERY == _EMPLOYEE_EVERY - 1 else "1"
    data.accounts.append({
        "id": key, "name": " ".join(person(chance)), "account_status_id": status, "archived_at": None,
        "is_delinquent": at % _DELINQUENT_EVERY == _DELINQUENT_EVERY - 1, "parent_account_id": None,
    })  # fmt: skip
    for service in ("90", str(1 + chance.randrange(len(PLANS)))):
        data.account_services.append({
            "id": str(len(data.account_services) + 1), "account_id": key, "service_id": service, "quantity": 1,
        })  # fmt: skip
    _device(data, f"cpe{key}", parent=f"ap{1 + at % len(SITES)}")
    _assign(data, f"cpe{key}", address(at))
    data.ip_assignment_histories.append({
        "id": str(9001 + at), "subnet": address(at), "assigned_datetime": "2025-03-01T10:00:00+00:00",
        "removed_datetime": None, "soft": False, "account_service_id": None,
        "ipassignmenthistoryable_type": "Account", "ipassignmenthistoryable_id": key,
    })  # fmt: skip


def make_app_for(data: SonarData, options: EmulatorOptions) -> Starlette:
    """The emulator over `data`, which may change while it runs; raises `UsageError` for unknown switches."""
    check_switches(options, SWITCHES)
    api = _Api(data, options)
    return Starlette(
        routes=[Route(_PATH, api.answer, methods=["POST"])], middleware=[Middleware(Faults, options=options)]
    )


class _Api:
    """Answers queries."""

    def __init__(self, data: SonarData, options: EmulatorOptions) -> None:
        self._max, self._limit_rows = number(options, "max-per-page"), number(options, "limit-rows")
        self._no_totals = is_on(options, "no-page-info-totals")
        self._errors, self._beside = words(options, "errors"), words(options, "errors-beside-data")
        self._unauthenticated, self._throttled = is_on(options, "unauthenticated"), number(options, "throttle-first-n")
        if not self._errors | self._beside <= _FIELDS.keys():
            raise UsageError("switches errors and errors-beside-data", fix=f"some of: {', '.join(_FIELDS)}")
        removed_too = is_on(options, "removed-too")
        links = Links(data, empty=is_on(options, "empty-list"), removed_too=removed_too, root_page=self._page)
        schema = sonar_schema(links, items_have_addresses=not is_on(options, "items-have-no-addresses"))
        if is_on(options, "numbers"):
            schema.type_map["Int64Bit"].serialize = _as_number  # type: ignore[attr-defined]  # of a scalar
        self._answers = Answers(schema, None, data)

    async def answer(self, request: Request) -> Response:
        """The answer to one query."""
        if not same(request.headers.get("Authorization", ""), f"Bearer {CREDENTIALS['api_key']}"):
            if self._unauthenticated:
                return _json({"errors": [{"message": "Unauthenticated."}]})
            return _json({"message": "Unauthenticated."}, 401)
        if self._throttled:
            self._throttled -= 1
            return _json({"error": "Request limit of 400/min reached."})
        asked = read_request(await request.body())
        if asked is None:
            return _json({"errors": [{"message": "the body is no GraphQL request"}]}, 400)
        fields = root_fields(asked.query)
        if fields & {_FIELDS[name] for name in self._errors}:
            return _json({"errors": [{"message": "You do not have permission to do this."}], "data": None})
        body = await asyncio.to_thread(self._answers.of, asked)
        if fields & {_FIELDS[name] for name in self._beside}:
            body = with_errors(body, "Internal server error")
        return Response(body, media_type="application/json")

    def _page(self, rows: list[RowDict], paginator: Any, usual: int) -> RowDict:
        """A page of a root list, as the switches say."""
        wanted = dict(paginator or {})
        if self._max:
            wanted["records_per_page"] = min(self._max, wanted.get("records_per_page") or usual)
        found = cut(rows, wanted, usual)
        info = found["page_info"]
        if self._limit_rows and (info["page"] - 1) * info["records_per_page"] >= self._limit_rows:
            found["entities"] = []
        if self._no_totals:
            found["page_info"] = {**info, "total_pages": 0, "total_count": 0}
        return found


def _as_number(value: Any) -> Any:
    return int(value) if str(value).isdigit() else value


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
