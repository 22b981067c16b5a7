"""Runs an ASGI application as a real HTTPS server on loopback, in a thread or in the foreground."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from generator.errors import BqnctlError
from generator.net.certificate import Certificate

_START_TIMEOUT_S = 10.0
_TICK_S = 0.02


class Listening(Struct, frozen=True, kw_only=True):
    """A running server: where it is reached, and the pin of its certificate (None: plain HTTP)."""

    host: str
    port: int
    fingerprint_sha256: str | None

    @property
    def url(self) -> str:
        """The root URL."""
        return f"{'https' if self.fingerprint_sha256 else 'http'}://{self.host}:{self.port}"


class _Protocol(HttpToolsProtocol):
    """Hands the connection to the application (`scope["state"]["transport"]`), so faults can cut it."""

    def connection_made(self, transport: Any) -> None:
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class _Server(uvicorn.Server):
    """Ends with no connection left open: idle ones at once, busy ones after the grace of the configuration."""

    async def main_loop(self) -> None:
        """Wait to be told to stop, looking more often than ten times a second."""
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % 10
            await asyncio.sleep(_TICK_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._abort(idle_only=True)
        for server in self.servers:
            server.close()
        await asyncio.sleep(0)
        if not self.server_state.connections and not self.server_state.tasks:
            return  # the library would wait a tenth of a second for nobody
        await super().shutdown(sockets)
        self._abort(idle_only=False)
        await asyncio.sleep(0)

    def _abort(self, *, idle_only: bool) -> None:
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if not idle_only or cycle is None or cycle.response_complete:
                connection.transport.abort()


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def make_server(app: Any, *, host: str, port: int, certificate: Certificate | None) -> uvicorn.Server:
    """A server for `app`, not yet started; `port` 0 takes a free one."""
    pem = str(certificate.file) if certificate else None
    config = uvicorn.Config(
        app, host=host, port=port, http=_Protocol, loop="uvloop", lifespan="off", access_log=False,
        log_level="critical", ssl_certfile=pem, ssl_keyfile=pem, server_header=False, date_header=True,
        timeout_keep_alive=75, timeout_graceful_shutdown=1, backlog=1024,
    )  # fmt: skip
    return _Server(config)


@contextmanager
def serving(
    app: Any, *, host: str = "127.0.0.1", port: int = 0, certificate: Certificate | None = None
) -> Iterator[Listening]:
    """Serve `app` from a thread for as long as the block lasts; raises `BqnctlError` if it cannot listen."""
    listener = _listener(host, port)
    server = make_server(app, host=host, port=port, certificate=certificate)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        fingerprint = certificate.fingerprint_sha256 if certificate else None
        bound = int(listener.getsockname()[1])
        yield Listening(host=host, port=bound, fingerprint_sha256=fingerprint)
    finally:
        server.should_exit = True
        thread.join(timeout=_START_TIMEOUT_S)
        listener.close()


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise BqnctlError(
            f"cannot listen: {error.strerror}", where=f"{host}:{port}", fix="choose another --port"
        ) from error


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise BqnctlError("the server did not start")
        time.sleep(0.005)
