"""`bqnctl doctor`: every host of the inventory examined, step by step, with the remedy of each failure."""

import sys

import click
import msgspec

from generator.cli.options import common_options
from generator.cli.session import open_session, require_hosts
from generator.errors import Exit
from generator.net.probe import Probe
from generator.report.safe import printable, printable_json
from generator.support.examination import Examined, examine


@click.command(name="doctor", short_help="examine every host")
@click.option("--format", "output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@common_options
def command(*, output: str) -> Exit:
    """Examine every host inside the limit: name, TCP, TLS with its pin, clock, credentials, each permission.

    Reads only. Exits with 1 when something that is needed does not work.
    """
    session = open_session(credentials=frozenset({"billing", "bqn"}))
    require_hosts([*session.billing, *session.bqn], "billing or bqn")
    examined = [_shown(each, output) for each in examine(session.billing, session.bqn)]
    if output == "json":
        shown = msgspec.json.format(msgspec.json.encode(examined), indent=2).decode()
        sys.stdout.write(printable_json(shown) + "\n")
    return Exit.OK if all(each.is_well for each in examined) else Exit.ERROR


def _shown(examined: Examined, output: str) -> Examined:
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
