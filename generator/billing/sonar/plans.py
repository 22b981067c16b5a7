"""Sonar's data services as plans (facts: Sonar, 3 and 5): speeds in kbps, and no bursts, for Sonar has none."""

from typing import Any

from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.numbers import NumberError, whole
from generator.billing.sonar.lists import ServiceRow
from generator.billing.text import shown, text
from generator.model import Limit, PlanRecord, Rejected

_DATA = "data"


class Plans(Struct, frozen=True, kw_only=True):
    """The plans of the list of services, and the services that cannot be plans."""

    plans: tuple[PlanRecord, ...]
    rejected: tuple[Rejected, ...]


def plans_of(services: Rows[ServiceRow]) -> Plans:
    """Every data service as a plan; one without an id is rejected.

    The server was asked for data services only; others, from one that ignores the filter, are no plans.
    """
    plans: list[PlanRecord] = []
    rejected: list[Rejected] = []
    for row in services.rows:
        if text(row.type).lower() not in {_DATA, ""}:
            continue
        plan_id, name = text(row.id), text(row.name)
        if plan_id:
            plans.append(_plan(plan_id, name or plan_id, row.data_service_detail))
        else:
            rejected.append(Rejected(record=f"service {shown(name) or '?'}", reason="no id", plan=shown(name) or None))
    return Plans(plans=tuple(plans), rejected=tuple(rejected))


def _plan(plan_id: str, name: str, detail: Any) -> PlanRecord:
    if not isinstance(detail, dict):
        return PlanRecord(id=plan_id, name=name, problem="it has no data_service_detail, so no speeds")
    try:
        download = _rate(detail, "download_speed_kilobits_per_second")
        upload = _rate(detail, "upload_speed_kilobits_per_second")
    except NumberError as error:
        return PlanRecord(id=plan_id, name=name, problem=str(error))
    return PlanRecord(id=plan_id, name=name, download=Limit(rate=download), upload=Limit(rate=upload))


def _rate(detail: dict[str, Any], field: str) -> int | None:
    try:
        return whole(detail.get(field))
    except NumberError as error:
        raise NumberError(f"{field} {error}") from None
