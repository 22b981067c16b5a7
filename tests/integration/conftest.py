"""A PostgreSQL of one's own on loopback, from the system's packages, with its data in a temporary folder."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from generator.net.serve import free_port

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


class PostgreSql:
    """A running server: user `radius` with the password `radius-pw` owns the database `radius`."""

    user, password, database = "radius", "radius-pw", "radius"

    def __init__(self, folder: Path) -> None:
        assert _PROGRAMS, "PostgreSQL is not installed: apt-get install postgresql"
        self.port = free_port()
        # PostgreSQL does not run as root: there its package's own user runs it.
        self._as = (
            ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.getuid() == 0 else []
        )
        if self._as:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        self._run("initdb", "-D", str(data), "-U", "owner", "--auth=trust", "--no-sync", "-E", "UTF8")
        with (data / "pg_hba.conf").open("w") as rules:
            rules.write("local all owner trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}"]
        command = [*self._as, str(_PROGRAMS[-1] / "postgres"), "-D", str(data)]
        command += [part for option in options for part in ("-c", option)]
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, cwd="/")
        self.owner = f"host={folder} port={self.port} user=owner dbname=postgres"
        self._prepare(folder)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(_PROGRAMS[-1] / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, cwd="/")

    def _prepare(self, folder: Path) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                with psycopg.connect(self.owner, autocommit=True) as connection:
                    connection.execute(f"CREATE ROLE radius LOGIN PASSWORD '{self.password}'")
                    connection.execute("CREATE DATABASE radius OWNER radius")
                    return
            except psycopg.OperationalError:
                assert self._process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=30)
        self._log.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    folder = Path(tempfile.mkdtemp(prefix="bqnctl-postgresql-"))
    server = PostgreSql(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)
