"""Powercode's tables as plans and services (facts: Powercode SQL, 3 to 7); hash joins, so linear."""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from generator.billing.numbers import NumberError, named, whole
from generator.billing.powercode.database import Row
from generator.billing.text import shown, text
from generator.inventory.settings import BillingHost
from generator.model import GroupRecord, Limit, PlanRecord, Rejected, ServiceRecord

INTERNET = "monthly internet"
"""The one type of service that shapes a customer; MySQL compares without case and trailing blanks."""

_PROVIDER = "1"
"""The customer that is the ISP itself: its equipment is infrastructure."""
_NOBODY = frozenset({"", "0", _PROVIDER})
_MOST = 2**32
_BURST_COLUMNS = ("BurstIn", "BurstOut", "BurstBucketTime")


class Tables(Struct, frozen=True, kw_only=True):
    """What the tables hold, by their keys as text."""

    customers: Mapping[str, tuple[str, str]]
    """CustomerID → CompanyName and Status."""
    services_of: Mapping[str, tuple[str, ...]]
    """CustomerID → the ids of its services, each once."""
    names: Mapping[str, tuple[str, str]]
    """Services.ID → Discription and Type."""
    rates: Mapping[str, Row]
    """ServiceID → MaxIn, MaxOut, BurstIn, BurstOut, BurstBucketTime."""
    ranges: Mapping[str, Any]
    """AddressRangeID → StartAddress."""
    equipment: tuple[Row, ...]
    """ID, IPAddress, IPType, LocationID, EndUserID of all that belongs to customers."""


def decoded(value: Any) -> str:
    """A column as stripped text; bytes are UTF-8, with replacements where they are not."""
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else text(value)


def _plain(value: Any) -> Any:
    """A column that holds a number, whatever the driver makes of it."""
    return decoded(value) if isinstance(value, bytes) else value


def customers_of(rows: Iterable[Row]) -> dict[str, tuple[str, str]]:
    """The customers by id: name and status."""
    return {decoded(number): (decoded(name), decoded(status)) for number, name, status in rows}


def links_of(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    """The services of each customer; a link that stands twice counts once."""
    links: dict[str, dict[str, None]] = defaultdict(dict)
    for customer, service in rows:
        links[decoded(customer)][decoded(service)] = None
    return {customer: tuple(services) for customer, services in links.items()}


def owned(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The equipment that belongs to customers: neither unassigned nor the provider's own."""
    return tuple(row for row in rows if decoded(row[4]) not in _NOBODY)


def plans_of(tables: Tables, warnings: list[str]) -> Iterator[PlanRecord]:
    """Every service with rates, used or not, and every Internet service without them, which says so."""
    for service, (name, kind) in tables.names.items():
        rates = tables.rates.get(service)
        if rates is not None:
            yield _plan(service, name or service, rates, warnings)
        elif kind.casefold() == INTERNET:
            yield PlanRecord(id=service, name=name or service, problem="it has no row in the table InternetInfo")


def _plan(service: str, name: str, rates: Row, warnings: list[str]) -> PlanRecord:
    try:
        down, up = map(named, ("MaxIn", "MaxOut"), map(_plain, rates[:2]))
    except NumberError as error:
        return PlanRecord(id=service, name=name, problem=str(error))
    try:
        burst_down, burst_up, seconds = map(named, _BURST_COLUMNS, map(_plain, rates[2:]))
    except NumberError as error:
        warnings.append(f"service {shown(service)} ({shown(name)}): its burst is left out: {error}")
        burst_down = burst_up = seconds = None
    return PlanRecord(
        id=service, name=name, download=_limit(down, burst_down, seconds), upload=_limit(up, burst_up, seconds)
    )  # fmt: skip


def _limit(rate: int | None, burst: int | None, seconds: int | None) -> Limit:
    """One direction; a burst is one only above the rate. BurstBucketTime is its duration and its window."""
    if not rate or not burst or burst <= rate:
        return Limit(rate=rate)
    if not seconds:
        return Limit(rate=rate, burst_rate=burst)
    return Limit(
        rate=rate, burst_rate=burst, burst_duration=seconds, burst_threshold=rate, burst_threshold_window=seconds
    )  # fmt: skip


class Services:
    """Makes service records of equipment, and counts what the operator should know."""

    def __init__(self, tables: Tables, host: BillingHost) -> None:
        self._tables, self._host = tables, host
        self._active = frozenset(status.strip().casefold() for status in host.active_statuses)
        self._chosen: dict[str, str | None] = {}
        self._several: list[str] = []
        self.records: list[ServiceRecord] = []
        self.rejected: list[Rejected] = []

    def add(self, row: Row) -> None:
        """One piece of equipment: a service record, or a rejected one with its reason."""
        number, offset, range_id, location, owner = row
        customer_id, record = decoded(owner), f"equipment {shown(decoded(number) or '?')}"
        address = self._address(offset, decoded(range_id))
        customer = self._tables.customers.get(customer_id)
        if customer is None:
            self._reject(
                record, customer_id, address, f"its customer {shown(customer_id)} is not in the table Customer"
            )
            return
        service = self._service(customer_id)
        if service is None:
            self._reject(record, customer_id, address, "its customer has no service of the type Monthly Internet")
            return
        name, status = customer
        place = decoded(location)
        wanted = self._host.subscriber_groups and place not in {"", "0"}
        self.records.append(
            ServiceRecord(
                record=record,
                plan=service,
                ids={"customer_id": customer_id, "name": name} if name else {"customer_id": customer_id},
                addresses=(address,) if address else (),
                statuses={"customer_status": status} if status else {},
                groups=(GroupRecord(level="L1", name=place),) if wanted else (),
                rank=(int(status.casefold() in self._active), -_order(decoded(number))),
            )
        )

    def warnings(self) -> tuple[str, ...]:
        """One line for all customers with several Internet services."""
        if not self._several:
            return ()
        some = ", ".join(map(shown, self._several[:5]))
        line = f"{len(self._several)} customers have several services of the type Monthly Internet: the fastest counts"
        return (f"{line} (for example {some})",)

    def _service(self, customer_id: str) -> str | None:
        if customer_id not in self._chosen:
            self._chosen[customer_id] = self._choose(customer_id)
        return self._chosen[customer_id]

    def _choose(self, customer_id: str) -> str | None:
        """The Internet service with the greatest MaxIn, then the smallest id."""
        tables = self._tables
        mine = [
            service
            for service in tables.services_of.get(customer_id, ())
            if tables.names.get(service, ("", ""))[1].casefold() == INTERNET
        ]
        if len(mine) > 1:
            self._several.append(customer_id)
        return min(mine, key=lambda service: (-self._speed(service), _order(service)), default=None)

    def _speed(self, service: str) -> int:
        rates = self._tables.rates.get(service)
        try:
            return (whole(_plain(rates[0])) or 0) if rates else -1
        except NumberError:
            return -1

    def _address(self, offset: Any, range_id: str) -> str:
        """The range's first address plus the offset; "" where either is missing (facts: Powercode SQL, 3)."""
        start, add = _integer(self._tables.ranges.get(range_id)), _integer(offset)
        if start is None or add is None:
            return ""
        number = (start if start >= 0 else start + _MOST) + add
        return str(ipaddress.IPv4Address(number)) if 0 <= number < _MOST else f"offset {add} outside range {range_id}"

    def _reject(self, record: str, customer_id: str, address: str, reason: str) -> None:
        self.rejected.append(Rejected(record=record, reason=reason, id=shown(customer_id), ip=address or None))


def _integer(value: Any) -> int | None:
    written = decoded(value)
    digits = written.removeprefix("-")
    return int(written) if digits.isascii() and digits.isdigit() and len(digits) < 12 else None  # noqa: PLR2004 - 2**32


def _order(number: str) -> int:
    return _integer(number) or 0
