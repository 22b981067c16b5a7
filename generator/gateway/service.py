"""Runs one gateway: store, REST door, RADIUS accounting, metrics, in one event loop."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import msgspec
import uvloop
from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.bqn.server.store import KEY_FIELDS, Behaviour, MemoryStore
from generator.errors import BqnctlError
from generator.gateway.commit import GroupCommit
from generator.gateway.keep import Keeper
from generator.gateway.metrics import Metrics
from generator.gateway.radius.intake import SESSION, AccountingIntake, IntakeOptions, Kept
from generator.gateway.radius.packet import Accounting
from generator.gateway.radius.server import AccountingServer, listen
from generator.gateway.rest import RestDoor, make_rest_app, stored_form
from generator.gateway.settings import GatewaySettings
from generator.net.certificate import Certificate, ensure_certificate
from generator.net.ops import make_ops_app
from generator.net.serve import bound, make_server
from generator.net.systemd import tell_systemd

_log = logging.getLogger(__name__)
_EXPIRE_EVERY_S = 30.0
_MAX_GROUPS = 16
_CONNECTIONS_EACH = 128


class Running(Struct, frozen=True, kw_only=True):
    """Where a gateway listens, once it does; `radius_port` is None without RADIUS."""

    url: str
    port: int
    metrics_url: str
    radius_port: int | None
    fingerprint_sha256: str


class Gateway:
    """What one gateway knows, in memory and on disk; made by `opened`, inside an event loop."""

    def __init__(self, settings: GatewaySettings, keeper: Keeper) -> None:
        self.settings, self.keeper, self.metrics = settings, keeper, Metrics()
        self.store = MemoryStore(
            Behaviour(spaces_rewritten=True, max_groups=_MAX_GROUPS, ipv6_prefix=settings.ipv6_prefix)
        )
        options = settings.radius.intake if settings.radius else IntakeOptions(system="")
        self.intake = AccountingIntake(self.store, options)
        self.commit = GroupCommit(keeper, reload=self.reload)
        self.reload()
        self.keep("start")

    def reload(self) -> None:
        """Let memory be what the disk has; raises `StoreError`."""
        kinds = {kind.value: kind for kind in Kind}
        state: dict[str, list[dict[str, object]]] = {}
        sessions: list[bytes] = []
        for name, _, body in self.keeper.load():
            if name == SESSION:
                sessions.append(body)
            elif name in kinds:
                state.setdefault(name, []).append(msgspec.json.decode(body))
        self.store.load({})
        for name, objects in state.items():
            kind = kinds[name]
            for each in objects:
                self.store.add(kind, str(each.pop(KEY_FIELDS[kind])), each)
        self.store.take_touched()
        self.intake.load(iter(sessions), now_s=time.time())

    def keep(self, by: str) -> None:
        """Have what was touched in memory written to disk."""
        for kind, key in self.store.take_touched():
            self.commit.note(kind.value, key, stored_form(self.store, kind, key), by=by)

    def take(self, record: Accounting, source: str) -> None:
        """Follow one accounting record."""
        self._keep_sessions(self.intake.take(record, source=source), by=f"radius@{source}")

    def expire(self) -> None:
        """Let go of sessions that ended without a word."""
        self._keep_sessions(self.intake.expire(time.time()), by="expiry")

    def _keep_sessions(self, rows: list[Kept], *, by: str) -> None:
        for row in rows:
            self.commit.note(SESSION, row.key, row.body, by=by)
        self.keep(by)

    def trouble(self) -> str | None:
        """What is wrong, None when all is well."""
        return None if self.commit.failed is None else self.commit.failed.what

    def metrics_text(self) -> bytes:
        """The metrics of now, in Prometheus' text format."""
        metrics, commit = self.metrics, self.commit
        for kind in Kind:
            metrics.objects.labels(kind.value).set(self.store.count(kind))
        metrics.sessions.set(len(self.intake.sessions))
        metrics.commits.set(commit.commits)
        metrics.rows.set(commit.rows)
        metrics.failures.set(commit.failures)
        metrics.last_commit.set(commit.last_commit_s)
        return metrics.text()


async def serve(settings: GatewaySettings, *, ready: Callable[[Running], None], stop: asyncio.Event) -> None:
    """Serve until `stop` is set; then requests under way are finished and the store is closed.

    Raises `BqnctlError` when something cannot be opened or listened on.
    """
    certificate = ensure_certificate(settings.certificate, common_name=settings.source)
    with Keeper(settings.store, password=settings.store_password) as keeper:
        gateway = Gateway(settings, keeper)
        try:
            async with contextlib.AsyncExitStack() as stack:
                ready(await _start(gateway, certificate, stack))
                tell_systemd("READY=1")
                await stop.wait()
                tell_systemd("STOPPING=1")
        finally:
            await gateway.commit.close()


async def _start(gateway: Gateway, certificate: Certificate, stack: contextlib.AsyncExitStack) -> Running:
    settings = gateway.settings
    door = RestDoor(gateway.store, keep=gateway.keep, commit=gateway.commit, metrics=gateway.metrics)
    rest = make_rest_app(settings, gateway.store, door, trouble=gateway.trouble)
    ops = make_ops_app(metrics=gateway.metrics_text, trouble=gateway.trouble)
    metrics_port = await stack.enter_async_context(_http(ops, settings.metrics_listen, settings.metrics_port))
    radius_port = await _start_radius(gateway, stack)
    port = await stack.enter_async_context(_http(rest, settings.listen, settings.port, certificate))
    stack.push_async_callback(_cancelled, asyncio.create_task(_expire_forever(gateway)))
    return Running(
        url=f"https://{settings.listen}:{port}",
        port=port,
        metrics_url=f"http://{settings.metrics_listen}:{metrics_port}/metrics",
        radius_port=radius_port,
        fingerprint_sha256=certificate.fingerprint_sha256,
    )


async def _start_radius(gateway: Gateway, stack: contextlib.AsyncExitStack) -> int | None:
    radius = gateway.settings.radius
    if radius is None:
        return None
    packets = gateway.metrics.packets
    server = AccountingServer(
        radius.clients, take=gateway.take, commit=gateway.commit, count=lambda result: packets.labels(result).inc()
    )
    try:
        transport = await listen(server, host=radius.listen, port=radius.port)
    except OSError as error:
        raise BqnctlError(
            f"cannot listen: {error.strerror}", where=f"{radius.listen}:{radius.port}/udp",
            fix="set `radius: {listen, port}`, or stop what uses that port",
        ) from error  # fmt: skip
    stack.callback(transport.close)
    return int(transport.get_extra_info("sockname")[1])


@asynccontextmanager
async def _http(app: object, host: str, port: int, certificate: Certificate | None = None) -> AsyncIterator[int]:
    """Serve an application until the block ends; yields its port."""
    listener = bound(host, port)
    server = make_server(
        app, host=host, port=port, certificate=certificate, connections_each=_CONNECTIONS_EACH, grace_s=10
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        listener.close()


async def _expire_forever(gateway: Gateway) -> None:
    while True:
        await asyncio.sleep(_EXPIRE_EVERY_S)
        if gateway.commit.failed is None:
            gateway.expire()


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@contextmanager
def running(settings: GatewaySettings) -> Iterator[Running]:
    """Run a gateway in a thread for as long as the block lasts; raises `BqnctlError` when it cannot start."""
    started: list[Running] = []
    failed: list[BaseException] = []
    ready, loops = threading.Event(), list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()

    async def main() -> None:
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))

        def told(where: Running) -> None:
            started.append(where)
            ready.set()

        await serve(settings, ready=told, stop=stop)

    def run() -> None:
        try:
            uvloop.run(main())
        except BaseException as error:  # noqa: BLE001 - raised again where the block is
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    try:
        if failed:
            raise failed[0]
        yield started[0]
    finally:
        for loop, stop in loops:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(stop.set)
        thread.join()
