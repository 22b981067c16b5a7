"""SSH to the Powercode server, and through it a channel to its MySQL; nothing listens on a local port.

The server's host key is verified always: by the pin of the inventory, or by known_hosts.
"""

import base64
import contextlib
import hashlib
import hmac
import io
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
from paramiko.ssh_exception import AuthenticationException, BadHostKeyException, NoValidConnectionsError

from generator.billing.text import shown
from generator.errors import SourceError, UsageError
from generator.inventory.settings import BillingHost

_KNOWN_HOSTS = (Path("~/.ssh/known_hosts"), Path("/etc/ssh/ssh_known_hosts"))
_SSH_PORT = 22
_PROHIBITED, _CONNECT_FAILED = 1, 2
_FINGERPRINT = "SHA256:"
SILENT_LOG = "paramiko.silent"
"""Where the library's own log goes: nowhere, for all it knows reaches the operator as an error of ours."""
logging.getLogger(SILENT_LOG).setLevel(logging.CRITICAL + 1)
_READ_BYTES = 1 << 16


class LostError(SourceError):
    """A connection that could not be made or was lost: worth another try."""


class Channel(io.RawIOBase):
    """A channel through SSH as the socket that a MySQL client wants: `sendall`, `makefile`, `settimeout`."""

    def __init__(self, channel: paramiko.Channel) -> None:
        super().__init__()
        self._channel = channel

    def sendall(self, content: bytes) -> None:
        """Send all of `content`."""
        self._channel.sendall(content)

    def settimeout(self, timeout_s: float | None) -> None:
        """How long a read or write may wait."""
        self._channel.settimeout(timeout_s)

    def makefile(self, mode: str) -> io.BufferedReader:
        """A buffered reader; other modes are never asked for."""
        if mode != "rb":
            raise ValueError(f"a channel is read in the mode rb, not {mode}")
        return io.BufferedReader(self, _READ_BYTES)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # as RawIOBase wants it
        """Read at most as much as `buffer` holds; 0 at the end."""
        received = self._channel.recv(len(buffer))
        buffer[: len(received)] = received
        return len(received)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()
        super().close()


@contextmanager
def ssh_channel(host: BillingHost) -> Iterator[Channel]:
    """A channel to the MySQL server of `host` through its SSH server, until the `with` ends.

    Raises `LostError` for what may pass, `SourceError` for what the operator must put right.
    """
    with contextlib.closing(_connected(host)) as client:
        transport = client.get_transport()
        if transport is None:
            raise _lost(host, "the SSH connection ended")
        yield Channel(_opened(transport, host))


def _connected(host: BillingHost) -> paramiko.SSHClient:
    """A logged-in client whose server has shown the right host key."""
    client = paramiko.SSHClient()
    client.set_log_channel(SILENT_LOG)
    client.set_missing_host_key_policy(_Verify(host))
    _load_known_hosts(client, host)
    key_file, password = _secret(host, "ssh_key_file"), _secret(host, "ssh_password")
    try:
        client.connect(
            host.host, host.port, username=_secret(host, "ssh_username"), password=password,
            key_filename=str(host.folder / Path(key_file).expanduser()) if key_file else None,
            timeout=host.timeout_s, banner_timeout=host.timeout_s, auth_timeout=host.timeout_s,
            channel_timeout=host.timeout_s, allow_agent=False, look_for_keys=False,
        )  # fmt: skip
    except (paramiko.SSHException, OSError, EOFError, ValueError) as error:
        client.close()
        raise _explained(error, host) from None
    except SourceError:
        client.close()
        raise
    return client


def _secret(host: BillingHost, name: str) -> str | None:
    secret = host.credentials.get(name)
    return secret.reveal() if secret else None


def _load_known_hosts(client: paramiko.SSHClient, host: BillingHost) -> None:
    """The keys that may be: the pinned one alone, or those of the known_hosts files."""
    pinned = host.options.get("host_key")
    if pinned and not pinned.startswith(_FINGERPRINT):
        kind, blob = pinned.split()[:2]
        entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{_known_name(host)} {kind} {blob}")
        if entry is None or entry.key is None:
            raise UsageError("host_key is no SSH public key", where=f"host {host.name}", fix=_scan(host))
        client.get_host_keys().add(_known_name(host), entry.key.get_name(), entry.key)
        return
    if pinned:
        return
    own = host.options.get("known_hosts_file")
    if own and not (host.folder / own).is_file():
        raise UsageError(f"there is no file {host.folder / own}", where=f"host {host.name}", fix="see known_hosts_file")
    for file in (*_KNOWN_HOSTS, *([host.folder / own] if own else [])):
        with contextlib.suppress(OSError):  # a file that is not there, or not readable, vouches for nobody
            client.load_system_host_keys(str(file.expanduser()))


def _known_name(host: BillingHost) -> str:
    """How known_hosts names the server."""
    return host.host if host.port == _SSH_PORT else f"[{host.host}]:{host.port}"


def _scan(host: BillingHost) -> str:
    return f"write what `ssh-keyscan -p {host.port} {host.host}` prints behind the name, or its SHA256: fingerprint"


class _Verify(paramiko.MissingHostKeyPolicy):
    """Called for a key that no file knows: right only if it has the pinned fingerprint."""

    def __init__(self, host: BillingHost) -> None:
        self._host = host

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 - the library's signature
        """Return if the key is pinned; raise an error that shows the line to add otherwise."""
        host, pinned = self._host, self._host.options.get("host_key")
        fingerprint = fingerprint_of(key)
        if pinned is None:
            raise SourceError(
                f"the host key of {host.host} port {host.port} is not known: {fingerprint}", where=host.name,
                fix=f"compare it on the server (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), then set for host "
                f"{host.name}: `host_key: {fingerprint}`, or add to known_hosts: "
                f"{_known_name(host)} {key.get_name()} {key.get_base64()}",
            )  # fmt: skip
        if not hmac.compare_digest(pinned.rstrip("="), fingerprint):
            raise _wrong_key(host, fingerprint, pinned)


def fingerprint_of(key: paramiko.PKey) -> str:
    """The fingerprint of a host key as OpenSSH prints it, `SHA256:...`."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return _FINGERPRINT + base64.b64encode(digest).decode().rstrip("=")


def _wrong_key(host: BillingHost, seen: str, expected: str) -> SourceError:
    return SourceError(
        f"the host key of {host.host} port {host.port} is not the known one: it shows {seen}, known is {expected}",
        where=host.name,
        fix="find out who changed it; if the server was set up anew, correct `host_key` or known_hosts",
    )


def _explained(error: Exception, host: BillingHost) -> SourceError:
    """Why there is no SSH connection, told by the type of the error."""
    if isinstance(error, BadHostKeyException):
        return _wrong_key(host, fingerprint_of(error.key), fingerprint_of(error.expected_key))
    refused = _refused(error, host)
    if refused is not None:
        return refused
    if isinstance(error, TimeoutError):
        return _lost(host, f"no answer within {host.timeout_s:g} s")
    if isinstance(error, NoValidConnectionsError | OSError):
        return _lost(host, f"cannot be reached ({shown(getattr(error, 'strerror', None) or error)})")
    return _lost(host, f"SSH failed: {shown(error) or type(error).__name__}")


def _refused(error: Exception, host: BillingHost) -> SourceError | None:
    """What only the operator can put right, and no further try."""
    if isinstance(error, AuthenticationException):
        return SourceError(
            "the SSH server refuses the user or its password or key", where=_where(host),
            fix="check ssh_username, and ssh_password or ssh_key_file, of `credentials`; on the server, sshd's log "
            "and its AllowUsers, PasswordAuthentication and Match lines say why",
        )  # fmt: skip
    if isinstance(error, paramiko.PasswordRequiredException | FileNotFoundError | PermissionError | ValueError):
        return SourceError(
            f"the SSH key cannot be used: {shown(error)}", where=host.name,
            fix="check ssh_key_file (relative to the inventory), its rights, and ssh_password for its passphrase",
        )  # fmt: skip
    if isinstance(error, socket.gaierror):
        return SourceError(
            f"the name {host.host} does not resolve ({error.strerror})", where=_where(host),
            fix="check `host` in the inventory and this machine's DNS",
        )  # fmt: skip
    return None


def _opened(transport: paramiko.Transport, host: BillingHost) -> paramiko.Channel:
    target = (str(host.options["mysql_host"]), int(host.options["mysql_port"]))
    try:
        return transport.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=host.timeout_s)
    except paramiko.ChannelException as error:
        if error.code == _PROHIBITED:
            raise SourceError(
                "the SSH server allows no connection to MySQL", where=_where(host),
                fix=f"in its sshd_config, for this user: AllowTcpForwarding local, PermitOpen {target[0]}:{target[1]}",
            ) from None  # fmt: skip
        raise _lost(
            host, f"MySQL cannot be reached at {target[0]}:{target[1]} from the Powercode server ({shown(error.text)})"
        ) from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise _explained(error, host) from None


def _lost(host: BillingHost, what: str) -> LostError:
    return LostError(
        what, where=_where(host),
        fix="check `host`, `port`, mysql_host, mysql_port and firewalls, and that SSH and MySQL run there",
    )  # fmt: skip


def _where(host: BillingHost) -> str:
    return f"{host.name}: ssh://{host.host}:{host.port}"
