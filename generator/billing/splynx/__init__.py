"""The Splynx connector: tariffs, sessions online and, where wanted, customers, sites and services.

Reads `admin/...` of the REST API 2.0 with Basic authentication (facts: Splynx). Tariffs come first, alone:
they are small and show at once whether host, TLS and key are right; the large lists follow side by side.
"""

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from msgspec import Struct

from generator.billing.body import Row, Rows, not_objects
from generator.billing.http import HttpReader, StatusError
from generator.billing.secrets import required
from generator.billing.splynx.customers import NO_SITES, Customer, Sites, customers_of, sites_of
from generator.billing.splynx.lists import (
    CUSTOMERS,
    NOT_PERMITTED,
    ONLINE,
    SERVICES,
    SITES,
    TARIFFS,
    CustomerRow,
    InternetServiceRow,
    Listing,
    OnlineRow,
    SiteRow,
    TariffRow,
    first_row,
    read_list,
)
from generator.billing.splynx.services import Found, services_of, sessions_of, unknown_customers
from generator.billing.splynx.tariffs import plans_of
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, Rejected
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_PARALLEL_LISTS = 3
SERVICES_MODE = "internet-services"


class _Lists(Struct, frozen=True, kw_only=True):
    """The lists as read; `None` is one that was not wanted or, of groups only, not permitted."""

    tariffs: Rows[TariffRow]
    online: Rows[OnlineRow]
    customers: Rows[CustomerRow] | None
    sites: Rows[SiteRow] | None
    services: Rows[InternetServiceRow] | None
    unread_groups: frozenset[str]
    warnings: tuple[str, ...]


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the Splynx of `host` says, whole: plans are its tariffs, services its sessions.

    In the mode `internet-services` the active services with a fixed address that no session has are added.
    Raises `SourceError` when a list that is needed cannot be read whole.
    """
    with HttpReader(host, headers={"Authorization": _basic(host)}, retry=retry) as reader:
        lists = _read_lists(reader, host)
    return _answer(lists, host)


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """Every list that this host's options read, tried one by one, the first row of each."""
    with HttpReader(host, headers={"Authorization": _basic(host)}, retry=retry) as reader:
        needed: list[Listing[Any]] = [TARIFFS, ONLINE, *([CUSTOMERS] if _needs_customers(host) else [])]
        needed += [SERVICES] if host.mode == SERVICES_MODE else []
        wished = [each for each in (CUSTOMERS, SITES) if host.subscriber_groups and each not in needed]
        for listing in (*needed, *wished):
            yield tried(listing.permission, partial(first_row, reader, listing), needed=listing in needed)


def _basic(host: BillingHost) -> str:
    pair = ":".join(required(host, "api_key", "api_secret"))
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _needs_customers(host: BillingHost) -> bool:
    return (
        host.subscriber_id in {"name", "email"}
        or (host.block_inactive and host.block_on == "customer_status")
        or host.mode == SERVICES_MODE
    )


def _read_lists(reader: HttpReader, host: BillingHost) -> _Lists:
    needed = _needs_customers(host)
    tariffs = read_list(reader, TARIFFS)
    with ThreadPoolExecutor(max_workers=_PARALLEL_LISTS) as threads:
        online = threads.submit(read_list, reader, ONLINE)
        customers = threads.submit(_customers, reader, needed=needed, groups=host.subscriber_groups)
        sites = threads.submit(_permitted, reader, SITES) if host.subscriber_groups else None
        services = threads.submit(read_list, reader, SERVICES) if host.mode == SERVICES_MODE else None
        read_online, (read_customers, refusal) = online.result(), customers.result()
        read_sites, site_refusal = sites.result() if sites else (None, None)
        read_services = services.result() if services else None
    unread = frozenset(
        {"L1", "L2"} if refusal else {"L1"} if site_refusal else set(),
    )
    warnings = tuple(found for found in (refusal, site_refusal) if found)
    return _Lists(
        tariffs=tariffs, online=read_online, customers=read_customers, sites=read_sites,
        services=read_services, unread_groups=unread, warnings=warnings,
    )  # fmt: skip


def _customers(reader: HttpReader, *, needed: bool, groups: bool) -> tuple[Rows[CustomerRow] | None, str | None]:
    if needed:
        return read_list(reader, CUSTOMERS), None
    return _permitted(reader, CUSTOMERS) if groups else (None, None)


def _permitted(reader: HttpReader, listing: Listing[Row]) -> tuple[Rows[Row] | None, str | None]:
    """A list that serves groups only, or a warning when the key may not read it."""
    try:
        return read_list(reader, listing), None
    except StatusError as error:
        if error.status not in NOT_PERMITTED:
            raise
        levels = "L1" if listing is SITES else "L1 and L2"
        return None, (
            f"the key may not read {listing.path} (HTTP {error.status}): {levels} groups stay as they were; "
            f"grant `{listing.permission}`, or set `subscriber_groups: false`"
        )


def _answer(lists: _Lists, host: BillingHost) -> BillingAnswer:
    plans = plans_of(lists.tariffs)
    sites = sites_of(lists.sites) if lists.sites else NO_SITES
    customers = _by_id(lists.customers, sites, host)
    found = sessions_of(lists.online, customers, host)
    if lists.services is not None:
        found = _with_services(found, lists.services, customers, host)
    known = () if lists.customers is None else unknown_customers(found.services, customers)
    return BillingAnswer(
        plans=plans.plans,
        services=found.services,
        rejected=(*plans.rejected, *_not_objects(lists), *found.rejected),
        unread_groups=lists.unread_groups,
        warnings=(*lists.warnings, *plans.warnings, *sites.warnings, *found.warnings, *known),
    )


def _by_id(rows: Rows[CustomerRow] | None, sites: Sites, host: BillingHost) -> dict[str, Customer]:
    return customers_of(rows, sites, groups=host.subscriber_groups) if rows else {}


def _with_services(
    sessions: Found, rows: Rows[InternetServiceRow], customers: dict[str, Customer], host: BillingHost
) -> Found:
    offline = services_of(rows, sessions, customers, host)
    return Found(
        services=sessions.services + offline.services,
        rejected=sessions.rejected + offline.rejected,
        warnings=sessions.warnings + offline.warnings,
    )


def _not_objects(lists: _Lists) -> Iterator[Rejected]:
    read: tuple[tuple[str, Rows[Any] | None], ...] = (
        (TARIFFS.noun, lists.tariffs), (ONLINE.noun, lists.online), (CUSTOMERS.noun, lists.customers),
        (SITES.noun, lists.sites), (SERVICES.noun, lists.services),
    )  # fmt: skip
    for noun, rows in read:
        yield from not_objects(noun, rows) if rows is not None else ()
