"""A UISP on loopback: the lists of its CRM and its NMS that a shaper reads (facts: UISP, 2 to 6, 9 and 11)."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from generator.demo.emulator import COMMON_SWITCHES, EmulatorOptions, Faults, check_switches, is_on, number, same, words
from generator.demo.sample import RowDict
from generator.demo.uisp_data import UispData, sample
from generator.errors import UsageError

__all__ = ["CREDENTIALS", "DEFAULT_PORT", "SWITCHES", "UispData", "from_lists", "make_app_for", "sample"]

DEFAULT_PORT = 8105
CREDENTIALS: Mapping[str, str] = {"api_key": "demo-uisp-key"}
SWITCHES: Mapping[str, str] = {
    **COMMON_SWITCHES,
    "crm-path": "both, new (/crm/api/v1.0 alone), old (/api/v1.0 alone) or old-html (the other answers a page)",
    "crm-header": "which header the CRM wants: any, app-key or token",
    "forbid": "lists that the key may not read, separated by commas: plans clients services devices sites",
    "down": "applications that answer 503 as they do while they restart: crm nms, separated by commas",
    "ignore-limit": "the CRM ignores limit and offset: every answer is the whole list",
    "cap-rows": "the CRM sends at most so many rows in an answer, whatever was asked",
    "no-parent-names": "the parents of sites have an id, but no name",
    "device-kb": "every device carries so many kB of members that nobody asked for",
    "odd-rows": "services, devices and sites as real installations have them besides: unlinked, IPv6, leads",
}

_CRM = {"plans": "service-plans", "clients": "clients", "services": "clients/services"}
_NMS = {"devices": "devices", "sites": "sites"}
_LISTS = (*_CRM, *_NMS)
_CRM_ROOTS = {"/crm/api/v1.0/": "new", "/api/v1.0/": "old"}
_NMS_ROOT = "/nms/api/v2.1/"
_CRM_PATHS = ("both", "new", "old", "old-html")
_CRM_HEADERS: Mapping[str, tuple[str, ...]] = {
    "any": ("x-auth-app-key", "x-auth-token"),
    "app-key": ("x-auth-app-key",),
    "token": ("x-auth-token",),
}
_PAGE = "<!DOCTYPE html><html><head><title>UISP</title></head><body></body></html>"
_SHOWN_BY_DEFAULT: Mapping[str, str] = {"plans": "archived", "clients": "isArchived"}
"""The flag whose rows a list leaves out unless they are asked for."""


class _Settings(Struct, frozen=True, kw_only=True):
    """The switches of this emulator, read once."""

    crm_path: str
    crm_header: str
    forbidden: frozenset[str]
    down: frozenset[str]
    ignore_limit: bool
    cap_rows: int
    no_parent_names: bool
    device_kb: int


def from_lists(lists: dict[str, list[RowDict]]) -> UispData:
    """Data with these lists and nothing else."""
    data = UispData()
    data.load(lists)
    return data


def make_app_for(data: UispData, options: EmulatorOptions) -> Starlette:
    """The emulator over `data`, which may change while it runs; raises `UsageError` for unknown switches."""
    check_switches(options, SWITCHES)
    if is_on(options, "odd-rows"):
        data.add_odd_rows()
    api = _Api(data, _settings(options))
    routes = [Route(f"{root}{path}", api.crm, name=name) for root in _CRM_ROOTS for name, path in _CRM.items()]
    routes += [Route(f"{_NMS_ROOT}{path}", api.nms, name=name) for name, path in _NMS.items()]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Faults, options=options, empty=b"[]")],
        exception_handlers={404: _not_found},
    )


def _settings(options: EmulatorOptions) -> _Settings:
    crm_path, crm_header = options.switches.get("crm-path", "both"), options.switches.get("crm-header", "any")
    forbidden, down = words(options, "forbid"), words(options, "down")
    known = (
        crm_path in _CRM_PATHS and crm_header in _CRM_HEADERS and forbidden <= set(_LISTS) and down <= {"crm", "nms"}
    )
    if not known:
        raise UsageError(
            f"switch crm-path {crm_path!r}, crm-header {crm_header!r}, forbid {sorted(forbidden)} or down "
            f"{sorted(down)} is none of its values",
            fix="; ".join(f"{name}: {SWITCHES[name]}" for name in ("crm-path", "crm-header", "forbid", "down")),
        )
    return _Settings(
        crm_path=crm_path, crm_header=crm_header, forbidden=forbidden, down=down,
        ignore_limit=is_on(options, "ignore-limit"), cap_rows=number(options, "cap-rows"),
        no_parent_names=is_on(options, "no-parent-names"), device_kb=number(options, "device-kb"),
    )  # fmt: skip


class _Kept(Struct, frozen=True):
    """The visible rows of a list and the JSON of each, as they were at `revision`."""

    revision: int
    rows: list[RowDict]
    encoded: list[bytes]


class _Api:
    """Answers for the lists of `data`; each row is encoded once, until the data changes."""

    def __init__(self, data: UispData, settings: _Settings) -> None:
        self._data, self._settings = data, settings
        self._kept: dict[str, _Kept] = {}
        for name in _LISTS:
            self._list(name)

    async def crm(self, request: Request) -> Response:
        """A page of a CRM list, or a refusal in the CRM's form."""
        name, root = _name(request, _CRM)
        settings = self._settings
        if settings.crm_path != "both" and _CRM_ROOTS[root] != settings.crm_path.removesuffix("-html"):
            is_page = settings.crm_path.endswith("-html")
            return Response(_PAGE, media_type="text/html") if is_page else _crm_error(404, "Route not found.")
        if "crm" in settings.down:
            return _crm_error(503, "Service unavailable.")
        if not self._crm_key_is_right(request):
            return _crm_error(401, "User authentication failed.")
        if name in settings.forbidden:
            return _crm_error(403, "Forbidden.")
        try:
            return _json(self._page(name, request))
        except ValueError:
            return _crm_error(422, "Validation failed.")

    async def nms(self, request: Request) -> Response:
        """A whole NMS list, or a refusal in the NMS's form."""
        name, _ = _name(request, _NMS)
        if "nms" in self._settings.down:
            return _nms_error(503, "Service Unavailable", "UISP is starting")
        if not _is_key(request, "x-auth-token"):
            return _nms_error(401, "Unauthorized", "Invalid token")
        if name in self._settings.forbidden:
            return _nms_error(403, "Forbidden", "Insufficient permissions")
        kept, wanted = self._list(name), _filter(name, request)
        return _json(_array([json for row, json in zip(kept.rows, kept.encoded, strict=True) if wanted(row)]))

    def _crm_key_is_right(self, request: Request) -> bool:
        headers = {
            "any": ("x-auth-app-key", "x-auth-token"),
            "app-key": ("x-auth-app-key",),
            "token": ("x-auth-token",),
        }
        return any(_is_key(request, header) for header in headers[self._settings.crm_header])

    def _page(self, name: str, request: Request) -> bytes:
        """The rows that `limit` and `offset` ask for; raises `ValueError` if those are no numbers."""
        encoded = self._list(name).encoded
        if self._settings.ignore_limit:
            return _array(encoded)
        offset = int(request.query_params.get("offset", "0"))
        limit = int(request.query_params.get("limit", str(len(encoded))))
        if min(offset, limit) < 0:
            raise ValueError
        most = self._settings.cap_rows
        return _array(encoded[offset : offset + (min(limit, most) if most else limit)])

    def _list(self, name: str) -> _Kept:
        kept = self._kept.get(name)
        if kept is None or kept.revision != self._data.revision:
            rows: list[RowDict] = getattr(self._data, name)
            hidden = _SHOWN_BY_DEFAULT.get(name)
            rows = [row for row in rows if not (hidden and isinstance(row, dict) and row.get(hidden))]
            kept = _Kept(self._data.revision, rows, [msgspec.json.encode(self._changed(name, row)) for row in rows])
            self._kept[name] = kept
        return kept

    def _changed(self, name: str, row: RowDict) -> RowDict:
        if name == "devices" and self._settings.device_kb:
            row = {**row, "interfaces": ["x" * 1000] * self._settings.device_kb}
        if name in _NMS and self._settings.no_parent_names:
            row = _without_parent_name(row)
        return row


def _without_parent_name(value: Any) -> Any:
    """The same, each `parent` in it without its name."""
    if not isinstance(value, dict):
        return value
    changed = {key: _without_parent_name(inner) for key, inner in value.items()}
    if isinstance(changed.get("parent"), dict):
        changed["parent"] = {key: inner for key, inner in changed["parent"].items() if key != "name"}
    return changed


def _filter(name: str, request: Request) -> Callable[[RowDict], bool]:
    """What `siteId` of devices, and `type` of sites, leave in."""
    path, wanted = {
        "devices": (("identification", "site", "id"), request.query_params.get("siteId")),
        "sites": (("identification", "type"), request.query_params.get("type")),
    }[name]
    return lambda row: wanted is None or _at(row, path) == wanted


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _array(encoded: list[bytes]) -> bytes:
    return b"[" + b",".join(encoded) + b"]"


def _is_key(request: Request, header: str) -> bool:
    return same(request.headers.get(header, ""), CREDENTIALS["api_key"])


def _name(request: Request, paths: Mapping[str, str]) -> tuple[str, str]:
    """The list that is asked for, and the root it is asked under."""
    asked = request.url.path
    name = max((name for name, path in paths.items() if asked.endswith(path)), key=lambda name: len(paths[name]))
    return name, asked.removesuffix(paths[name])


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status_code=status, media_type="application/json")


def _crm_error(code: int, message: str) -> Response:
    return _json(msgspec.json.encode({"code": code, "message": message}), code)


def _nms_error(code: int, error: str, message: str) -> Response:
    return _json(msgspec.json.encode({"statusCode": code, "error": error, "message": message}), code)


def _not_found(request: Request, _: Exception) -> Response:
    if request.url.path.startswith(_NMS_ROOT):
        return _nms_error(404, "Not Found", "Not Found")
    return _crm_error(404, "Route not found.")
