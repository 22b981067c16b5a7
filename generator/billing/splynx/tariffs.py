"""Splynx tariffs as plans: speeds, and MikroTik-style bursts worked out to what a BQN wants.

Facts: Splynx, 4.1 and 5. Integer arithmetic only, so that a rate is the same on every machine.
"""

from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.numbers import INT32_MAX, NumberError, named
from generator.billing.splynx.lists import TariffRow
from generator.billing.text import shown, text
from generator.model import Limit, PlanRecord, Rejected

_NO_BURST = frozenset({"", "none"})


class Plans(Struct, frozen=True, kw_only=True):
    """The plans of a tariff list, the tariffs that cannot be plans, and what the operator should know."""

    plans: tuple[PlanRecord, ...]
    rejected: tuple[Rejected, ...]
    warnings: tuple[str, ...]


def plans_of(tariffs: Rows[TariffRow]) -> Plans:
    """Every tariff as a plan; the second of one id, and one without an id, are rejected."""
    plans: dict[str, PlanRecord] = {}
    rejected: list[Rejected] = []
    warnings: list[str] = []
    for row in tariffs.rows:
        plan_id = text(row.id)
        if not plan_id or plan_id in plans:
            reason = "its id is already that of another tariff" if plan_id else "no id"
            rejected.append(_rejected(row, plan_id, reason))
            continue
        plans[plan_id], warning = _plan(row, plan_id)
        warnings += [warning] if warning else []
    return Plans(plans=tuple(plans.values()), rejected=tuple(rejected), warnings=tuple(warnings))


def _rejected(row: TariffRow, plan_id: str, reason: str) -> Rejected:
    name = shown(_name(row, plan_id or "?"))
    return Rejected(record=f"tariff {shown(plan_id or name)}", reason=reason, plan=name)


def _name(row: TariffRow, plan_id: str) -> str:
    return text(row.service_name) or text(row.title) or plan_id


def _plan(row: TariffRow, plan_id: str) -> tuple[PlanRecord, str | None]:
    name = _name(row, plan_id)
    try:
        download = named("speed_download", row.speed_download)
        upload = named("speed_upload", row.speed_upload)
    except NumberError as error:
        return PlanRecord(id=plan_id, name=name, problem=str(error)), None
    warning = None
    try:
        bursts = _bursts(row, download, upload)
    except NumberError as error:
        bursts = (Limit(rate=download), Limit(rate=upload))
        warning = f"tariff {shown(plan_id)} ({shown(name)}): its burst is left out: {error}"
    return PlanRecord(id=plan_id, name=name, download=bursts[0], upload=bursts[1]), warning


def _bursts(row: TariffRow, download: int | None, upload: int | None) -> tuple[Limit, Limit]:
    """Both directions with their bursts; raises `NumberError` where a burst is there but incomplete."""
    kind = text(row.burst_type).lower()
    if kind in _NO_BURST:
        return Limit(rate=download), Limit(rate=upload)
    if kind == "percent":
        peak, threshold = named("burst_limit", row.burst_limit), named("burst_threshold", row.burst_threshold)
        return (
            _limit(row, download, _percent(download, 100 + (peak or 0)), _percent(download, threshold or 0)),
            _limit(row, upload, _percent(upload, 100 + (peak or 0)), _percent(upload, threshold or 0)),
        )
    if kind == "fixed":
        return (
            _limit(row, download, *_fixed(row, "down")),
            _limit(row, upload, *_fixed(row, "up")),
        )
    raise NumberError(f"burst_type {shown(kind, limit=40)!r} is not known")


def _percent(rate: int | None, percent: int) -> int:
    return (rate or 0) * percent // 100


def _fixed(row: TariffRow, direction: str) -> tuple[int, int]:
    peak, threshold = f"burst_limit_fixed_{direction}", f"burst_threshold_fixed_{direction}"
    return named(peak, getattr(row, peak)) or 0, named(threshold, getattr(row, threshold)) or 0


def _limit(row: TariffRow, rate: int | None, burst_rate: int, threshold: int) -> Limit:
    """One direction, with its burst when that is faster than the rate.

    Splynx's `burst_time` is MikroTik's averaging window, not how long a burst lasts: starting from idle,
    the average reaches the threshold after window * threshold / burst rate (facts: Splynx, 8).
    """
    if not rate or burst_rate <= rate:
        return Limit(rate=rate)
    window = named("burst_time", row.burst_time)
    if not threshold:
        raise NumberError("its threshold is 0 or missing")
    if not window:
        raise NumberError("burst_time is 0 or missing")
    if max(burst_rate, threshold) > INT32_MAX:
        raise NumberError(f"its rate is more than {INT32_MAX} kbps")
    return Limit(
        rate=rate,
        burst_rate=burst_rate,
        burst_threshold=threshold,
        burst_threshold_window=window,
        burst_duration=max(1, window * threshold // burst_rate),
    )
