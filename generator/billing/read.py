"""Reads any billing system: finds the connector of its `system` and asks it."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Protocol, cast

import generator.billing
from generator.errors import BqnctlError, UsageError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.probe import Probe
from generator.net.reach import reach
from generator.net.retry import DEFAULT_RETRY, RetryPolicy


class Connector(Protocol):
    """What the module `generator.billing.<system>` offers.

    A connector that does not speak TLS says so with `SPEAKS_TLS = False`.
    """

    def read(self, host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
        """All that the billing system says, whole; raises `SourceError`."""

    def probe(self, host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
        """Credentials and each permission, tried one by one with small requests; raises nothing."""


def read_source(host: BillingHost) -> BillingAnswer:
    """All that the billing system of `host` says, whole.

    Raises `UsageError` for a system that cannot be read, `SourceError` for a source that cannot be read whole.
    """
    return connector_of(host).read(host)


def probe_source(host: BillingHost) -> Iterator[Probe]:
    """The way to a billing host, then what its connector needs of it, up to the first that bars the way."""
    connector = connector_of(host)
    tls = host.tls if getattr(connector, "SPEAKS_TLS", True) else None
    for step in reach(host.host, host.port, tls=tls, timeout_s=host.timeout_s):
        yield step
        if step.problem and step.needed:
            return
    try:
        yield from connector.probe(host)
    except BqnctlError as error:
        yield Probe(what="settings", problem=error.what, fix=error.fix)


def connector_of(host: BillingHost) -> Connector:
    """The connector of `host.system`, loaded when it is needed; raises `UsageError` for a system without one."""
    if host.system in _modules():
        module = importlib.import_module(f"generator.billing.{host.system}")
        if hasattr(module, "read"):
            return cast("Connector", module)
    raise UsageError(
        f"this release cannot read the billing system {host.system!r}",
        where=f"host {host.name}",
        fix=f"`system` is one of: {', '.join(sorted(_systems()))}",
    )


def _modules() -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.iter_modules(generator.billing.__path__))


def _systems() -> set[str]:
    """The modules that can read; loads them all, for the error message only."""
    return {name for name in _modules() if hasattr(importlib.import_module(f"generator.billing.{name}"), "read")}
