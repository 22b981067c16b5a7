"""`bqnctl doctor`: every host of the inventory examined, step by step, with the remedy of each failure."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import click
import msgspec
from msgspec import Struct

from generator.billing.read import probe_source
from generator.bqn.probe import probe_appliance
from generator.cli.options import common_options
from generator.cli.session import open_session, require_hosts
from generator.errors import BqnctlError, Exit
from generator.inventory.settings import BillingHost, BqnHost
from generator.net.probe import Probe
from generator.report.safe import printable, printable_json

_AT_ONCE = 8


class _Examined(Struct, frozen=True, kw_only=True):
    """A host and how every step went."""

    host: str
    kind: str
    address: str
    probes: tuple[Probe, ...]

    @property
    def is_well(self) -> bool:
        return not any(each.problem and each.needed for each in self.probes)


@click.command(name="doctor", short_help="examine every host")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@common_options
def command(*, output: str) -> Exit:
    """Examine every host inside the limit: name, TCP, TLS with its pin, clock, credentials, each permission.

    Reads only. Exits with 1 when something that is needed does not work.
    """
    session = open_session(credentials=frozenset({"billing", "bqn"}))
    require_hosts([*session.billing, *session.bqn], "billing or bqn")
    work = [partial(_examined, host, host.system, probe_source) for host in session.billing]
    work += [partial(_examined, host, "bqn", probe_appliance) for host in session.bqn]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
        found = threads.map(lambda examine: examine(), work)
        examined = [_shown(each, output) for each in found]
    if output == "json":
        shown = msgspec.json.format(msgspec.json.encode(examined), indent=2).decode()
        sys.stdout.write(printable_json(shown) + "\n")
    return Exit.OK if all(each.is_well for each in examined) else Exit.ERROR


def _examined(host: BillingHost | BqnHost, kind: str, probe: Callable[..., Iterator[Probe]]) -> _Examined:
    probes: list[Probe] = []
    try:
        probes.extend(probe(host))
    except BqnctlError as error:
        probes.append(Probe(what="settings", problem=error.what, fix=error.fix))
    return _Examined(host=host.name, kind=kind, address=f"{host.host}:{host.port}", probes=tuple(probes))


def _shown(examined: _Examined, output: str) -> _Examined:
    """The same, after its lines were printed."""
    if output == "text":
        lines = [f"{examined.host} ({examined.kind}, {examined.address})", *map(_line, examined.probes)]
        sys.stdout.write("".join(f"{line}\n" for line in lines) + "\n")
        sys.stdout.flush()
    return examined


def _line(probe: Probe) -> str:
    if probe.problem is None:
        return f"  ok    {printable(f'{probe.what}: {probe.detail}' if probe.detail else probe.what)}"
    mark = "FAIL" if probe.needed else "warn"
    fix = f"\n          → {printable(probe.fix)}" if probe.fix else ""
    return f"  {mark}  {printable(f'{probe.what}: {probe.problem}')}{fix}"
