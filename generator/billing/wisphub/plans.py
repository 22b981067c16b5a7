"""WispHub plans: names from the list, speeds from each plan's own page (facts: WispHub, 4)."""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

from msgspec import Struct

from generator.billing.body import BodyError, Rows, decode_json
from generator.billing.http import HttpReader, StatusError
from generator.billing.numbers import INT32_MAX, NumberError
from generator.billing.text import shown, text
from generator.billing.wisphub.lists import FIXES, PlanRow
from generator.errors import SourceError
from generator.inventory.settings import BillingHost
from generator.model import Limit, PlanRecord

_AT_ONCE = 4
_NOT_FOUND = 404
_SPEED = re.compile(r"([0-9]{1,12}(?:[.,][0-9]{1,6})?)\s*([kmg]?)(?:bps|bit/s|b/s|b)?", re.ASCII | re.IGNORECASE)
_KBPS = {"k": 1, "m": 1000, "g": 1_000_000}
_BARE_BITS, _BARE_KBITS = 100_000, 1000


class Speed(Struct, frozen=True):
    """A speed in kbps (`None`: none given); `guessed` when it came without a unit."""

    kbps: int | None
    guessed: bool = False


class Plans(Struct, frozen=True, kw_only=True):
    """The plans that clients have, and what the operator should know."""

    records: tuple[PlanRecord, ...]
    warnings: tuple[str, ...]


def plans_of(reader: HttpReader, rows: Rows[PlanRow], used: Iterable[str], host: BillingHost) -> Plans:
    """The plans with ids in `used`, each page read once, a few side by side; raises `SourceError`."""
    by_id = {text(row.id): row for row in rows.rows if text(row.id)}
    wanted = [by_id[plan_id] for plan_id in sorted(set(used) & by_id.keys())]
    notes = _Notes(host)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
        details = list(threads.map(lambda row: _detail(reader, row), wanted))
    records = tuple(_record(row, detail, notes) for row, detail in zip(wanted, details, strict=True))
    return Plans(records=records, warnings=notes.lines())


def _detail(reader: HttpReader, row: PlanRow) -> dict[str, Any] | None:
    """The page of one plan; `None` for kinds that have none."""
    kind, plan_id = text(row.tipo).casefold(), text(row.id)
    if "pcq" in kind or not plan_id.isalnum():
        return None
    route = "pppoe" if "ppp" in kind else "queue"
    try:
        answer = reader.get(f"/api/plan-internet/{route}/{plan_id}/", fixes=FIXES, private=True)
    except StatusError as error:
        if error.status == _NOT_FOUND:
            return None
        raise
    try:
        detail = decode_json(answer.body)
    except BodyError as error:
        detail, why = None, str(error)
    else:
        why = "is no object"
    if not isinstance(detail, dict):
        raise SourceError(
            f"the page of plan {shown(plan_id)} {why}", where=answer.where,
            fix="run again; if it stays so, look at this plan in WispHub",
        )  # fmt: skip
    return detail


class _Notes:
    """What is said once for all plans alike."""

    def __init__(self, host: BillingHost) -> None:
        self._given, self._unlimited = host.plan_rates, host.zero_rate == "unlimited"
        self._without: list[str] = []
        self._guessed: list[str] = []
        self._unreadable: list[str] = []

    def without(self, name: str) -> None:
        """A plan without a speed, for which the inventory has none either."""
        if name not in self._given and self._unlimited:
            self._without.append(shown(name))

    def unreadable(self, name: str, why: str) -> None:
        """A plan whose speeds are none."""
        self._unreadable.append(f"{shown(name)} ({why})")
        self.without(name)

    def guessed(self, name: str) -> None:
        """A plan whose speeds have no unit."""
        self._guessed.append(shown(name))

    def lines(self) -> tuple[str, ...]:
        """The warnings."""
        found = []
        if self._without:
            names = ", ".join(self._without[:5])
            found.append(
                f"{len(self._without)} plans have no speeds in WispHub's API and are without limits: {names}; "
                "write their rates into `plan_rates`"
            )
        if self._unreadable:
            found.append(
                f"{len(self._unreadable)} plans have speeds that cannot be read: {'; '.join(self._unreadable[:5])}"
            )
        if self._guessed:
            names = ", ".join(self._guessed[:5])
            found.append(f"{len(self._guessed)} plans have speeds without a unit, whose size was judged by: {names}")
        return tuple(found)


def _record(row: PlanRow, detail: dict[str, Any] | None, notes: _Notes) -> PlanRecord:
    plan_id = text(row.id)
    name = text(row.nombre) or plan_id
    if detail is None:
        notes.without(name)
        return PlanRecord(id=plan_id, name=name)
    try:
        down, up = _speeds(detail)
    except NumberError as error:
        notes.unreadable(name, str(error))
        return PlanRecord(id=plan_id, name=name)
    if not (down.kbps and up.kbps):
        notes.without(name)
    if down.guessed or up.guessed:
        notes.guessed(name)
    return PlanRecord(id=plan_id, name=name, download=Limit(rate=down.kbps), upload=Limit(rate=up.kbps))


def _speeds(detail: dict[str, Any]) -> tuple[Speed, Speed]:
    found = []
    for field in ("bajada", "subida"):
        try:
            found.append(speed(detail.get(field)))
        except NumberError as error:
            raise NumberError(f"{field} {error}") from None
    return found[0], found[1]


def speed(value: Any) -> Speed:
    """A speed as MikroTik writes it: `80M`, `512k`, `1.5 G`; of `80M/120M` (with a burst) the first.

    A bare number is bit/s from 100,000 on, kbit/s from 1,000 on, else Mbit/s: guessed. Raises `NumberError` for
    anything else.
    """
    written = text(value)
    if not written:
        if value is None or value == "":
            return Speed(None)
        raise NumberError(f"is {shown(value, limit=40)!r}, not a speed")
    found = _SPEED.fullmatch(written.partition("/")[0].strip())
    if found is None:
        raise NumberError(f"is {shown(written, limit=40)!r}, not a speed")
    number, unit = Decimal(found[1].replace(",", ".")), found[2].casefold()
    if unit:
        return Speed(_kbps(number * _KBPS[unit], written))
    if number == 0:
        return Speed(0)
    scale = Decimal("0.001") if number >= _BARE_BITS else Decimal(1) if number >= _BARE_KBITS else Decimal(1000)
    return Speed(_kbps(number * scale, written), guessed=True)


def _kbps(number: Decimal, written: str) -> int:
    if number > INT32_MAX:
        raise NumberError(f"is {shown(written, limit=40)!r}, more than {INT32_MAX} kbps")
    return int(number)
