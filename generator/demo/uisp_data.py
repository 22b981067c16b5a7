"""Sample data of a UISP: made up, the same for the same seed, with clients, towers and radios as WISPs have them."""

import random
from typing import ClassVar

from generator.demo.sample import LOGINS, PLANS, SITES, Lists, RowDict, address, mac, person

_FIRST_PLAN, _FIRST_CLIENT, _FIRST_SERVICE = 6, 402, 771
_SUSPENDED_EVERY, _ENDED_EVERY, _OVERRIDE_EVERY, _COMPANY_EVERY, _IN_SITE_EVERY = 25, 40, 30, 12, 8
_ACTIVE, _ENDED, _SUSPENDED = 1, 2, 3
_ACCESS_POINTS = ("North", "South")
_MBPS = 1000


class UispData(Lists):
    """The lists of a UISP, as its API shows them: `plans`, `clients`, `services` (CRM), `devices`, `sites` (NMS).

    They may be changed by hand; `touch()` afterwards tells the emulator.
    """

    NAMES: ClassVar[tuple[str, ...]] = ("plans", "clients", "services", "devices", "sites")
    plans: list[RowDict]
    clients: list[RowDict]
    services: list[RowDict]
    devices: list[RowDict]
    sites: list[RowDict]

    def add_odd_rows(self) -> None:
        """What real installations hold besides, each made after the first customer; once."""
        if any(client["id"] == _ODD_CLIENT for client in self.clients):
            return
        self.clients += [
            _client(_ODD_CLIENT, {"firstName": None, "lastName": None, "companyName": "Odd & Sons", "clientType": 2}),
            _client(_ODD_CLIENT + 1, {"firstName": "Lena", "lastName": "Lead", "isLead": True}),
        ]
        self.plans.append({**self.plans[0], "id": _ODD_PLAN, "name": "Gone 12.5", "archived": True})
        for at, (service, device, site) in enumerate(_ODD):
            number = _ODD_SERVICE + at
            plan = {**self.plans[0], "name": self.plans[0]["name"].strip()}
            site_id = _uuid(2, number)
            parent = {"id": _uuid(1, 0), "name": SITES[0], "type": "site", "status": "active"}
            self.services.append({**_service(number, _ODD_CLIENT, plan, site_id), **service})
            self.sites.append(_endpoint(site_id, "Odd", parent, _ucrm(_ODD_CLIENT, number, plan["id"])) | site)
            station = _station(site_id, "Odd", parent, f"100.127.255.{at + 1}", _uuid(4, 0))
            self.devices.append(station | {name: value for name, value in device.items() if name != "site"})
            if "site" in device:
                self.devices[-1]["identification"] = {**station["identification"], "site": device["site"]}
        self.touch()


_ODD_CLIENT, _ODD_SERVICE, _ODD_PLAN = 900001, 900001, 900001
_ARCHIVED = {"servicePlanId": _ODD_PLAN, "servicePlanName": "Gone 12.5", "downloadSpeed": 12.5, "uploadSpeed": 3.0}
_ODD: tuple[tuple[RowDict, RowDict, RowDict], ...] = (
    ({}, {"ipAddress": "2001:db8:7:1::2/64"}, {}),
    ({}, {"ipAddress": "100.127.255.99/24", "attributes": None}, {}),
    ({}, {"attributes": {"apDevice": None}}, {}),
    ({}, {"site": None}, {}),
    ({"unmsClientSiteId": None, "unmsClientSiteStatus": None}, {}, {}),
    (_ARCHIVED, {}, {}),
    ({"trafficShapingOverrideEnabled": True, "downloadSpeedOverride": 80.0, "uploadSpeedOverride": None}, {}, {}),
    ({"clientId": _ODD_CLIENT + 1, "status": 7}, {}, {}),
    ({}, {"ipAddress": "100.127.255.1"}, {}),
    ({}, {"ipAddress": "100.127.255.1"}, {}),
    ({"servicePlanType": "General", "downloadSpeed": None, "uploadSpeed": None, "unmsClientSiteId": None}, {}, {}),
)
"""What differs in (service, device, site)."""


def sample(customers: int, seed: int) -> UispData:
    """A UISP with so many customers; some suspended, some ended, some with speeds of their own."""
    chance = random.Random(seed)  # noqa: S311 - sample data, the same for the same seed
    data = UispData()
    data.plans += [_plan(number, *plan) for number, plan in enumerate(PLANS, _FIRST_PLAN)]
    for at, name in enumerate(SITES):
        data.sites.append(_tower(_uuid(1, at), name))
        data.devices += [_access_point(at, side, name) for side in range(len(_ACCESS_POINTS))]
    for at in range(customers):
        _add_customer(data, at, chance)
    return data


def _add_customer(data: UispData, at: int, chance: random.Random) -> None:
    first, last = person(chance)
    plan, tower, side = chance.choice(data.plans), chance.randrange(len(SITES)), chance.randrange(len(_ACCESS_POINTS))
    company = {"firstName": None, "lastName": None, "companyName": f"{last} {at} Ltd", "clientType": 2}
    who = company if at % _COMPANY_EVERY == 1 else {"firstName": first, "lastName": last}
    client = _client(_FIRST_CLIENT + at, who)
    service = _service(_FIRST_SERVICE + at, client["id"], plan, _uuid(2, at))
    if at % _SUSPENDED_EVERY == _SUSPENDED_EVERY - 1:
        service["status"] = _SUSPENDED
    elif at % _ENDED_EVERY == _ENDED_EVERY - 1:
        service["status"] = _ENDED
    if at % _OVERRIDE_EVERY == 2:  # noqa: PLR2004 - some customer
        service |= {"trafficShapingOverrideEnabled": True, "downloadSpeedOverride": 75.5}
    site_id, name = _uuid(2, at), f"{first} {last}"
    parent = {"id": _uuid(1, tower), "name": SITES[tower], "type": "site", "status": "active"}
    endpoint = _endpoint(site_id, name, parent, _ucrm(client["id"], service["id"], plan["id"]))
    if at % _IN_SITE_EVERY == 0:
        endpoint["description"]["ipAddresses"] = [f"{address(at)}/32"]
    access_point = _uuid(3, tower * len(_ACCESS_POINTS) + side)
    radio = _station(site_id, name, parent, f"{address(at)}/24", access_point)
    radio["attributes"]["apDevice"] |= {"name": f"{SITES[tower]} {_ACCESS_POINTS[side]}"}
    data.clients.append(client)
    data.services.append(service)
    data.sites.append(endpoint)
    data.devices.append(radio)


def _uuid(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


def _plan(number: int, name: str, download: int, upload: int) -> RowDict:
    return {
        "id": number, "name": name, "servicePlanType": "Internet", "downloadSpeed": download / _MBPS,
        "uploadSpeed": upload / _MBPS, "downloadBurst": None, "uploadBurst": None, "dataUsageLimit": None,
        "downloadSpeedLimited": None, "uploadSpeedLimited": None, "aggregation": None, "archived": False,
        "public": True, "prepaid": False, "organizationId": 1,
    }  # fmt: skip


def _client(number: int, who: RowDict) -> RowDict:
    return {
        "id": number, "userIdent": f"C-{number}", "isLead": False, "clientType": 1, "companyName": None,
        "companyContactFirstName": None, "companyContactLastName": None, **who,
        "username": f"{LOGINS[number % len(LOGINS)]}{number}", "isActive": False, "isArchived": False,
        "hasSuspendedService": False, "organizationId": 1, "tags": [], "attributes": [],
        "contacts": [{"email": f"c{number}@example.net", "phone": None, "name": None, "isBilling": True,
                      "isContact": True}],
    }  # fmt: skip


def _service(number: int, client: int, plan: RowDict, site: str) -> RowDict:
    return {
        "id": number, "clientId": client, "status": _ACTIVE, "name": plan["name"], "servicePlanId": plan["id"],
        "servicePlanPeriodId": 31, "servicePlanName": plan["name"], "servicePlanType": "Internet",
        "downloadSpeed": plan["downloadSpeed"], "uploadSpeed": plan["uploadSpeed"], "unmsClientSiteId": site,
        "unmsClientSiteStatus": "active", "hasOutage": None, "suspensionReasonId": None,
        "trafficShapingOverrideEnabled": False, "downloadSpeedOverride": None, "uploadSpeedOverride": None,
        "trafficShapingOverrideEnd": None, "activeFrom": "2024-03-01T00:00:00-0700", "activeTo": None,
        "attributes": [],
    }  # fmt: skip


def _ucrm(client: int, service: int, plan: int) -> RowDict:
    """The CRM's ids as the NMS has them: texts."""
    return {
        "client": {"id": str(client), "name": "", "isLead": False},
        "service": {"id": str(service), "name": "", "status": _ACTIVE, "tariffId": str(plan)},
    }


def _tower(site_id: str, name: str) -> RowDict:
    return _site(site_id, name, "site", None, None)


def _endpoint(site_id: str, name: str, parent: RowDict | None, ucrm: RowDict | None) -> RowDict:
    return _site(site_id, name, "endpoint", parent, ucrm)


def _site(site_id: str, name: str, kind: str, parent: RowDict | None, ucrm: RowDict | None) -> RowDict:
    return {
        "id": site_id,
        "identification": {
            "id": site_id, "name": name, "type": kind, "status": "active", "suspended": False, "parent": parent,
        },
        "description": {"address": None, "ipAddresses": [], "endpoints": [], "ucrmId": None},
        "qos": {"enabled": False, "propagation": None, "downloadSpeed": None, "uploadSpeed": None},
        "ucrm": ucrm,
    }  # fmt: skip


def _device(device_id: str, name: str, role: str, site: RowDict, number: int) -> RowDict:
    return {
        "identification": {
            "id": device_id, "name": name, "hostname": name, "displayName": name, "mac": mac(number), "role": role,
            "type": "airMax", "model": "LBE-5AC-Gen2", "status": "active", "authorized": True,
            "category": "wireless", "site": site,
        },
        "ipAddress": None, "ipAddressList": [], "attributes": {"apDevice": None, "parentId": None},
        "overview": {"status": "active", "uptime": 86400, "signal": -58}, "uplinkDevice": None,
    }  # fmt: skip


def _access_point(tower: int, side: int, name: str) -> RowDict:
    site = {"id": _uuid(1, tower), "name": name, "type": "site", "status": "active", "parent": None}
    number = tower * len(_ACCESS_POINTS) + side
    return {
        **_device(_uuid(3, number), f"{name} {_ACCESS_POINTS[side]}", "ap", site, number),
        "ipAddress": f"10.255.0.{number + 1}/24",
    }


def _station(site_id: str, name: str, parent: RowDict, written: str, access_point: str) -> RowDict:
    number = int(site_id[-8:], 16)
    site = {"id": site_id, "name": name, "type": "endpoint", "status": "active", "parent": parent}
    station = _device(_uuid(5, number), f"{name} radio", "station", site, number)
    ap_device = {"id": access_point, "name": "Odd AP", "type": "airMax", "model": "R5AC", "siteId": parent["id"]}
    return {
        **station,
        "ipAddress": written,
        "ipAddressList": [written],
        "attributes": {"apDevice": ap_device, "parentId": None},
    }
