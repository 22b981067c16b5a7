"""Splynx customers, by id: their other ids, their status, and the groups of their site and labels."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.numbers import rank_number
from generator.billing.splynx.lists import CustomerRow, SiteRow
from generator.billing.text import shown, text
from generator.model import GroupRecord

_NO_LOCATION = frozenset({"", "0"})


class Customer(Struct, frozen=True, kw_only=True, gc=False):
    """What the rows of sessions and services do not say; `ids` holds only those that are filled in."""

    ids: Mapping[str, str]
    status: str
    groups: tuple[GroupRecord, ...]


class Sites(Struct, frozen=True, kw_only=True):
    """The L1 group of each location, and what the operator should know of them."""

    by_location: Mapping[str, GroupRecord]
    warnings: tuple[str, ...] = ()


NO_SITES = Sites(by_location={})


def sites_of(rows: Rows[SiteRow]) -> Sites:
    """The network site of each location; where several share one, the greatest id is taken."""
    best: dict[str, tuple[tuple[int, str], str]] = {}
    shared: set[str] = set()
    for row in rows.rows:
        location, title, site_id = text(row.location_id), text(row.title), text(row.id)
        if location in _NO_LOCATION or not title:
            continue
        claim = ((rank_number(site_id) or 0, site_id), title)
        if location in best:
            shared.add(location)
        best[location] = max(best.get(location, claim), claim)
    warnings = tuple(
        f"location {shown(location)} has several network sites: its L1 group is {shown(best[location][1])!r}"
        for location in sorted(shared)
    )
    return Sites(
        by_location={location: GroupRecord(level="L1", name=title) for location, (_, title) in best.items()},
        warnings=warnings,
    )


def customers_of(rows: Rows[CustomerRow], sites: Sites, *, groups: bool) -> dict[str, Customer]:
    """The customers by id, with their groups if `groups`."""
    return {
        customer_id: Customer(
            ids=_ids(row),
            status=text(row.status).lower(),
            groups=tuple(_groups(row, sites)) if groups else (),
        )
        for row in rows.rows
        if (customer_id := text(row.id))
    }


def _ids(row: CustomerRow) -> dict[str, str]:
    known = {"login": text(row.login), "name": text(row.name), "email": text(row.email)}
    return {choice: value for choice, value in known.items() if value}


def _groups(row: CustomerRow, sites: Sites) -> Iterator[GroupRecord]:
    site = sites.by_location.get(text(row.location_id))
    if site is not None:
        yield site
    for label in dict.fromkeys(_labels(row.customer_labels)):
        yield GroupRecord(level="L2", name=label)


def _labels(value: Any) -> Iterator[str]:
    """The texts of a label list; PHP makes an object of an array whose keys have gaps."""
    labels = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for label in labels:
        name = text(label.get("label")) if isinstance(label, dict) else text(label)
        if name:
            yield name
