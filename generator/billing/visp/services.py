"""Visp's customers, packages and services as service records (facts: Visp, 5 and 6)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.numbers import NumberError
from generator.billing.text import shown, text
from generator.billing.visp.groups import one_or_many
from generator.billing.visp.lists import READ_TYPES, CustomerRow, DetailsRow, InstanceRow, PackageRow
from generator.billing.visp.notes import Notes
from generator.billing.visp.speeds import plan_of
from generator.documents.ready import ready
from generator.inventory.settings import BillingHost
from generator.model import GroupRecord, PlanRecord, Rejected, ServiceRecord

ACTIVE = "active"
_ACCOUNT: Mapping[str, str] = {
    "1": "paid-up", "2": "due", "4": "past due", "8": "suspended", "9": "hibernated", "10": "inactive",
}  # fmt: skip
_GOOD_ACCOUNTS = frozenset({"paid-up", "due", "past due"})
"""Account statuses that do not block by default: a service's own status of that name must not pass for one."""
_DELETED = "20"
_NO_ADDRESS = frozenset({"", "0.0.0.0", "255.255.255.255"})  # noqa: S104 - placeholders, not to bind
_BETWEEN = re.compile(r"[\s,;]+")
_NO_GROUPS: tuple[GroupRecord, ...] = ()


ready(PackageRow, InstanceRow, DetailsRow)


class Found(Struct, frozen=True, kw_only=True):
    """Plans and service records, what could not be one, and what the operator should know."""

    plans: tuple[PlanRecord, ...]
    services: tuple[ServiceRecord, ...]
    rejected: tuple[Rejected, ...]
    warnings: tuple[str, ...]


class _Owner(Struct, frozen=True, kw_only=True, gc=False):
    """What all services of one customer share."""

    name: str
    ids: Mapping[str, str]
    id: str | None
    account: str
    groups: tuple[GroupRecord, ...]


def services_of(rows: Rows[CustomerRow], groups: Mapping[str, tuple[GroupRecord, ...]], host: BillingHost) -> Found:
    """Every service with speeds and an address as a record; each of the others is rejected with its reason."""
    reading = _Reading(groups, host)
    for row in rows.rows:
        reading.customer(row)
    for position in rows.not_objects:
        reading.reject(f"customer at position {position}", "not a JSON object")
    return reading.found()


class _Reading:
    """Goes through the customers once, and collects."""

    def __init__(self, groups: Mapping[str, tuple[GroupRecord, ...]], host: BillingHost) -> None:
        self._groups, self._host = groups, host
        self._plans: dict[str, PlanRecord] = {}
        self._services: list[ServiceRecord] = []
        self._rejected: list[Rejected] = []
        self._notes = Notes()

    def found(self) -> Found:
        return Found(
            plans=tuple(self._plans.values()), services=tuple(self._services), rejected=tuple(self._rejected),
            warnings=self._notes.lines(),
        )  # fmt: skip

    def reject(self, record: str, reason: str, *, owner: _Owner | None = None, ip: str | None = None) -> None:
        known = shown(owner.id) if owner and owner.id else None
        self._rejected.append(Rejected(record=record, reason=reason, id=known, ip=ip))

    def customer(self, row: CustomerRow) -> None:
        customer_id = text(row.customer_id)
        ids = _ids(row, customer_id)
        name = f"customer {shown(customer_id or '?')}"
        owner = _Owner(
            name=name, ids=ids, id=ids.get(self._host.subscriber_id), account=self._account(row.status, name),
            groups=self._groups.get(customer_id, _NO_GROUPS),
        )  # fmt: skip
        if text(row.status) == _DELETED:
            self.reject(name, "the account is deleted (status 20)", owner=owner)
            return
        services = list(self._instances(row, owner))
        for package, instance in services:
            self._service(package, instance, owner)
        if not services:
            self.reject(name, "it has no service", owner=owner)

    def _instances(self, row: CustomerRow, owner: _Owner) -> Iterator[tuple[PackageRow, InstanceRow]]:
        for package in one_or_many(row.package_instances):
            if not isinstance(package, dict):
                self.reject(f"a package of {owner.name}", "not a JSON object", owner=owner)
                continue
            read = msgspec.convert(package, PackageRow)
            for instance in one_or_many(read.service_instances):
                if isinstance(instance, dict):
                    yield read, msgspec.convert(instance, InstanceRow)
                else:
                    self.reject(f"a service of {owner.name}", "not a JSON object", owner=owner)

    def _service(self, package: PackageRow, instance: InstanceRow, owner: _Owner) -> None:
        number = text(instance.service_number)
        record = f"service {shown(number)}" if number else f"a service of {owner.name}"
        details, problem = _details(instance.service_details)
        if details is None:
            self.reject(record, problem, owner=owner)
            return
        addresses = _addresses(details)
        if not addresses:
            self.reject(record, "no address", owner=owner, ip=shown(text(details.ip_address)) or None)
            return
        try:
            plan = plan_of(details, record, self._notes)
        except NumberError as error:
            for address in addresses:
                self.reject(record, str(error), owner=owner, ip=shown(address))
            return
        self._plans.setdefault(plan.id, plan)
        self._services.append(
            ServiceRecord(
                record=record, plan=plan.id, ids=owner.ids, addresses=addresses, groups=owner.groups,
                statuses={
                    "service_status": self._status(package, instance, record),
                    "account_status": owner.account,
                },
            )
        )  # fmt: skip

    def _decides(self, block_on: str) -> bool:
        return self._host.block_inactive and self._host.block_on == block_on

    def _account(self, status: Any, name: str) -> str:
        """The word for an account status; nobody is blocked for one that is not known."""
        word = _ACCOUNT.get(text(status))
        if word is None and text(status) != _DELETED and self._decides("account_status"):
            example = f"{name}: {'none' if status is None else shown(status, limit=20)}"
            self._notes.add("customers with an account status that is not known", example, then="taken as active")
        return ACTIVE if word is None else word

    def _status(self, package: PackageRow, instance: InstanceRow, record: str) -> str:
        """`active` unless neither the service nor its package is ACTIVE: then what the service, or it, says.

        Many installations show INACTIVE on services that are in use, so one ACTIVE of the two is enough; null
        is not ACTIVE (facts: Visp, 5, 8 and 9).
        """
        said = text(instance.status), text(package.status)
        if any(each.upper() == "ACTIVE" for each in said):
            return ACTIVE
        status = said[0] or said[1]
        if status:
            return f"service {status}" if status.casefold() in _GOOD_ACCOUNTS else status
        if self._decides("service_status"):
            self._notes.add(
                "services without a status, on them or on their package", record, then="taken as not ACTIVE, blocked"
            )
        return "missing"


def _ids(row: CustomerRow, customer_id: str) -> dict[str, str]:
    name = " ".join(part for part in (text(row.first_name), text(row.last_name)) if part)
    known = {"customer_id": customer_id, "name": name, "username": text(row.username)}
    return {choice: value for choice, value in known.items() if value}


def _details(value: Any) -> tuple[DetailsRow | None, str]:
    """The details of a service, or why it has none: types without speeds come without any field."""
    if not isinstance(value, dict) or not value:
        return None, "no service details: its service type has no speeds in Visp"
    details = msgspec.convert(value, DetailsRow)
    typename = text(details.typename)
    if typename and typename not in READ_TYPES:
        return None, f"its service type {shown(typename, limit=60)} has no speeds that can be read"
    return details, ""


def _addresses(details: DetailsRow) -> tuple[str, ...]:
    """Every address of a service once, without Visp's placeholders for none; one text may hold several."""
    written = [text(details.ip_address)]
    written += [text(each.get("ip_address")) for each in one_or_many(details.multiple_mac) if isinstance(each, dict)]
    found = {address.removesuffix("/32"): None for each in written for address in _BETWEEN.split(each)}
    return tuple(address for address in found if address not in _NO_ADDRESS)
