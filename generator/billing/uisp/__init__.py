"""The UISP connector: plans, clients and services of its CRM, devices and sites of its NMS (facts: UISP).

The two applications join at the client site: `unmsClientSiteId` of a service is the `id` of a site. Service plans
come first, alone: they are few, and show at once whether host, TLS and key are right and where the CRM is. The
large lists follow side by side.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from msgspec import Struct

from generator.billing.body import Rows, not_objects
from generator.billing.http import HttpReader, Params
from generator.billing.secrets import required
from generator.billing.text import text
from generator.billing.uisp.lists import (
    CLIENTS,
    DEVICES,
    NMS_BASE,
    PLANS,
    SERVICES,
    SITES,
    ClientRow,
    Crm,
    DeviceRow,
    Listing,
    PlanRow,
    ServiceRow,
    SiteRow,
    example,
    read_nms,
)
from generator.billing.uisp.network import Network
from generator.billing.uisp.plans import plans_of
from generator.billing.uisp.services import Services
from generator.errors import SourceError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, Rejected
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_PARALLEL_LISTS = 4


class _Lists(Struct, frozen=True, kw_only=True):
    plans: Rows[PlanRow]
    clients: Rows[ClientRow]
    services: Rows[ServiceRow]
    devices: Rows[DeviceRow]
    sites: Rows[SiteRow]


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the UISP of `host` says, whole: Internet plans, and services with the addresses of their sites.

    Raises `SourceError` when any of the five lists cannot be read whole, or the NMS knows none of the sites.
    """
    with HttpReader(host, headers=_key(host), retry=retry) as reader:
        lists = _read_lists(reader)
        where = reader.where(NMS_BASE)
    plans = plans_of(lists.plans)
    network = Network(lists.devices, lists.sites, groups=host.subscriber_groups)
    services = Services(lists.services, lists.clients, plans, network, host)
    if services.on_sites and network.lacks_a_list and not services.records:
        raise SourceError(
            f"the NMS names no address of any of the {services.on_sites} active services that have a site",
            where=where,
            fix="the NMS may be starting up, or the user of `api_key` may see no sites or devices: nothing was used",
        )
    return BillingAnswer(
        plans=(*plans.by_id.values(), *services.own_plans),
        services=services.records,
        rejected=(*plans.rejected, *_not_objects(lists), *services.rejected),
        warnings=services.warnings(),
    )


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """The key at each list of the CRM and the NMS, by a small request."""
    with HttpReader(host, headers=_key(host), retry=retry) as reader:
        crm = Crm(reader)
        listings: tuple[Listing[Any], ...] = (PLANS, CLIENTS, SERVICES)
        for listing in listings:
            yield tried(f"CRM, {listing.noun}s: view", partial(_first, crm, listing))
        towers = _Towers(reader)
        yield tried("NMS, sites: view", towers.look)
        yield tried("NMS, devices: view", towers.look_at_devices)


def _first(crm: Crm, listing: Listing[Any]) -> str:
    return example(listing, crm.sample(listing))


class _Towers:
    """The NMS tried at the sites that are no clients', which are few, and the devices of one of them."""

    def __init__(self, reader: HttpReader) -> None:
        self._reader = reader
        self._devices_of: Params = ()

    def look(self) -> str:
        """What the first site is."""
        rows = read_nms(self._reader, SITES, (("type", "site"),)).rows
        if rows:
            self._devices_of = (("siteId", text(rows[0].id)),)
        return example(SITES, rows)

    def look_at_devices(self) -> str:
        """What the first device there is."""
        return example(DEVICES, read_nms(self._reader, DEVICES, self._devices_of).rows)


def _key(host: BillingHost) -> dict[str, str]:
    """The one key as both headers: which of them the CRM takes differs (facts: UISP, 2)."""
    (key,) = required(host, "api_key")
    return {"x-auth-token": key, "X-Auth-App-Key": key}


def _read_lists(reader: HttpReader) -> _Lists:
    crm = Crm(reader)
    plans = crm.find(PLANS)
    with ThreadPoolExecutor(max_workers=_PARALLEL_LISTS) as threads:
        clients = threads.submit(crm.read, CLIENTS)
        services = threads.submit(crm.read, SERVICES)
        devices = threads.submit(read_nms, reader, DEVICES)
        sites = threads.submit(read_nms, reader, SITES)
        return _Lists(
            plans=plans, clients=clients.result(), services=services.result(),
            devices=devices.result(), sites=sites.result(),
        )  # fmt: skip


def _not_objects(lists: _Lists) -> Iterator[Rejected]:
    read: tuple[tuple[str, Rows[Any]], ...] = (
        ("plan", lists.plans), (CLIENTS.noun, lists.clients), (SERVICES.noun, lists.services),
        (DEVICES.noun, lists.devices), (SITES.noun, lists.sites),
    )  # fmt: skip
    for noun, rows in read:
        yield from not_objects(noun, rows)
