"""The systems behind RADIUS: read from the gateway that took their accounting, or from FreeRADIUS's database."""

from collections.abc import Iterator

from generator.billing import pushed
from generator.billing.radius import sql
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.probe import Probe
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

SQL = "sql"
"""The mode in which the database is read."""


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All sessions and customers, whole; raises `SourceError`."""
    return sql.read(host, retry=retry) if host.mode == SQL else pushed.read(host, retry=retry)


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """Each collection of the gateway, or each table of the database."""
    return sql.probe(host, retry=retry) if host.mode == SQL else pushed.probe(host, retry=retry)
