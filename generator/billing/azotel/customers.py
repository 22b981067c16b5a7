"""SIMPLer's customers as service records: their bucket, their addresses, their status (facts: Azotel, 4 to 6)."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from msgspec import Struct

from generator.billing.azotel.buckets import Bucket, bucket_of, plans_of
from generator.billing.azotel.calls import CustomerRow
from generator.billing.azotel.values import as_list
from generator.billing.body import Rows
from generator.billing.text import shown, text
from generator.inventory.settings import BillingHost
from generator.model import GroupRecord, PlanRecord, ServiceRecord

Groups = Mapping[str, tuple[GroupRecord, ...]]
"""The groups of each customer by id; customers without any are not in it."""


class Found(Struct, frozen=True, kw_only=True):
    """The plans and services of a customer list, and what the operator should know."""

    plans: tuple[PlanRecord, ...]
    services: tuple[ServiceRecord, ...]
    warnings: tuple[str, ...]


class _Customer(Struct, frozen=True, kw_only=True, gc=False):
    """A customer as read, before its bucket has a plan id."""

    record: str
    id: str
    ids: Mapping[str, str]
    status: str
    bucket: Bucket | None
    addresses: tuple[str, ...]


class _Addresses:
    """Reads the addresses of each customer, and counts what is none of this integration's."""

    def __init__(self) -> None:
        self._ipv6 = 0
        self._empty = 0

    def of(self, value: Any) -> tuple[str, ...]:
        """Every address of a customer. IPv6 stays in, for the rules of addresses to leave out."""
        written = [text(row.get("ip")) if isinstance(row, dict) else text(row) for row in as_list(value)]
        self._empty += written.count("")
        # With a dot it is an IPv4 address in IPv6 form, which is taken.
        self._ipv6 += sum(":" in address and "." not in address for address in written)
        return tuple(address for address in written if address)

    def warnings(self) -> tuple[str, ...]:
        """One line for all IPv6 addresses, one for all rows without an address."""
        lines = []
        if self._ipv6:
            lines.append(f"IPv6 addresses, which this integration does not have, left out: {self._ipv6}")
        if self._empty:
            lines.append(f"elements of `ipaddresses` without `ip`, left out: {self._empty}")
        return tuple(lines)


def services_of(rows: Rows[CustomerRow], groups: Groups, host: BillingHost) -> Found:
    """Every customer as a service with all its addresses, and the buckets of all as plans.

    No rank: of two customers with one address the order of the answer decides (facts: Azotel, 4).
    """
    addresses = _Addresses()
    not_objects = frozenset(rows.not_objects)
    places = (place for place in count(1) if place not in not_objects)
    customers = [_customer(row, place, addresses) for place, row in zip(places, rows.rows, strict=False)]
    plans = plans_of((each.bucket for each in customers if each.bucket), host)
    return Found(
        plans=plans.plans,
        services=tuple(_service(each, plans.id_of, groups) for each in customers),
        warnings=(*plans.warnings, *addresses.warnings()),
    )


def _customer(row: CustomerRow, place: int, addresses: _Addresses) -> _Customer:
    customer_id = text(row.customerid)
    known = {"name": text(row.name), "customer_id": customer_id, "nickname": text(row.nickname)}
    return _Customer(
        record=f"customer {shown(customer_id)}" if customer_id else f"customer at position {place}",
        id=customer_id,
        ids={choice: value for choice, value in known.items() if value},
        status=text(row.status),
        bucket=bucket_of(row.bucket),
        addresses=addresses.of(row.ipaddresses),
    )


def _service(customer: _Customer, id_of: Mapping[Bucket, str], groups: Groups) -> ServiceRecord:
    return ServiceRecord(
        record=customer.record,
        plan=id_of[customer.bucket] if customer.bucket else None,
        ids=customer.ids,
        addresses=customer.addresses,
        statuses={"status": customer.status} if customer.status else {},
        groups=groups.get(customer.id, ()),
    )
