"""A MariaDB of one's own on loopback, from the system's packages, with its data in a temporary folder."""

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import pymysql

from generator.errors import BqnctlError, UsageError
from generator.net.serve import free_port

_SBIN = "/usr/sbin:/sbin"
_START_TIMEOUT_S = 60.0
_SMALL = (
    "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0",
    "--skip-log-bin", "--skip-name-resolve",
)  # fmt: skip


class MariaDb:
    """A running server: `port` on 127.0.0.1; `root()` connects with all rights."""

    def __init__(self, folder: Path) -> None:
        self._socket, self.port = folder / "sock", free_port()
        data, run_as = folder / "data", [f"--user={_user()}", f"--tmpdir={folder}"]
        install = [_program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", "--skip-test-db",
                   "--auth-root-authentication-method=normal", *run_as]  # fmt: skip
        done = subprocess.run(install, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603 - ours
        if done.returncode:
            raise BqnctlError(f"mariadb-install-db failed: {done.stderr[-500:].decode(errors='replace')}")
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(  # noqa: S603 - our own arguments
            [_program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--socket={self._socket}",
             f"--port={self.port}", "--bind-address=127.0.0.1", f"--pid-file={folder / 'pid'}", *_SMALL, *run_as],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        self._wait()

    def root(self) -> "pymysql.Connection[Any]":
        """A connection with all rights."""
        return pymysql.connect(
            unix_socket=str(self._socket), user="root", charset="utf8mb4", autocommit=True, read_timeout=60
        )  # fmt: skip

    def stop(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=30)
        self._log.close()

    def _knock(self) -> None:
        """Connect and hang up; raises `OSError` while nobody listens."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self._socket))

    def _wait(self) -> None:
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while True:
            try:
                self._knock()
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline_s:
                    said = Path(self._log.name).read_text(encoding="utf-8", errors="replace")[-500:]
                    raise BqnctlError(f"mariadbd does not start: {said}") from error
                time.sleep(0.05)
            else:
                return


@cache
def shared_mariadb() -> MariaDb:
    """The one MariaDB of this process, started when first asked for and ended with the process."""
    folder = Path(tempfile.mkdtemp(prefix="bqnctl-mariadb-"))
    server = MariaDb(folder)
    owner = os.getpid()

    def end() -> None:
        if os.getpid() == owner:  # a forked child inherits this handler, but not the server
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    return server


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SBIN}")
    if found is None:
        raise UsageError(
            f"{name} is not installed",
            fix="on Debian or Ubuntu: apt-get install mariadb-server-core mariadb-client-core",
        )
    return found


def _user() -> str:

    return pwd.getpwuid(os.getuid()).pw_name
