"""An SSH server on loopback that lets one user through to one TCP port, and breaks on demand."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paramiko
from msgspec import Struct
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_CONNECT_FAILED,
    OPEN_SUCCEEDED,
)

from generator.billing.powercode.tunnel import SILENT_LOG, fingerprint_of
from generator.demo.emulator import Seen, same

_CHUNK_BYTES = 1 << 16
_LOGIN_TIMEOUT_S = 10.0


class SshOptions(Struct, frozen=True, kw_only=True):
    """The user who may log in, the port to forward to, and what goes wrong."""

    username: str
    password: str
    target_port: int
    forwarding: bool = True
    target_down: bool = False
    refuse_first: int = 0
    slow_s: float = 0.0
    cut_after_bytes: int = 0
    seen: list[Seen] = []
    on_channel: Callable[[], None] | None = None
    """Called before each channel is opened."""


class SshAt(Struct, frozen=True, kw_only=True):
    """Where an SSH server listens, and the fingerprint of its host key as OpenSSH prints it."""

    host: str
    port: int
    fingerprint: str


@contextmanager
def ssh_serving(options: SshOptions, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[SshAt]:
    """Run the server in threads until the `with` ends."""
    key = paramiko.ECDSAKey.generate()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    state = _State(options, key)
    thread = threading.Thread(target=state.accept, args=(listener,), daemon=True)
    thread.start()
    try:
        yield SshAt(host=host, port=listener.getsockname()[1], fingerprint=fingerprint_of(key))
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        state.close()


class _State:
    """All connections of one server."""

    def __init__(self, options: SshOptions, key: paramiko.PKey) -> None:
        self.options, self._key = options, key
        self.refused = 0
        self._transports: list[paramiko.Transport] = []

    def accept(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.options.seen.append(Seen(time.monotonic(), "SSH connect"))
            transport = paramiko.Transport(connection)
            transport.set_log_channel(SILENT_LOG)
            transport.add_server_key(self._key)
            self._transports.append(transport)
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(event=threading.Event(), server=_Session(self, transport))

    def close(self) -> None:
        """End every connection."""
        for transport in self._transports:
            transport.close()
            transport.join(_LOGIN_TIMEOUT_S)


class _Session(paramiko.ServerInterface):
    """What one connection may do: log in with the password, and open channels to the target."""

    def __init__(self, state: _State, transport: paramiko.Transport) -> None:
        self._state, self._transport = state, transport

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - the library's signature
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        options = self._state.options
        right = same(username, options.username) & same(password, options.password)
        return AUTH_SUCCESSFUL if right else AUTH_FAILED

    def check_channel_direct_tcpip_request(
        self,
        chanid: int,  # noqa: ARG002 - the library's signature
        origin: tuple[str, int],  # noqa: ARG002 - same
        destination: tuple[str, int],  # noqa: ARG002 - same
    ) -> int:
        options = self._state.options
        options.seen.append(Seen(time.monotonic(), "SSH direct-tcpip"))
        if not options.forwarding:
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        if options.target_down or self._state.refused < options.refuse_first:
            self._state.refused += 1
            return OPEN_FAILED_CONNECT_FAILED
        if options.on_channel:
            options.on_channel()
        threading.Thread(target=self._forward, daemon=True).start()
        return OPEN_SUCCEEDED

    def _forward(self) -> None:
        channel = self._transport.accept(_LOGIN_TIMEOUT_S)
        if channel is None:
            return
        with socket.create_connection(("127.0.0.1", self._state.options.target_port)) as target:
            up = threading.Thread(target=_copy, args=(channel, target), daemon=True)
            up.start()
            self._down(target, channel)
        with contextlib.suppress(OSError, EOFError):  # the client may have hung up first
            channel.close()

    def _down(self, target: socket.socket, channel: paramiko.Channel) -> None:
        """What the target says, late or cut as the options want it."""
        options, sent = self._state.options, 0
        with contextlib.suppress(OSError, EOFError):
            while content := target.recv(_CHUNK_BYTES):
                time.sleep(options.slow_s)
                if options.cut_after_bytes and sent + len(content) > options.cut_after_bytes:
                    channel.sendall(content[: options.cut_after_bytes - sent])
                    return
                channel.sendall(content)
                sent += len(content)


def _copy(channel: paramiko.Channel, target: socket.socket) -> None:
    """What the client says, until it leaves; then the target is told so."""
    with contextlib.suppress(OSError, EOFError):
        while content := channel.recv(_CHUNK_BYTES):
            target.sendall(content)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
