"""Runs an ASGI application as a real HTTPS server, in a thread or in an event loop of the caller's."""

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import quote

import uvicorn
from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from generator.errors import BqnctlError
from generator.net.certificate import Certificate

_START_TIMEOUT_S = 10.0
HEAD_TIMEOUT_S = 20.0
_MAX_HEAD_BYTES = 1 << 16
_ASCII = bytes(range(0x80))
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
    """Hands the connection to the application (`scope["state"]["transport"]`), so faults can cut it.

    A client that does not finish the head of a request in time, or makes it larger than any client would, is
    cut off; bytes of a path that should have been percent-encoded are taken as if they were.
    """

    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _MAX_HEAD_BYTES:
            self.transport.abort()
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_is_there()
        if not self.url.isascii():
            self.url = quote(self.url, safe=_ASCII).encode()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head_is_there()
        self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.abort)

    def _head_is_there(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _protocol(connections_each: int | None) -> type[_Protocol]:
    """The protocol of one server, which counts that server's connections by address."""
    if connections_each is None:
        return _Protocol
    allowed = connections_each

    class Limited(_Protocol):
        most = allowed
        count: ClassVar[Counter[str]] = Counter()
        counted: str | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            address = self.client[0] if self.client else ""
            self.count[address] += 1
            self.counted = address
            if self.count[address] > self.most:
                transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            if self.counted is not None:
                self.count[self.counted] -= 1
                if not self.count[self.counted]:
                    del self.count[self.counted]
                self.counted = None
            super().connection_lost(exc)

    return Limited


class _Server(uvicorn.Server):
    """Ends with no connection left open: idle ones at once, busy ones after the grace of the configuration."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the server."""
        yield

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


def make_server(
    app: Any,
    *,
    host: str,
    port: int,
    certificate: Certificate | None,
    connections_each: int | None = None,
    grace_s: int = 1,
) -> uvicorn.Server:
    """A server for `app`, not yet started; `port` 0 takes a free one.

    `connections_each`: how many connections one address may have. `grace_s`: how long requests under way
    may take when the server is told to end.
    """
    pem = str(certificate.file) if certificate else None
    config = uvicorn.Config(
        app, host=host, port=port, http=_protocol(connections_each), loop="uvloop", lifespan="off", access_log=False,
        log_level="critical", ssl_certfile=pem, ssl_keyfile=pem, server_header=False, date_header=True,
        timeout_keep_alive=75, timeout_graceful_shutdown=grace_s, backlog=1024,
    )  # fmt: skip
    return _Server(config)


@contextmanager
def serving(
    app: Any, *, host: str = "127.0.0.1", port: int = 0, certificate: Certificate | None = None
) -> Iterator[Listening]:
    """Serve `app` from a thread for as long as the block lasts; raises `BqnctlError` if it cannot listen."""
    listener = bound(host, port)
    server = make_server(app, host=host, port=port, certificate=certificate)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        fingerprint = certificate.fingerprint_sha256 if certificate else None
        yield Listening(host=host, port=int(listener.getsockname()[1]), fingerprint_sha256=fingerprint)
    finally:
        server.should_exit = True
        thread.join(timeout=_START_TIMEOUT_S)
        listener.close()


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; raises `BqnctlError` if there cannot be one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, port), family=family, backlog=1024, dualstack_ipv6=both)
    except OSError as error:
        raise BqnctlError(
            f"cannot listen: {error.strerror}", where=f"{host}:{port}", fix="choose another port, or stop what uses it"
        ) from error


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise BqnctlError("the server did not start")
        time.sleep(0.005)
