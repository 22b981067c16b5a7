"""Reads any billing system: finds the connector of its `system` and asks it."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import cast

import generator.billing
from generator.errors import UsageError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer


def read_source(host: BillingHost) -> BillingAnswer:
    """All that the billing system of `host` says, whole.

    The connector is the module `generator.billing.<system>`, loaded when it is needed. Raises `UsageError`
    for a system without one, `SourceError` for a source that cannot be read whole.
    """
    return _connector(host)(host)


def _connector(host: BillingHost) -> Callable[[BillingHost], BillingAnswer]:
    if host.system in _modules():
        module = importlib.import_module(f"generator.billing.{host.system}")
        read = getattr(module, "read", None)
        if callable(read):
            return cast("Callable[[BillingHost], BillingAnswer]", read)
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
