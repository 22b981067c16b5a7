"""UISP's service plans as plans, and the plans that a service has to itself: overrides and vanished plans.

Speeds are Mbit/s, as fractions too; a BQN gets them in kbps, rounded up (seed; facts: UISP, 7). Bursts are not
read: three sources give their numbers three meanings (facts: UISP, 6).
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Context, Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.numbers import INT32_MAX, NumberError, rank_number
from generator.billing.text import shown, text
from generator.billing.uisp.lists import PlanRow, ServiceRow, is_on
from generator.model import Limit, PlanRecord, Rejected

INTERNET = "internet"
_KBPS_IN_MBPS = 1000
_UPWARDS = Context(prec=60, rounding=ROUND_CEILING)
_LONGEST_NUMBER = 40

_Speeds = tuple[int | None, int | None, str | None]
"""Download and upload in kbps, or what is wrong with them."""


def kbps(value: Any) -> int | None:
    """Mbit/s as whole kbps, rounded up exactly; `None` for null or "". Raises `NumberError` for what is no speed."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    number = _decimal(value)
    if number < 0:
        raise NumberError(f"is {shown(value, limit=_LONGEST_NUMBER)}, below 0")
    if number > INT32_MAX // _KBPS_IN_MBPS:
        raise NumberError(f"is {shown(value, limit=_LONGEST_NUMBER)} Mbit/s, more than {INT32_MAX // _KBPS_IN_MBPS}")
    return int(_UPWARDS.multiply(number, _KBPS_IN_MBPS).to_integral_value(ROUND_CEILING))


def _decimal(value: Any) -> Decimal:
    """A JSON number, or the text of one, as it is written; a float by its shortest text."""
    written = text(value)
    if not written or len(written) > _LONGEST_NUMBER or "_" in written:
        raise NumberError(f"is {shown(value, limit=_LONGEST_NUMBER)!r}, not a number")
    try:
        number = Decimal(written)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise NumberError(f"is {shown(value, limit=_LONGEST_NUMBER)!r}, not a number")
    return number


class Plans(Struct, frozen=True, kw_only=True):
    """The Internet plans of the CRM by id, and those that cannot be used."""

    by_id: Mapping[str, PlanRecord]
    rejected: tuple[Rejected, ...]


def plans_of(rows: Rows[PlanRow]) -> Plans:
    """Every Internet plan with an id and a name; plans of other types are no speeds to shape by."""
    by_id: dict[str, PlanRecord] = {}
    rejected: list[Rejected] = []
    for row in rows.rows:
        if text(row.service_plan_type).casefold() != INTERNET:
            continue
        plan_id, name = text(row.id), text(row.name)
        if plan_id and name and plan_id not in by_id:
            by_id[plan_id] = _record(plan_id, name, _speeds(row, "downloadSpeed", "uploadSpeed"))
            continue
        why = "no id" if not plan_id else "no name" if not name else "its id is already that of another plan"
        rejected.append(Rejected(record=f"plan {shown(plan_id or name or '?')}", reason=why, plan=shown(name) or None))
    return Plans(by_id=by_id, rejected=tuple(rejected))


def _record(plan_id: str, name: str, speeds: _Speeds) -> PlanRecord:
    download, upload, problem = speeds
    if problem:
        return PlanRecord(id=plan_id, name=name, problem=problem)
    return PlanRecord(id=plan_id, name=name, download=Limit(rate=download), upload=Limit(rate=upload))


_FIELDS = {
    "downloadSpeed": "download_speed",
    "uploadSpeed": "upload_speed",
    "downloadSpeedOverride": "download_speed_override",
    "uploadSpeedOverride": "upload_speed_override",
}


def _speeds(row: PlanRow | ServiceRow, down: str, up: str) -> _Speeds:
    found: list[int | None] = []
    for field in (down, up):
        try:
            found.append(kbps(getattr(row, _FIELDS[field])))
        except NumberError as error:
            return None, None, f"{field} {error}"
    return found[0], found[1], None


class Special(Struct, frozen=True, kw_only=True, gc=False):
    """Speeds that are a service's own: what makes one policy of several such services is that all of it is equal."""

    kind: str
    name: str
    download: int | None
    upload: int | None
    problem: str | None


def special_plan(row: ServiceRow, plans: Mapping[str, PlanRecord]) -> Special | None:
    """The speeds that `row` has to itself: an override, or those of a plan that is not listed (any more)."""
    known = plans.get(text(row.service_plan_id))
    name = text(row.service_plan_name) or (known.name if known else text(row.name)) or "?"
    if is_on(row.traffic_shaping_override_enabled):
        own = _speeds(row, "downloadSpeedOverride", "uploadSpeedOverride")
        return _special("ovr", f"OVRD {name}", " with ", own)
    if known is not None:
        return None
    return _special("auto", f"AUTO {name}", " ", _speeds(row, "downloadSpeed", "uploadSpeed"))


def _special(kind: str, start: str, link: str, speeds: _Speeds) -> Special:
    download, upload, problem = speeds
    written = "unlimited" if not download and not upload else f"{_side(upload)}/{_side(download)}"
    name = start if problem else f"{start}{link}{written}"
    return Special(kind=kind, name=name, download=download, upload=upload, problem=problem)


def _side(rate: int | None) -> str:
    """One direction in a name, exact, so that no two rates share one; `x` is unlimited."""
    if not rate:
        return "x"
    return f"{rate // _KBPS_IN_MBPS}M" if rate % _KBPS_IN_MBPS == 0 else f"{rate}K"


def special_ids(wanted: Iterable[tuple[str, Special]]) -> dict[Special, str]:
    """The plan id of each, from (service id, special): of all services with it, that of the lowest id."""
    lowest: dict[Special, str] = {}
    for service_id, special in wanted:
        lowest[special] = min(lowest.get(special, service_id), service_id, key=_by_number)
    return {special: f"{special.kind}-{service_id}" for special, service_id in lowest.items()}


def _by_number(service_id: str) -> tuple[bool, int, str]:
    number = rank_number(service_id)
    return number is None, number or 0, service_id


def special_record(special: Special, plan_id: str) -> PlanRecord:
    """The plan of its own that services with `special` have."""
    return _record(plan_id, special.name, (special.download, special.upload, special.problem))
