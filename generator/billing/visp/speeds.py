"""Visp's speeds as plans: every field has a unit of its own, and a plan is its numbers (facts: Visp, 5 and 6).

Decimal arithmetic cut to whole kbps, so that a rate is the same on every machine.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_DOWN, Context, Decimal
from typing import Any

from generator.billing.numbers import INT32_MAX, NumberError, whole
from generator.billing.text import shown, text
from generator.billing.visp.lists import DetailsRow
from generator.billing.visp.notes import Notes
from generator.model import Limit, PlanRecord

_MBPS = 1000
_KBPS_OF: Mapping[str, int] = {
    "k": 1, "kb": 1, "kbps": 1,
    "m": _MBPS, "mb": _MBPS, "mbps": _MBPS,
    "g": 1_000_000, "gb": 1_000_000, "gbps": 1_000_000,
}  # fmt: skip
_SECONDS_OF: Mapping[str, int] = {
    **dict.fromkeys(("", "s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
}
_WINDOW_S = 300
"""Visp has no thresholds: the vendor takes the plain rate over this time (facts: Visp, 6)."""
_DIGITS = re.compile(r"\+?[0-9]{1,40}(\.[0-9]{0,40})?|\+?\.[0-9]{1,40}", re.ASCII)
_EXACT = Context(prec=60, rounding=ROUND_DOWN)


def plan_of(details: DetailsRow, record: str, notes: Notes) -> PlanRecord:
    """The plan of a service: its id is the text of all its numbers, so that equal services share one.

    Raises `NumberError` for a rate that is no number; a burst that is none is left out and noted.
    """
    up = _kbps("up_speed", details.up_speed, details.up_speed_unit, notes)
    down = _kbps("down_speed", details.down_speed, details.down_speed_unit, notes)
    burst_up, burst_down, seconds = 0, 0, 0
    try:
        burst_up = _burst("up_burst", details.up_burst, details.up_burst_unit, up, notes)
        burst_down = _burst("down_burst", details.down_burst, details.down_burst_unit, down, notes)
        seconds = _seconds(details, notes) if burst_up or burst_down else 0
    except NumberError as error:
        burst_up, burst_down = 0, 0
        notes.add("bursts that cannot be used", f"{record}: {error}", then="left out, the rates stay")
    plan_id = f"{up}/{down}" + (f"-{burst_up}/{burst_down}-{seconds}" if seconds else "")
    return PlanRecord(
        id=plan_id, name=plan_id, download=_limit(down, burst_down, seconds), upload=_limit(up, burst_up, seconds)
    )


def _limit(rate: int, burst: int, seconds: int) -> Limit:
    if not burst:
        return Limit(rate=rate)
    return Limit(
        rate=rate, burst_rate=burst, burst_duration=seconds, burst_threshold=rate, burst_threshold_window=_WINDOW_S
    )  # fmt: skip


def _burst(name: str, value: Any, unit: Any, rate: int, notes: Notes) -> int:
    """The burst rate, 0 for none; one that is not above the rate is none."""
    burst = _kbps(name, value, unit, notes)
    return burst if rate and burst > rate else 0


def _kbps(name: str, value: Any, unit: Any, notes: Notes) -> int:
    """A speed in whole kbps, cut; 0 and null are 0. A slow one is 1 at least: it must not look like none."""
    try:
        speed = _exact(value)
    except NumberError as error:
        raise NumberError(f"{name} {error}") from None
    if not speed:
        return 0
    rate = max(1, int(_EXACT.multiply(speed, Decimal(_factor(unit, notes)))))
    if rate > INT32_MAX:
        raise NumberError(f"{name} is {_seen(value)} {_seen(unit)}, more than {INT32_MAX} kbps")
    return rate


def _exact(value: Any) -> Decimal | None:
    """A speed as it is written, number or text, up to 2³¹-1 of any unit; `None` for null or ""."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return _bounded(Decimal(value.strip()), value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _bounded(Decimal(value), value)
    raise NumberError(f"is {_seen(value)!r}, not a number")


def _bounded(number: Decimal, written: Any) -> Decimal:
    if number < 0:
        raise NumberError(f"is {_seen(written)}, below 0")
    if number > INT32_MAX:
        raise NumberError(f"is {_seen(written)}, more than {INT32_MAX}")
    return number


def _factor(unit: Any, notes: Notes) -> int:
    known = _KBPS_OF.get(text(unit).lower())
    if known is None:
        notes.add("speeds with a unit that is not known", repr(_seen(unit)), then="taken as Mbps")
    return _MBPS if known is None else known


def _seconds(details: DetailsRow, notes: Notes) -> int:
    """How long a burst lasts; raises `NumberError` where that is not said."""
    try:
        time = whole(details.burst_seconds)
    except NumberError as error:
        raise NumberError(f"burst_seconds {error}") from None
    if not time:
        raise NumberError("burst_seconds is 0 or missing")
    factor = _SECONDS_OF.get(text(details.burst_time_unit).lower())
    if factor is None:
        unit = repr(_seen(details.burst_time_unit))
        notes.add("burst times with a unit that is not known", unit, then="taken as seconds")
    seconds = time * (factor or 1)
    if seconds > INT32_MAX:
        raise NumberError(f"burst_seconds is {time} minutes, too long")
    return seconds


def _seen(value: Any) -> str:
    """A foreign value for a message."""
    return "" if value is None else shown(value, limit=30)
