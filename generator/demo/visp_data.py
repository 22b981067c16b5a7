"""Sample data of a Visp: made up, the same for the same seed, with the names that real ISPs have."""

import random
from collections.abc import Iterator
from typing import ClassVar

from generator.demo.sample import LOGINS, PLANS, SITES, Lists, RowDict, address, mac, person

PAID_UP, DUE, PAST_DUE, SUSPENDED, HIBERNATED, INACTIVE, DELETED = 1, 2, 4, 8, 9, 10, 20
_TYPES = ("ServiceTypeWifi", "ServiceTypeHotspot", "ServiceTypeOtherConnection")
_FIRST_CUSTOMER, _FIRST_SERVICE, _FIRST_ODD = 4001, 90001, 7001
_BLOCKED_EVERY, _TWO_SERVICES_EVERY, _TWO_ADDRESSES_EVERY, _DELETED_EVERY = 25, 20, 15, 40
_ODD_ADDRESS = "100.127.255."


class VispData(Lists):
    """The customers and CPEs of a Visp, as dictionaries shaped as its GraphQL shows them.

    A `service_details` names its type in `__typename`, which is shown to who asks for it.
    """

    NAMES: ClassVar[tuple[str, ...]] = ("customers", "cpes")
    customers: list[RowDict]
    cpes: list[RowDict]

    def add_odd_rows(self) -> None:
        """What real installations hold besides: services and CPEs that are incomplete or contradict each other."""
        odd = list(enumerate(_odd_services(), _FIRST_ODD))
        if any(row.get("customer_id") == _FIRST_ODD for row in self.customers):
            return
        for number, (status, service) in odd:
            own = {"service_number": 90000 + number, "status": "ACTIVE", **service}
            self.customers.append(_customer(number, ("Odd", "Row"), f"odd {number}", status, [own]))
        self.customers.append(_customer(_FIRST_ODD + len(odd), ("Odd", "Row"), "", PAID_UP, []))
        self.cpes += [
            {"customer_id": _FIRST_ODD, "username": "", "equipment": []},
            {"customer_id": str(_FIRST_ODD), "equipment": [{"equipment_id": 1, "access_point_id": 0}, {}]},
            {"customer_id": None, "equipment": None},
        ]
        self.touch()


def sample(customers: int, seed: int) -> VispData:
    """A Visp with so many customers; some suspended, some deleted, some with two services or addresses."""
    chance = random.Random(seed)  # noqa: S311 - sample data, the same for the same seed
    data = VispData()
    used = 0
    for at in range(1, customers + 1):
        many = 2 if at % _TWO_SERVICES_EVERY == 0 else 1
        number = _FIRST_CUSTOMER + at - 1
        status = _account(at, chance)
        state = "ACTIVE" if status < SUSPENDED else "SUSPENDED"
        services = []
        for _ in range(many):
            extra = address(used + 1) if at % _TWO_ADDRESSES_EVERY == 0 else None
            services.append(_service(_FIRST_SERVICE + used, state, address(used), extra, chance))
            used += 1 if extra is None else 2
        login = f"{LOGINS[number % len(LOGINS)]}{number}"
        data.customers.append(_customer(number, person(chance), login, status, services))
        data.cpes.append(_cpe(number, login, services, access_point=1 + chance.randrange(len(SITES))))
    return data


def _account(at: int, chance: random.Random) -> int:
    if at % _DELETED_EVERY == 0:
        return DELETED
    if at % _BLOCKED_EVERY == 0:
        return chance.choice((SUSPENDED, HIBERNATED, INACTIVE))
    return chance.choice((PAID_UP, PAID_UP, PAID_UP, DUE, PAST_DUE))


def _customer(number: int, name: tuple[str, str], login: str, status: int, services: list[RowDict]) -> RowDict:
    state = "ACTIVE" if status < SUSPENDED else "INACTIVE"
    package = {"package_id": number, "package_name": "Residential", "status": state, "service_instances": services}
    return {
        "customer_id": number, "first_name": name[0], "last_name": name[1], "username": login, "status": status,
        "package_instances": [package] if services else [],
    }  # fmt: skip


def _service(number: int, state: str, ip: str, extra: str | None, chance: random.Random) -> RowDict:
    _, down_kbps, up_kbps = chance.choice(PLANS)
    down, up = down_kbps // 1024, up_kbps // 1024
    kind = "ServiceTypeWifi" if extra else chance.choice(_TYPES)
    has_burst = chance.random() < 0.5  # noqa: PLR2004 - one in two
    details: RowDict = {
        "__typename": kind,
        "up_speed": 1000 * up, "up_speed_unit": "kbps", "down_speed": down, "down_speed_unit": "mbps",
        "up_burst": 2000 * up if has_burst else 0, "up_burst_unit": "kbps",
        "down_burst": 2 * down if has_burst else None, "down_burst_unit": "mbps",
        "burst_seconds": 20 if has_burst else 0, "burst_time_unit": "seconds",
        "ip_address": ip, "mac_address": mac(number),
    }  # fmt: skip
    if kind != "ServiceTypeOtherConnection":
        details["multiple_mac"] = [{"ip_address": extra, "mac_address": mac(number + (1 << 24))}] if extra else []
    return {"status": state, "service_number": number, "service_details": details}


def _cpe(number: int, login: str, services: list[RowDict], *, access_point: int) -> RowDict:
    details = [service["service_details"] for service in services]
    return {
        "customer_id": number, "username": login,
        "equipment": [
            {
                "equipment_id": number, "mac_address": each["mac_address"], "radio_mac": each["mac_address"],
                "ip_address": each["ip_address"], "access_point_id": access_point,
            }
            for each in details
        ],
        "wireless_services": [
            {
                "service_number": service["service_number"], "package_status": "ACTIVE", "status": service["status"],
                "up_speed": each["up_speed"], "up_speed_unit": each["up_speed_unit"],
                "down_speed": each["down_speed"], "down_speed_unit": each["down_speed_unit"],
                "ip_address": each["ip_address"], "mac_address": each["mac_address"],
            }
            for service, each in zip(services, details, strict=True)
        ],
    }  # fmt: skip


def _odd_services() -> Iterator[tuple[int, RowDict]]:
    """Services as no sample customer has them, each with its account's status."""
    wifi = {
        "__typename": "ServiceTypeWifi", "up_speed": 5, "up_speed_unit": "mbps", "down_speed": 25,
        "down_speed_unit": "mbps", "up_burst": 0, "up_burst_unit": "mbps", "down_burst": 0,
        "down_burst_unit": "mbps", "burst_seconds": 0, "multiple_mac": None,
    }  # fmt: skip
    changes: tuple[RowDict, ...] = (
        {"ip_address": f"{_ODD_ADDRESS}1/32"},
        {"ip_address": f"{_ODD_ADDRESS}2, {_ODD_ADDRESS}3", "multiple_mac": [{"ip_address": f"{_ODD_ADDRESS}2"}, {}]},
        {"ip_address": ""},
        {"ip_address": "0.0.0.0"},  # noqa: S104 - a placeholder of the product
        {"ip_address": "255.255.255.255", "multiple_mac": [{"ip_address": f"{_ODD_ADDRESS}4"}]},
        {"ip_address": f"{_ODD_ADDRESS}1"},
        {"ip_address": f"{_ODD_ADDRESS}5", "up_speed": None},
        {"ip_address": f"{_ODD_ADDRESS}6", "up_burst": 2, "down_burst": 20, "burst_seconds": 10},
        {"ip_address": f"{_ODD_ADDRESS}7", "up_speed_unit": "furlongs"},
        {"__typename": "ServiceTypeVpn", "ip_address": None},
        {"__typename": "ServiceTypeFiberCircuit"},
    )
    for change in changes:
        yield PAID_UP, {"service_details": {**wifi, **change}}
    yield PAID_UP, {"service_details": None}
    yield SUSPENDED, {"status": "INACTIVE", "service_details": {**wifi, "ip_address": f"{_ODD_ADDRESS}8"}}
    yield PAID_UP, {"status": "INACTIVE", "service_details": {**wifi, "ip_address": f"{_ODD_ADDRESS}9"}}
