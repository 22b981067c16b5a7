"""The Azotel SIMPLer connector: customers with their buckets and, where wanted, the APs and sites above them.

Reads the REST/JSON interface with a user and password in each body (facts: Azotel, 2 and 3). The customers
come first, for they show at once whether host, TLS and user are right. The calls follow one another: each
may keep SIMPLer busy for minutes (facts: Azotel, 3 and 8).
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from generator.billing.azotel.calls import (
    CPES,
    CUSTOMERS,
    NOT_PERMITTED,
    SITES,
    Call,
    CpeRow,
    SiteRow,
    read_rows,
)
from generator.billing.azotel.customers import services_of
from generator.billing.azotel.groups import Found as FoundGroups
from generator.billing.azotel.groups import groups_of
from generator.billing.body import Rows, not_objects
from generator.billing.http import HttpReader, StatusError
from generator.billing.secrets import required
from generator.billing.text import shown, text
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_NO_HEADERS: Mapping[str, str] = {}
_PERMISSIONS: Mapping[str, str] = {
    CUSTOMERS.function: "user, Access List and listCustomerBucketData: customers, buckets, addresses",
    CPES.function: "getCPEData: the AP of each customer",
    SITES.function: "listSiteData: the names of APs and sites",
}


class _Lists(Struct, frozen=True, kw_only=True):
    """The two lists that serve groups only; none when they are not wanted or not permitted."""

    cpes: Rows[CpeRow] = Rows(rows=())
    sites: Rows[SiteRow] = Rows(rows=())
    refusal: str | None = None


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the SIMPLer of `host` says, whole: plans are the buckets, services the customers.

    Raises `SourceError` when a list that is needed cannot be read whole.
    """
    required(host, "username", "password")
    with HttpReader(host, headers=_NO_HEADERS, retry=retry) as reader:
        customers = read_rows(reader, host, CUSTOMERS)
        lists = _group_lists(reader, host) if host.subscriber_groups else _Lists()
    refused = lists.refusal is not None
    above = FoundGroups(groups={}) if refused else groups_of(lists.cpes, lists.sites)
    found = services_of(customers, above.groups, host)
    return BillingAnswer(
        plans=found.plans,
        services=found.services,
        rejected=(
            *not_objects(CUSTOMERS.noun, customers),
            *not_objects(CPES.noun, lists.cpes),
            *not_objects(SITES.noun, lists.sites),
        ),
        unread_groups=frozenset({"L1", "L2"}) if refused else frozenset(),
        warnings=(*([lists.refusal] if lists.refusal else []), *found.warnings, *above.warnings),
    )  # fmt: skip


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """Every call that this host's options make, tried one by one.

    SIMPLer has no smaller request than the whole list (facts: Azotel, 3).
    """
    required(host, "username", "password")
    with HttpReader(host, headers=_NO_HEADERS, retry=retry) as reader:
        calls: tuple[Call[Any], ...] = (CUSTOMERS, CPES, SITES) if host.subscriber_groups else (CUSTOMERS,)
        for call in calls:
            look = partial(_first_row, reader, host, call)
            yield tried(_PERMISSIONS[call.function], look, needed=call is CUSTOMERS)


def _group_lists(reader: HttpReader, host: BillingHost) -> _Lists:
    """Both lists, for one without the other makes no group; or a warning when one may not be read."""
    call: Call[Any] = CPES
    try:
        cpes = read_rows(reader, host, CPES)
        call = SITES
        return _Lists(cpes=cpes, sites=read_rows(reader, host, SITES))
    except StatusError as error:
        if error.status not in NOT_PERMITTED:
            raise
        return _Lists(
            refusal=f"this user may not call {call.function} (HTTP {error.status}): L1 and L2 groups stay as they "
            "were; ask Azotel support to allow it, or set `subscriber_groups: false`"
        )


def _first_row(reader: HttpReader, host: BillingHost, call: Call[Any]) -> str:
    rows = read_rows(reader, host, call)
    if not rows.rows:
        return "an empty list"
    first = rows.rows[0]
    sample = f"site {shown(text(first.sitename))!r}" if call is SITES else f"customer {shown(text(first.customerid))}"
    return f"{rows.total} {call.noun}s, for example {'that of ' if call is CPES else ''}{sample}"
