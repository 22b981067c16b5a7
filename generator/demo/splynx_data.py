"""Sample data of a Splynx: made up, the same for the same seed, with the names that real ISPs have."""

import random
from collections.abc import Iterator
from itertools import chain
from typing import ClassVar

from generator.demo.sample import FAMILY, GIVEN, LOGINS, SITES, Lists, RowDict, address, mac

_LABELS = ("Backhaul North", "Backhaul South", "Ring Este", "Fibre PoP")
_BURST_20 = {"burst_type": "percent", "burst_limit": 20, "burst_threshold": 80}
_BURST_50 = {"burst_type": "percent", "burst_limit": 50, "burst_threshold": 75}
_BURST_FIXED = {
    "burst_type": "fixed", "burst_limit_fixed_down": 409600, "burst_limit_fixed_up": 153600,
    "burst_threshold_fixed_down": 204800, "burst_threshold_fixed_up": 81920,
}  # fmt: skip
_TARIFFS: tuple[tuple[str, tuple[int, int], RowDict], ...] = (
    ("Home 50 Mb", (51200, 10240), _BURST_20),
    ("Home 100 Mb", (102400, 20480), _BURST_50),
    ("Hogar Básico 30", (30720, 6144), {}),
    ("Fibra Óptica 300", (307200, 102400), _BURST_FIXED),
    ("Business 500 symmetric", (512000, 512000), {}),
    ("Wireless 20\t", (20480, 4096), _BURST_20),
    ("L'Essentiel 10", (10240, 2048), {}),
    ("Дім 200", (204800, 51200), {}),
)
_FIRST_TARIFF, _FIRST_CUSTOMER, _FIRST_SERVICE, _FIRST_SESSION = 61, 401, 501, 98001
_OFFLINE_EVERY, _BLOCKED_EVERY, _TWO_SERVICES_EVERY = 12, 25, 20


class SplynxData(Lists):
    """The lists of a Splynx, as dictionaries with plain numbers, and what happens to customers.

    `tariffs`, `online`, `customers`, `sites` and `services` may be changed by hand; `touch()` afterwards
    tells the emulator. Each method that stands for a typical change says in a sentence what it did.
    """

    NAMES: ClassVar[tuple[str, ...]] = ("tariffs", "online", "customers", "sites", "services")
    tariffs: list[RowDict]
    online: list[RowDict]
    customers: list[RowDict]
    sites: list[RowDict]
    services: list[RowDict]

    def __init__(self, *, seed: int = 1) -> None:
        super().__init__()
        self._random = random.Random(seed)  # noqa: S311 - sample data, the same for the same seed
        self._addresses = 0
        self._odd = False

    def load(self, lists: dict[str, list[RowDict]]) -> None:
        """Replace the lists by what `dump` gave; new customers get addresses after those in use."""
        super().load(lists)
        self._addresses = len(self.services)

    def new_customer(self) -> str:
        """A customer signs up, with a service and a session."""
        customer = self._add_customer(online=True, blocked=False)
        self.touch()
        return f"new customer {customer['name']} ({customer['login']})"

    def change_plan(self) -> str:
        """An active customer moves to the next tariff."""
        session = self._pick_session()
        plans = [tariff["id"] for tariff in self.tariffs]
        at = plans.index(session["tariff_id"])
        plan = self.tariffs[(at + 1) % len(plans)]
        for row in self._rows_of_service(session):
            row["tariff_id"] = plan["id"]
        self.touch()
        return f"{session['login']} moves from {self.tariffs[at]['title']} to {plan['title']}"

    def stop_paying(self) -> str:
        """An active customer is blocked for non-payment."""
        session = self._pick_session()
        customer = self._customer(session)
        customer["status"] = "blocked"
        for row in self.online:
            if row["customer_id"] == customer["id"]:
                row["blocked"] = 1
        self.touch()
        return f"{session['login']} has not paid and is blocked"

    def cancel(self) -> str:
        """An active customer leaves: sessions gone, services stopped."""
        session = self._pick_session()
        customer = self._customer(session)
        customer["status"] = "disabled"
        self.online[:] = [row for row in self.online if row["customer_id"] != customer["id"]]
        for row in self.services:
            if row["customer_id"] == customer["id"]:
                row["status"] = "stopped"
        self.touch()
        return f"{session['login']} has cancelled"

    def new_tariff(self) -> str:
        """A new Internet tariff is on sale; nobody has it yet."""
        number = _next_id(self.tariffs, _FIRST_TARIFF)
        rate = 1024 * (600 + 10 * (number - _FIRST_TARIFF))
        self.tariffs.append(_tariff(number, f"Gigaset {number}", (rate, rate // 2), {}))
        self.touch()
        return f"new tariff Gigaset {number}"

    def add_odd_rows(self) -> None:
        """What real session tables hold besides: rows without address, stale ones, unknown tariffs; once."""
        if self._odd:
            return
        self._odd = True
        self.online += list(_odd_sessions(self.online[0], _next_id(self.online, _FIRST_SESSION)))
        self.touch()

    def _pick_session(self) -> RowDict:
        known = {tariff["id"] for tariff in self.tariffs}
        active = [row for row in self.online if not row["blocked"] and row["tariff_id"] in known]
        return active[self._random.randrange(len(active))]

    def _customer(self, session: RowDict) -> RowDict:
        return next(row for row in self.customers if row["id"] == session["customer_id"])

    def _rows_of_service(self, session: RowDict) -> Iterator[RowDict]:
        for row in chain(self.online, self.services):
            if row.get("service_id", row["id"]) == session["service_id"]:
                yield row

    def _add_customer(self, *, online: bool, blocked: bool, services: int = 1) -> RowDict:
        number = self.customers[-1]["id"] + 1 if self.customers else _FIRST_CUSTOMER
        customer = _customer(number, self._random, blocked=blocked)
        self.customers.append(customer)
        for at in range(services):
            login = customer["login"] if at == 0 else f"{customer['login']}-{at + 1}"
            service = self._add_service(customer, login)
            if online:
                self._add_session(service, blocked=blocked)
        return customer

    def _add_service(self, customer: RowDict, login: str) -> RowDict:
        number = self.services[-1]["id"] + 1 if self.services else _FIRST_SERVICE
        plan = self._random.choice(self.tariffs)
        service = _service(number, customer, login=login, plan=plan["id"], address=address(self._addresses))
        self._addresses += 1
        self.services.append(service)
        return service

    def _add_session(self, service: RowDict, *, blocked: bool) -> None:
        number = self.online[-1]["id"] + 1 if self.online else _FIRST_SESSION
        self.online.append(_session(number, service, blocked=blocked))


def sample(customers: int, seed: int) -> SplynxData:
    """A Splynx with so many customers; some are offline, some blocked, some have two services."""
    data = SplynxData(seed=seed)
    data.tariffs += [_tariff(number, *tariff) for number, tariff in enumerate(_TARIFFS, _FIRST_TARIFF)]
    data.sites += [_site(number, title) for number, title in enumerate(SITES, 1)]
    for at in range(1, customers + 1):
        data._add_customer(  # noqa: SLF001 - the constructor of sample data, in the same module
            online=at % _OFFLINE_EVERY != 0,
            blocked=at % _BLOCKED_EVERY == 0,
            services=2 if at % _TWO_SERVICES_EVERY == 0 else 1,
        )
    return data


def _next_id(rows: list[RowDict], first: int) -> int:
    return max((row["id"] for row in rows), default=first - 1) + 1


def _tariff(number: int, service_name: str, speeds: tuple[int, int], burst: RowDict) -> RowDict:
    unset = None if not burst else 0
    return {
        "id": number, "title": service_name.strip(), "service_name": service_name, "price": "29.0000",
        "with_vat": 1, "speed_download": speeds[0], "speed_upload": speeds[1], "speed_limit_type": "percent",
        "speed_limit_at": 10, "speed_limit_fixed_down": 0, "speed_limit_fixed_up": 0, "aggregation": 4,
        "priority": "normal", "burst_type": "none", "burst_limit": unset, "burst_threshold": unset,
        "burst_time": 30 if burst else None, "burst_limit_fixed_down": 0, "burst_limit_fixed_up": 0,
        "burst_threshold_fixed_down": 0, "burst_threshold_fixed_up": 0, **burst, "partners_ids": [1],
        "available_for_locations": [1, 2], "customer_categories": ["person"], "billing_types": ["recurring"],
        "available_for_services": 1, "services": 12, "customer_labels": [],
    }  # fmt: skip


def _site(number: int, title: str) -> RowDict:
    return {
        "id": number, "title": title, "description": "", "address": "", "gps": "41.1,2.2",
        "location_id": number, "partners_ids": [1],
    }  # fmt: skip


def _customer(number: int, chance: random.Random, *, blocked: bool) -> RowDict:
    at = chance.randrange(len(_LABELS))
    login = f"{LOGINS[number % len(LOGINS)]}{number}"
    return {
        "id": number, "login": login, "status": "blocked" if blocked else "active",
        "name": f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}", "email": f"{login}@example.net",
        "billing_email": "", "phone": "", "category": "person", "partner_id": 1,
        "location_id": 1 + number % len(SITES), "parent_id": 0, "billing_type": "recurring",
        "street_1": "", "city": "", "zip_code": "", "gps": "", "date_add": "2024-02-01",
        "customer_labels": [{"id": at + 1, "label": _LABELS[at], "color": "#357bf2"}],
        "additional_attributes": {},
    }  # fmt: skip


def _service(number: int, customer: RowDict, *, login: str, plan: int, address: str) -> RowDict:
    return {
        "id": number, "customer_id": customer["id"], "tariff_id": plan, "status": "active", "status_new": "",
        "login": login, "password": f"pppoe-{number}", "router_id": 3, "sector_id": 0, "taking_ipv4": 1,
        "ipv4": address, "ipv4_route": "", "ipv4_pool_id": 0, "ipv6": "", "ipv6_delegated": "", "mac": "",
        "bundle_service_id": 0, "parent_id": 0, "start_date": "2024-02-01", "end_date": "0000-00-00",
        "unit_price": "29.0000", "geo": {"address": "", "marker": ""},
    }  # fmt: skip


def _session(number: int, service: RowDict, *, blocked: bool) -> RowDict:
    return {
        "id": number, "customer_id": service["customer_id"], "service_id": service["id"],
        "tariff_id": service["tariff_id"], "partner_id": 1, "nas_id": 3, "login": service["login"],
        "username_real": service["login"], "ipv4": service["ipv4"], "ipv6": "", "ipv6_prefix": 0,
        "mac": mac(number),
        "call_to": "pppoe-south", "port": "ether3", "session_id": f"{number:08x}",
        "start_session": "2025-03-02 08:11:40", "time_on": 5021, "in_bytes": 104857600, "out_bytes": 9437184,
        "price": "0.0000", "last_change": "2025-03-02 09:35:21", "type": "radius", "login_is": "user",
        "blocked": int(blocked), "nas_identifier": "", "kill": None, "fup": None, "signal": None,
    }  # fmt: skip


def _odd_sessions(pattern: RowDict, number: int) -> Iterator[RowDict]:
    """Sessions as no sample customer has them, made after `pattern`, with ids from `number`."""
    changes: tuple[RowDict, ...] = (
        {"ipv4": ""},
        {"ipv4": "", "ipv6": "2001:db8:7:1::", "ipv6_prefix": 64},
        {"ipv4": "100.127.255.1", "tariff_id": 9999},
        {"ipv4": "100.127.255.2", "tariff_id": 0},
        {"login": "stale-then-new"},
        {"ipv4": "100.127.255.3", "blocked": 1},
        {"ipv4": "0.0.0.0"},  # noqa: S104 - an address that a session being built shows
        {"ipv4": "100.127.255.4", "customer_id": 999999, "login": ""},
    )
    for at, change in enumerate(changes):
        yield {**pattern, "id": number + at, **change}
