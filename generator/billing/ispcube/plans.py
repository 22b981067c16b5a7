"""ISPCube plans, whose speeds stand where the inventory says: no documentation names them (facts: 4.3)."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from generator.billing.body import Rows
from generator.billing.ispcube.lists import PlanRow
from generator.billing.numbers import NumberError, named
from generator.billing.text import shown, text
from generator.inventory.settings import BillingHost
from generator.model import Limit, PlanRecord


def plan_records(rows: Rows[PlanRow], used: Iterable[str], host: BillingHost) -> tuple[PlanRecord, ...]:
    """The plans with ids in `used`; one without speeds says what to set."""
    wanted = frozenset(used)
    speeds: Mapping[str, str] = host.options["plan_speed_members"] or {}
    return tuple(_record(row, speeds, host) for row in rows.rows if text(row.id) in wanted)


def _record(row: PlanRow, speeds: Mapping[str, str], host: BillingHost) -> PlanRecord:
    plan_id = text(row.id)
    name = text(row.name) or plan_id
    if name in host.plan_rates:
        return _given(plan_id, name, row, speeds)
    if not speeds:
        return PlanRecord(
            id=plan_id, name=name,
            problem="where its speeds are is not known: set `plan_speed_members: {download: NAME, upload: NAME}`, "
            "the members of a plan that hold kbps (`bqnctl doctor` lists them), or `plan_rates`",
        )  # fmt: skip
    try:
        rates = {way: _rate(row, member) for way, member in speeds.items()}
    except NumberError as error:
        return PlanRecord(id=plan_id, name=name, problem=f"{error}: set `plan_speed_members` or `plan_rates`")
    return PlanRecord(
        id=plan_id, name=name, download=Limit(rate=rates["download"]), upload=Limit(rate=rates["upload"])
    )  # fmt: skip


def _given(plan_id: str, name: str, row: PlanRow, speeds: Mapping[str, str]) -> PlanRecord:
    """A plan of which `plan_rates` says what its row does not."""
    limits = {}
    for way in ("download", "upload"):
        try:
            limits[way] = Limit(rate=_rate(row, speeds[way]) if way in speeds else None)
        except NumberError:
            limits[way] = Limit()
    return PlanRecord(id=plan_id, name=name, download=limits["download"], upload=limits["upload"])


def _rate(row: PlanRow, member: str) -> int:
    """The kbps in `member`; raises `NumberError` where there is no number."""
    value = _value(row, member)
    rate = None if value is msgspec.UNSET else named(shown(member), value)
    if rate is None:
        raise NumberError(f"it has no {shown(member)}")
    return rate


def _value(row: PlanRow, member: str) -> Any:
    field = next((each for each in msgspec.structs.fields(row) if each.encode_name == member), None)
    return msgspec.UNSET if field is None else getattr(row, field.name)
