"""`bqnctl sync`: render, plan and apply under the guards, once for a timer or on a schedule as a service."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

import click

from generator.cli.cycle import CycleOptions
from generator.cli.options import common_options, current_options
from generator.cli.plan import allow_option
from generator.cli.syncjob import SyncJob
from generator.errors import Exit, UsageError
from generator.net.systemd import tell_systemd
from generator.operate.account import RunAccount
from generator.operate.control import Control
from generator.operate.events import EVENTS_LOGGER, Event, tell
from generator.operate.schedule import BackOff, Schedule
from generator.operate.service import LeftError, Service
from generator.reconcile.guards import parse_allowances

_MOST_JITTER_S = 60.0
_INTERRUPTED = "interrupted before anything was written to an appliance"


@click.command(name="sync", short_help="render, plan and apply, once or on a schedule")
@click.option("--interval", type=click.IntRange(1), metavar="SECONDS", help="Go on: one run every SECONDS.")
@click.option(
    "--jitter",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="Begin each run up to so much later (default: a tenth of the interval, at most 60).",
)
@click.option(
    "--back-off",
    type=click.IntRange(1),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="A host that keeps failing is tried less and less often, but at least so often.",
)
@click.option(
    "--metrics-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write Prometheus metrics there after each run, for node_exporter's textfile collector.",
)
@click.option("--metrics-port", type=click.IntRange(0, 65535), metavar="PORT", help="Serve /metrics and /healthz.")
@click.option("--metrics-listen", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="On this address.")
@allow_option
@common_options
def command(
    *, interval: int | None, jitter: float | None, back_off: int, metrics_file: Path | None, metrics_port: int | None,
    metrics_listen: str, allow: tuple[str, ...],
) -> Exit:  # fmt: skip
    """Bring the BQNs in step with the billing under the guards, without a review; for a timer or as a service.

    A source that fails keeps its desired state as it was, and the other hosts go on. With --interval it runs in the
    foreground until SIGTERM or Ctrl-C, and SIGHUP makes it read the inventory again.
    """
    parse_allowances(allow)  # a wrong one is said before anything is read
    control = Control()
    if interval is None:
        _refuse("--metrics-port", metrics_port, "needs --interval: a single run is over before anybody asks")
        _refuse("--jitter", jitter, "needs --interval: a timer has its own (RandomizedDelaySec)")
        options = CycleOptions(allow=allow, printed=True, events=_start_events(always=False))
        return _once(SyncJob(options, control, metrics_file=metrics_file), control)
    _refuse("--allow", allow or None, "is for one run, not for every run of a service")
    options = CycleOptions(printed=False, events=_start_events(always=True))
    job = SyncJob(
        options, control, metrics_file=metrics_file, interval_s=interval,
        back_off=BackOff(interval, longest_s=back_off),
    )  # fmt: skip
    jitter_s = min(interval / 10, _MOST_JITTER_S) if jitter is None else jitter
    with _metrics_served(job, metrics_listen, metrics_port):
        _until_ended(job, control, Schedule(interval, jitter_s=jitter_s), interval)
    return Exit.OK


def _refuse(option: str, value: object, why: str) -> None:
    if value is not None:
        raise UsageError(f"{option} {why}")


def _start_events(*, always: bool) -> bool:
    """Whether events tell what happens: for a service, and for machines; a person sees the result on stdout."""
    wanted = always or current_options().log_format == "json"
    logging.getLogger(EVENTS_LOGGER).setLevel(logging.INFO if wanted else logging.WARNING)
    return wanted


def _once(job: SyncJob, control: Control) -> Exit:
    async def run() -> RunAccount:
        return await Service(control).once(_InContext(job).run)

    try:
        account = asyncio.run(run())
    except LeftError:
        click.echo(_INTERRUPTED, err=True)
        _leave(Exit.ERROR)
    if account.interrupted and account.run is None:
        click.echo(_INTERRUPTED, err=True)
    return account.exit_code


def _until_ended(job: SyncJob, control: Control, schedule: Schedule, interval: int) -> None:
    async def run() -> None:
        service = Service(control)
        tell(Event.SERVICE_STARTED, f"a sync every {interval} s", interval=interval)
        tell_systemd("READY=1")
        try:
            await service.forever(_InContext(job), schedule)
        finally:
            tell_systemd("STOPPING=1")
            tell(Event.SERVICE_STOPPED, "ended; nothing is being written")

    try:
        asyncio.run(run())
    except LeftError:
        _leave(Exit.OK)


class _InContext:
    """A job as a service calls it: in another thread, where click would not know the options of the command line."""

    def __init__(self, job: SyncJob) -> None:
        self._job, self._context = job, click.get_current_context()

    def reload(self) -> None:
        with self._context.scope(cleanup=False):
            self._job.reload()

    def sync(self, missed: int) -> RunAccount | None:
        with self._context.scope(cleanup=False):
            return self._job.sync(missed)

    def run(self) -> RunAccount:
        with self._context.scope(cleanup=False):
            return self._job.run()


@contextmanager
def _metrics_served(job: SyncJob, address: str, port: int | None) -> Iterator[None]:
    with ExitStack() as stack:
        if port is not None:
            from generator.net.ops import make_ops_app  # noqa: PLC0415 - a web server only where one is asked for
            from generator.net.serve import serving  # noqa: PLC0415 - same

            app = make_ops_app(metrics=job.metrics, trouble=job.trouble)
            where = stack.enter_context(serving(app, host=address, port=port))
            click.echo(f"metrics    {where.url}/metrics")
            sys.stdout.flush()
        yield


def _leave(code: Exit) -> NoReturn:
    """End at once, whatever a thread still waits for: it only reads."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(int(code))
