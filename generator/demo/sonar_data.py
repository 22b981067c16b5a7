"""Sample data of a Sonar: made up, the same for the same seed, with the names that real ISPs have."""

import random
from typing import ClassVar

from generator.demo.sample import FAMILY, GIVEN, PLANS, SITES, Lists, RowDict, address, mac

_STATUSES = (("Active", True), ("Inactive", False), ("Lead", False), ("Employee", True))
_ACTIVE, _INACTIVE, _EMPLOYEE = 1, 2, 4
_VOICE, _DISABLED = 90, 91
_FIRST_ACCOUNT, _FIRST_ASSIGNMENT, _FIRST_SALE = 17, 801, 3001
_FIRST_DEVICE = 101
_INACTIVE_EVERY, _EMPLOYEE_EVERY, _DELINQUENT_EVERY, _MASK_EVERY, _INFRA_EVERY = 25, 40, 30, 3, 50
_ON_ITEM_EVERY = 7
_ASSIGNED = "2025-03-02T08:11:40+00:00"


class SonarData(Lists):
    """The lists of a Sonar, flat: rows name each other by ids, and the emulator joins them.

    `touch()` after a change by hand tells the emulator.
    """

    NAMES: ClassVar[tuple[str, ...]] = (
        "statuses", "accounts", "account_services", "services", "histories", "assignments", "items", "field_data",
    )  # fmt: skip
    statuses: list[RowDict]
    accounts: list[RowDict]
    account_services: list[RowDict]
    services: list[RowDict]
    histories: list[RowDict]
    assignments: list[RowDict]
    items: list[RowDict]
    field_data: list[RowDict]

    def __init__(self) -> None:
        super().__init__()
        self._odd = False

    def add_odd_rows(self) -> None:
        """What real instances hold besides the plain cases; once."""
        if self._odd:
            return
        self._odd = True
        for at, add in enumerate((
            self._two_services, self._no_service, self._network, self._ipv6, self._same_address_later,
            self._archived, self._without_status, self._owner_gone, self._disabled_service,
        )):  # fmt: skip
            add(90_001 + at)
        self.touch()

    def _customer(self, number: int, subnet: str, *sold: int, **account: object) -> RowDict:
        self.accounts.append(_account(number, f"Odd {number}", _ACTIVE) | account)
        first = 10 * number
        self.account_services += [_sale(first + at, number, service) for at, service in enumerate(sold)]
        history = _history(number, subnet, "Account", number)
        self.histories.append(history)
        return history

    def _two_services(self, number: int) -> None:
        self._customer(number, "100.127.255.1", 2, 1)

    def _no_service(self, number: int) -> None:
        self._customer(number, "100.127.255.2", _VOICE)

    def _network(self, number: int) -> None:
        self._customer(number, "100.127.254.8/29", 1)

    def _ipv6(self, number: int) -> None:
        self._customer(number, "2001:db8:7::/56", 1)

    def _same_address_later(self, number: int) -> None:
        history = self._customer(number, address(0), 1)
        history["assigned_datetime"] = "2026-01-05T10:00:00+00:00"

    def _archived(self, number: int) -> None:
        self._customer(number, "100.127.255.3", 1, archived_at=_ASSIGNED)

    def _without_status(self, number: int) -> None:
        self._customer(number, "100.127.255.4", 1, account_status_id=None)

    def _owner_gone(self, number: int) -> None:
        self.histories.append(_history(number, "100.127.255.5", "Account", number))

    def _disabled_service(self, number: int) -> None:
        self.services.append(_service(_DISABLED, "Old plan", 1024, 512) | {"enabled": False})
        self._customer(number, "100.127.255.6", _DISABLED)


def sample(customers: int, seed: int) -> SonarData:
    """A Sonar with so many customers, each with one address on a device behind one of the sites' access points.

    Some are inactive, employees or delinquent; sites and access points have addresses too.
    """
    data = SonarData()
    chance = random.Random(seed)  # noqa: S311 - sample data, the same for the same seed
    data.statuses += [
        {"id": number, "name": name, "activates_account": activates}
        for number, (name, activates) in enumerate(_STATUSES, 1)
    ]
    data.services += [_service(number, *plan) for number, plan in enumerate(PLANS, 1)]
    data.services.append(
        {"id": _VOICE, "name": "Voice", "type": "VOICE", "enabled": True, "data_service_detail": None}
    )  # fmt: skip
    _add_access_points(data)
    for at in range(customers):
        _add_customer(data, at, chance)
    return data


def _add_access_points(data: SonarData) -> None:
    """One for each site; the last has an address without a description."""
    for at, site in enumerate(SITES):
        item = at + 1
        data.items.append({"id": item, "parent_inventory_item_id": None})
        data.field_data.append({"id": item, "inventory_item_id": item, "value": mac(item)})
        description = site if at < len(SITES) - 1 else None
        subnet = f"10.9.0.{item}"
        data.assignments.append(
            _assignment(item, subnet, "InventoryModelFieldData", item) | {"description": description}
        )  # fmt: skip
        data.histories.append(_history(item, subnet, "NetworkSite", item) | {"description": description})


def _add_customer(data: SonarData, at: int, chance: random.Random) -> None:
    number, assignment, device = _FIRST_ACCOUNT + at, _FIRST_ASSIGNMENT + at, _FIRST_DEVICE + at
    nth = at + 1
    status = _INACTIVE if nth % _INACTIVE_EVERY == 0 else _EMPLOYEE if nth % _EMPLOYEE_EVERY == 0 else _ACTIVE
    name = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}"
    data.accounts.append(_account(number, name, status) | {"is_delinquent": nth % _DELINQUENT_EVERY == 0})
    sale = _FIRST_SALE + 2 * at
    data.account_services += [
        _sale(sale, number, _VOICE), _sale(sale + 1, number, 1 + chance.randrange(len(PLANS))),
    ]  # fmt: skip
    data.items.append({"id": device, "parent_inventory_item_id": 1 + at % len(SITES)})
    data.field_data.append({"id": device, "inventory_item_id": device, "value": mac(device)})
    subnet = address(at) + ("/32" if nth % _MASK_EVERY == 0 else "")
    on_item = nth % _ON_ITEM_EVERY == 0
    owner = "InventoryItem" if on_item else "InventoryModelFieldData"
    data.assignments.append(_assignment(assignment, subnet, owner, device))
    history = _history(assignment, subnet, "Account", number) | {"unique_identifier": mac(device)}
    data.histories.append(history | {"account_service_id": sale + 1})
    if nth % _INFRA_EVERY == 0:
        data.histories.append(
            _history(10**6 + at, f"10.8.{nth // 256 % 256}.{nth % 256}", "InventoryItem", device)
        )  # fmt: skip


def _service(number: int, name: str, download: int, upload: int) -> RowDict:
    return {
        "id": number, "name": name, "type": "DATA", "enabled": True,
        "data_service_detail": {
            "download_speed_kilobits_per_second": download, "upload_speed_kilobits_per_second": upload,
        },
    }  # fmt: skip


def _account(number: int, name: str, status: int) -> RowDict:
    return {
        "id": number, "name": name, "account_status_id": status, "is_delinquent": False, "archived_at": None,
        "parent_account_id": None,
    }  # fmt: skip


def _sale(number: int, account: int, service: int) -> RowDict:
    return {"id": number, "account_id": account, "service_id": service, "quantity": 1}


def _assignment(number: int, subnet: str, owner_type: str, owner: int) -> RowDict:
    return {
        "id": number, "subnet": subnet, "description": None, "soft": False, "account_service_id": None,
        "ipassignmentable_type": owner_type, "ipassignmentable_id": owner,
    }  # fmt: skip


def _history(number: int, subnet: str, owner_type: str, owner: int) -> RowDict:
    return {
        "id": number, "subnet": subnet, "assigned_datetime": _ASSIGNED, "removed_datetime": None,
        "description": None, "soft": False, "unique_identifier": None, "ip_assignment_id": number,
        "account_service_id": None, "ipassignmenthistoryable_type": owner_type,
        "ipassignmenthistoryable_id": owner,
    }  # fmt: skip
