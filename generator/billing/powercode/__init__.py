"""The Powercode connector by SQL: its MySQL behind SSH, six tables, read-only (facts: Powercode SQL).

The first table comes alone, so that a wrong user shows at once; nothing is kept of a connection that breaks.
"""

import datetime as dt
from collections.abc import Iterator
from functools import partial

from generator.billing.powercode.database import (
    ADDRESS_RANGE,
    CUSTOMER,
    CUSTOMER_SERVICES,
    EQUIPMENT,
    INTERNET_INFO,
    SERVICES,
    TABLES,
    Table,
    opened,
    persist,
)
from generator.billing.powercode.records import Services, Tables, customers_of, decoded, links_of, owned, plans_of
from generator.billing.text import shown
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

SPEAKS_TLS = False


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the Powercode of `host` says, whole: plans are its services with rates, services its equipment.

    Raises `SourceError` when SSH, MySQL or a table cannot be read whole.
    """
    tables = persist(partial(_read_tables, host), host, retry)
    services = Services(tables, host)
    for row in tables.equipment:
        services.add(row)
    left_out: list[str] = []
    return BillingAnswer(
        plans=tuple(plans_of(tables, left_out)),
        services=tuple(services.records),
        rejected=tuple(services.rejected),
        warnings=(*left_out, *services.warnings()),
    )


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """SSH with its host key, the MySQL login, and SELECT on each of the six tables."""
    login = tried("SSH login, host key, and MySQL login", partial(persist, partial(_clock, host), host, retry))
    yield login
    if login.problem is None:
        for table in TABLES:
            yield tried(f"SELECT on {table.name}", partial(persist, partial(_first, host, table), host, retry))


def _read_tables(host: BillingHost) -> Tables:
    with opened(host) as database:
        return Tables(
            customers=customers_of(database.rows(CUSTOMER)),
            services_of=links_of(database.rows(CUSTOMER_SERVICES)),
            names={decoded(number): (decoded(name), decoded(kind)) for number, name, kind in database.rows(SERVICES)},
            rates={decoded(row[0]): row[1:] for row in database.rows(INTERNET_INFO)},
            ranges={decoded(number): start for number, start in database.rows(ADDRESS_RANGE)},
            equipment=owned(database.rows(EQUIPMENT)),
        )


def _clock(host: BillingHost) -> str:
    with opened(host) as database:
        there = dt.datetime.fromtimestamp(database.clock(), dt.UTC)
    apart_s = abs((there - dt.datetime.now(dt.UTC)).total_seconds())
    return f"its clock says {there:%Y-%m-%d %H:%M:%S} UTC, {apart_s:.0f} s apart"


def _first(host: BillingHost, table: Table) -> str:
    with opened(host) as database:
        row = next(database.rows(table, limit=1), None)
    return "an empty table" if row is None else f"for example {table.columns[0]} {shown(decoded(row[0]))}"
