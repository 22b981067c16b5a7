"""One writer at a time per appliance: a lock in the user's state folder, named by the appliance's address.

The lock is the kernel's (flock): it goes with the process that holds it, however that ends, so a dead
owner's lock needs no breaking. What the file says of the owner is for the message only.
"""

import fcntl
import getpass
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from generator.errors import ApplianceError

_CI_JOB_VARIABLES = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL")


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where a user's runs keep what outlives them: `$XDG_STATE_HOME/bqnctl`, by default under ~/.local/state."""
    base = environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "bqnctl"


class BusyError(Exception):
    """Another process holds the lock; the text says which."""


@contextmanager
def held(file: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """Hold the lock in `file`, whose folder is made; raises `BusyError` if another process does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 1000, 0).decode("utf-8", "replace").strip()
            raise BusyError(owner or "another process") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _owner(environ).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


@contextmanager
def appliance_lock(address: str, environ: Mapping[str, str]) -> Iterator[None]:
    """Hold the lock of the appliance at `address` (host:port); raises `ApplianceError` if another holds it.

    A name and the address it stands for are one appliance.
    """
    file = state_folder(environ) / "locks" / f"{re.sub(r'[^A-Za-z0-9.-]', '_', _resolved(address))}.lock"
    with ExitStack() as stack:
        try:
            stack.enter_context(held(file, environ))
        except BusyError as error:
            raise ApplianceError(
                f"another run is writing to it: {error}",
                where=address,
                fix="wait for it to end; the lock goes with its process, there is nothing to remove",
            ) from error
        yield


def _resolved(address: str) -> str:
    """`address` with the host's first IP address; as it is where the name does not resolve."""
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return address
    return f"{min(str(each[4][0]) for each in found)}:{port}"


def _owner(environ: Mapping[str, str]) -> str:
    parts = [f"{getpass.getuser()}@{socket.gethostname()}", f"pid {os.getpid()}"]
    job = next((environ[name] for name in _CI_JOB_VARIABLES if environ.get(name)), None)
    if job is None and {"GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"} <= environ.keys():
        repository = f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}"
        job = f"{repository}/actions/runs/{environ['GITHUB_RUN_ID']}"
    return ", ".join([*parts, f"CI job {job}"] if job else parts)
