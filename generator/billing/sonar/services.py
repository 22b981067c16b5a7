"""Sonar's assigned addresses as service records, and the L1 groups of the devices that have them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.networks import addresses_of
from generator.billing.numbers import NumberError, digits_of, named, rank_number
from generator.billing.sonar.lists import AssignmentRow, HistoryRow, ServiceRow
from generator.billing.text import shown, text
from generator.inventory.settings import BillingHost
from generator.model import GroupRecord, Limit, PlanRecord, Rejected, ServiceRecord

_DOWN, _UP = "download_speed_kilobits_per_second", "upload_speed_kilobits_per_second"
_IPV6 = 6


def plans_of(rows: Rows[ServiceRow]) -> tuple[PlanRecord, ...]:
    """Every data service as a plan; speeds are kbps, and there are no bursts."""
    return tuple(_plan(row) for row in rows.rows if text(row.id))


def _plan(row: ServiceRow) -> PlanRecord:
    plan_id = text(row.id)
    name, detail = text(row.name) or plan_id, row.data_service_detail
    if not isinstance(detail, dict):
        return PlanRecord(id=plan_id, name=name, problem="it has no data_service_detail")
    try:
        down, up = (named(field, detail.get(field)) for field in (_DOWN, _UP))
    except NumberError as error:
        return PlanRecord(id=plan_id, name=name, problem=str(error))
    return PlanRecord(id=plan_id, name=name, download=Limit(rate=down), upload=Limit(rate=up))


def parents_of(rows: Rows[AssignmentRow]) -> dict[str, GroupRecord]:
    """The L1 group of each address: the first description among the addresses of its device's parent."""
    groups: dict[str, GroupRecord] = {}
    for row in rows.rows:
        name = next(_descriptions(row.ipassignmentable), "")
        if name:
            for address in addresses_of(text(row.subnet)):
                groups.setdefault(address, GroupRecord(level="L1", name=name))
    return groups


def _descriptions(device: Any) -> Iterator[str]:
    """The descriptions of a device's parent's addresses, blank ones left out (facts: Sonar, 5 and 7)."""
    item = device.get("inventory_item") if isinstance(device, dict) else None
    for owner in (item, device):
        parent = owner.get("parent_inventory_item") if isinstance(owner, dict) else None
        for data in _entities(parent, "inventory_model_field_data"):
            for assignment in _entities(data, "ip_assignments"):
                description = text(assignment.get("description"))
                if description:
                    yield description


def _entities(owner: Any, name: str) -> Iterator[dict[str, Any]]:
    """The objects of a nested connection; none where anything on the way is missing."""
    connection = owner.get(name) if isinstance(owner, dict) else None
    entities = connection.get("entities") if isinstance(connection, dict) else None
    yield from (each for each in (entities if isinstance(entities, list) else ()) if isinstance(each, dict))


class _Chosen(Struct, frozen=True, kw_only=True):
    """The service of an account that an address has, and whether others might have been meant."""

    plan: str | None
    ambiguous: bool = False


class Services:
    """Makes service records of assigned addresses, and counts what the operator should know."""

    def __init__(self, groups: Mapping[str, GroupRecord], host: BillingHost) -> None:
        self._groups, self._host = groups, host
        self._paying = host.active_statuses[0] if host.active_statuses else ""
        self._records: dict[tuple[str, str, str], ServiceRecord] = {}
        self._ambiguous: dict[str, None] = {}
        self._skipped: Counter[str] = Counter()
        self.rejected: list[Rejected] = []

    @property
    def records(self) -> tuple[ServiceRecord, ...]:
        """The service records."""
        return tuple(self._records.values())

    def add(self, row: HistoryRow) -> None:
        """One assigned address: a service record, a rejected one, or nothing where it is no customer's."""
        subnet, account = text(row.subnet), row.ipassignmenthistoryable
        if text(row.removed_datetime):
            self._skipped["removed"] += 1
        elif not isinstance(account, dict) or not text(account.get("id")):
            self._skipped["no account's"] += 1
        elif ":" in subnet and _IPV6 not in self._host.ip_versions:
            self._skipped["IPv6"] += 1
        else:
            self._add(row, subnet, account)

    def _add(self, row: HistoryRow, subnet: str, account: dict[str, Any]) -> None:
        number = text(account.get("id"))
        record = f"account {shown(number)}, assignment {shown(text(row.id) or '?')}"
        chosen = _choose(account, text(row.account_service_id))
        if chosen.plan is None:
            reason = "its account has no service of the type DATA"
            self.rejected.append(Rejected(record=record, reason=reason, id=shown(number), ip=shown(subnet) or None))
            return
        if chosen.ambiguous:
            self._ambiguous[number] = None
        addresses = addresses_of(subnet) if subnet else ()
        name = text(account.get("name"))
        found = ServiceRecord(
            record=record,
            plan=chosen.plan,
            ids={"customer_id": number} | ({"name": name} if name else {}),
            addresses=addresses,
            statuses=self._statuses(account),
            groups=self._groups_of(addresses),
            rank=(digits_of(text(row.assigned_datetime)), rank_number(text(row.id)) or 0),
        )
        # One address of one account may stand in several ways (device, RADIUS): that is no conflict.
        key = (number, subnet, chosen.plan)
        before = self._records.get(key)
        if before is None or before.rank < found.rank:
            self._records[key] = found

    def warnings(self) -> tuple[str, ...]:
        """One line for all accounts whose service had to be guessed."""
        if not self._ambiguous:
            return ()
        some = ", ".join(map(shown, list(self._ambiguous)[:5]))
        line = f"{len(self._ambiguous)} accounts have several data services, and an address that names none of them"
        return (f"{line}: the oldest counts (for example account {some})",)

    def skipped(self) -> Mapping[str, int]:
        """How many assignments are no customer's, of another family, or over."""
        return self._skipped

    def _statuses(self, account: dict[str, Any]) -> dict[str, str]:
        status = account.get("account_status")
        name = text(status.get("name")) if isinstance(status, dict) else ""
        # Who owes nothing is active whatever statuses the operator lists: the first of them says so.
        delinquent = "delinquent" if account.get("is_delinquent") is True else self._paying
        return {"account_status": name, "delinquent": delinquent} if name else {"delinquent": delinquent}

    def _groups_of(self, addresses: tuple[str, ...]) -> tuple[GroupRecord, ...]:
        found = (self._groups.get(address) for address in addresses)
        return tuple(dict.fromkeys(group for group in found if group is not None))


def _choose(account: dict[str, Any], wanted: str) -> _Chosen:
    """The data service that the address names, else the oldest of the account."""
    services: dict[str, str] = {}
    for each in _entities(account, "account_services"):
        service = each.get("service")
        plan = text(service.get("id")) if isinstance(service, dict) else ""
        if plan:
            services[text(each.get("id"))] = plan
    if wanted in services:
        return _Chosen(plan=services[wanted])
    if not services:
        return _Chosen(plan=None)
    oldest = min(services, key=lambda number: (rank_number(number) or 0, number))
    return _Chosen(plan=services[oldest], ambiguous=len(set(services.values())) > 1)
