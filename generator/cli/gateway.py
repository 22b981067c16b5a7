"""`bqnctl gateway`: what a billing system that pushes believes to be a BQN, until it is told to stop."""

import asyncio
import logging
import signal
import sys
from ipaddress import ip_address

import click
import uvloop

from generator.cli.options import common_options
from generator.cli.session import open_session, read_secrets_of
from generator.errors import Exit, UsageError
from generator.gateway.service import Running, serve
from generator.gateway.settings import GatewaySettings, gateway_settings
from generator.inventory.settings import BillingHost

_log = logging.getLogger("generator.progress")


@click.command(name="gateway", short_help="intake for billing systems that push")
@common_options
def command() -> Exit:
    """Serve one source of the inventory (-l SOURCE): the BQN REST API, and RADIUS accounting where configured.

    The billing system pushes to it, `bqnctl render` reads it. Runs in the foreground until SIGTERM or Ctrl-C;
    requests under way are finished first.
    """
    settings = gateway_settings(_one_host())
    _warn(settings)
    uvloop.run(_run(settings))
    return Exit.OK


def _one_host() -> BillingHost:
    session = open_session(credentials=frozenset())
    fed = [host for host in session.billing if _is_fed(host)]
    if len(fed) == 1:
        return read_secrets_of(fed[0], session)
    names = ", ".join(host.name for host in fed)
    what = f"{len(fed)} sources here are fed by a gateway: {names}" if fed else "no source here is fed by a gateway"
    raise UsageError(what, fix="a gateway serves one source: bqnctl gateway -l SOURCE (see docs/gateway.md)")


def _is_fed(host: BillingHost) -> bool:
    return host.options.get("gateway") is not None and host.mode in ("gateway", "push")


def _warn(settings: GatewaySettings) -> None:
    """Say what stands open, on every start."""
    try:
        local = ip_address(settings.listen).is_loopback
    except ValueError:
        local = False
    if not local and not settings.clients:
        _log.warning("%s: any address may try the REST API: set `gateway: {clients: [...]}`", settings.source)
    if settings.radius is not None and not settings.radius.clients:
        _log.warning("%s: no router may send accounting: set `radius: {clients: [...]}`", settings.source)


async def _run(settings: GatewaySettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, ready=_tell, stop=stop)
    _log.info("%s: stopped; everything accepted is on disk", settings.source)


def _tell(where: Running) -> None:
    click.echo(f"REST       {where.url}/api/v1")
    click.echo(f"pin        tls: {{fingerprint_sha256: {where.fingerprint_sha256}}}")
    if where.radius_port is not None:
        click.echo(f"RADIUS     accounting on UDP port {where.radius_port}")
    click.echo(f"metrics    {where.metrics_url}")
    sys.stdout.flush()
