"""Runs the emulator of any billing system on loopback, found by the system's name."""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from msgspec import Struct

from generator.demo.emulator import EmulatorOptions
from generator.documents.nearest import suggestion
from generator.documents.resources import resource_dir
from generator.errors import UsageError
from generator.net.certificate import Certificate
from generator.net.serve import serving


class Emulated(Struct, frozen=True, kw_only=True):
    """A running emulator: its URL, and the variables of an inventory host that reach it."""

    url: str
    host_vars: Mapping[str, Any]


def systems() -> list[str]:
    """Every billing system, by name: those with a fragment in `schemas/billing/`."""
    return sorted(path.name.split(".")[0] for path in resource_dir("schemas").glob("billing/*.schema.json"))


def emulator_of(system: str) -> ModuleType:
    """The emulator's module; raises `UsageError` for a system that is not known."""
    if system not in systems():
        raise UsageError(f"nothing to simulate is called {system!r}", fix=suggestion(system, ["bqn", *systems()]))
    return importlib.import_module(f"generator.demo.{system}")


@contextmanager
def emulating(
    system: str,
    options: EmulatorOptions,
    *,
    certificate: Certificate,
    data: Any = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[Emulated]:
    """Run the emulator of `system` over `data` (default: sample data) until the `with` ends.

    Raises `UsageError` for a system or a switch that is not known.
    """
    emulator = emulator_of(system)
    if data is None:
        data = emulator.sample(options.customers, options.seed)
    own: Mapping[str, Any] = {
        "system": system, "credentials": dict(emulator.CREDENTIALS), **getattr(emulator, "HOST_VARS", {}),
    }  # fmt: skip
    if hasattr(emulator, "running"):
        with emulator.running(data, options, host=host, port=port) as reached:
            yield Emulated(url=reached.url, host_vars={**own, **reached.host_vars})
        return
    with serving(emulator.make_app_for(data, options), host=host, port=port, certificate=certificate) as at:
        reach = {"host": at.host, "port": at.port, "tls": {"fingerprint_sha256": at.fingerprint_sha256}}
        yield Emulated(url=at.url, host_vars={**own, **reach})
