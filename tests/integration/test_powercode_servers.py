"""The Powercode connector against a real OpenSSH server and a real MariaDB, as Debian packages them."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
import yaml

from generator.billing import powercode
from generator.billing.powercode.database import CUSTOMER, TABLES, opened
from generator.demo.emulator import EmulatorOptions
from generator.demo.mariadb import shared_mariadb
from generator.demo.powercode import CREDENTIALS, Database, sample
from generator.errors import SourceError
from generator.inventory.load import load_inventory
from generator.inventory.settings import BillingHost
from generator.net.retry import RetryPolicy
from generator.net.serve import free_port

QUICK = RetryPolicy(attempts=2, first_delay_s=0.01, longest_delay_s=0.01)
CUSTOMERS = 300


class OpenSsh:
    """A real sshd on loopback that lets the user who runs the tests in with a key."""

    def __init__(self, folder: Path, *, extra: str) -> None:
        self.folder, self.port = folder, free_port()
        self.user = pwd.getpwuid(os.getuid()).pw_name
        for name in ("host", "client"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        shutil.copy(folder / "client.pub", folder / "authorized_keys")
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd wants it, and systemd is not there to make it
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host'}\nPidFile {folder / 'pid'}\n"
            f"AuthorizedKeysFile {folder / 'authorized_keys'}\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n"
            f"PermitRootLogin prohibit-password\nAllowUsers {self.user}\n{extra}\n"
        )
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        assert sshd, "sshd is not installed: apt-get install openssh-server"
        log = (folder / "log").open("wb")
        with log:
            self.process = subprocess.Popen([sshd, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while "Server listening" not in (self.folder / "log").read_text():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @property
    def host_key(self) -> str:
        return " ".join((self.folder / "host.pub").read_text().split()[:2])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


@contextlib.contextmanager
def openssh(folder: Path, extra: str = "AllowTcpForwarding local") -> Iterator[OpenSsh]:
    server = OpenSsh(folder, extra=extra)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    with openssh(tmp_path_factory.mktemp("ssh")) as server:
        yield server


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """The six tables and one more, and a user who may read the six and nothing else."""
    made = Database(shared_mariadb(), "powernoc", sample(CUSTOMERS, 1), EmulatorOptions())
    with made.made():
        with contextlib.closing(made.server.root()) as root, root.cursor() as cursor:
            cursor.execute("CREATE TABLE powernoc.Ticket (ID INT, Secret VARCHAR(20))")
        yield made


def host_of(folder: Path, ssh: OpenSsh, database: Database, **changes: Any) -> BillingHost:
    variables = {
        "system": "powercode", "host": "127.0.0.1", "port": ssh.port, "mysql_port": database.server.port, "timeout": 20,
        "host_key": ssh.host_key,
        "credentials": {
            "ssh_username": ssh.user, "ssh_key_file": str(ssh.folder / "client"),
            "mysql_username": database.user, "mysql_password": CREDENTIALS["mysql_password"],
        },
        **changes,
    }  # fmt: skip
    hosts = {"billing": {"hosts": {"pc": variables}}, "bqn": {"hosts": {}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": hosts}}))
    return load_inventory(folder, environ={}).billing["pc"]


def test_six_tables_and_only_selects(ssh: OpenSsh, database: Database, tmp_path: Path) -> None:
    with contextlib.closing(database.server.root()) as root, root.cursor() as cursor:
        cursor.execute("SET GLOBAL log_output = 'TABLE'")
        cursor.execute("SET GLOBAL general_log = 'ON'")
        answer = powercode.read(host_of(tmp_path, ssh, database), retry=QUICK)
        cursor.execute("SET GLOBAL general_log = 'OFF'")
        cursor.execute(
            "SELECT argument FROM mysql.general_log WHERE user_host LIKE %s AND command_type = 'Query'",
            (f"{database.user}%",),
        )
        sent = [str(row[0]) for row in cursor.fetchall()]
    assert len(answer.services) == CUSTOMERS
    assert len(answer.plans) == 8
    selects = [statement for statement in sent if statement.startswith("SELECT")]
    assert len(selects) == len(TABLES)
    others = [statement for statement in sent if not statement.startswith("SELECT")]
    assert all(statement.startswith(("SET NAMES", "START TRANSACTION")) for statement in others), others


def test_the_user_of_the_tests_can_read_nothing_else_and_write_nothing(ssh: OpenSsh, database: Database) -> None:
    reader = pymysql.connect(
        host="127.0.0.1", port=database.server.port, user=database.user, database="powernoc",
        password=CREDENTIALS["mysql_password"],
    )  # fmt: skip
    with contextlib.closing(reader), reader.cursor() as cursor:
        for statement in ("SELECT * FROM Ticket", "DELETE FROM Equipment", "INSERT INTO Customer VALUES (1,'x','y')"):
            with pytest.raises(pymysql.err.OperationalError, match="denied"):
                cursor.execute(statement)


def test_nothing_listens_for_the_tunnel(ssh: OpenSsh, database: Database, tmp_path: Path) -> None:
    with opened(host_of(tmp_path, ssh, database)) as connection:
        assert next(connection.rows(CUSTOMER, limit=1)) is not None
        assert listening_sockets() == set()
        with socket.create_server(("127.0.0.1", 0)):
            assert len(listening_sockets()) == 1  # the look itself can see one


def listening_sockets() -> set[str]:
    """The TCP sockets of this process that listen."""
    rows = [line.split() for file in ("tcp", "tcp6") for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]]
    own = {str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()}
    return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own}


def test_an_unknown_host_key_shows_the_line_that_makes_it_known(
    ssh: OpenSsh, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    unknown = host_of(tmp_path, ssh, database, host_key=None)
    with pytest.raises(SourceError, match="is not known: SHA256:") as caught:
        powercode.read(unknown, retry=QUICK)
    line = str(caught.value.fix).rsplit("add to known_hosts: ", 1)[1]
    (tmp_path / "known_hosts").write_text(line + "\n")
    known = host_of(tmp_path, ssh, database, host_key=None, known_hosts_file="known_hosts")
    assert len(powercode.read(known, retry=QUICK).services) == CUSTOMERS
    pin = str(caught.value.fix).split("`host_key: ", 1)[1].split("`", 1)[0]
    pinned = host_of(tmp_path, ssh, database, host_key=pin)
    assert len(powercode.read(pinned, retry=QUICK).services) == CUSTOMERS


def test_a_changed_host_key_is_refused(
    ssh: OpenSsh, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    other = (ssh.folder / "client.pub").read_text().split()
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{ssh.port} {other[0]} {other[1]}\n")
    host = host_of(tmp_path, ssh, database, host_key=None, known_hosts_file="known_hosts")
    with pytest.raises(SourceError, match="is not the known one"):
        powercode.read(host, retry=QUICK)


def test_what_sshd_forbids_is_explained(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "ssh"
    folder.mkdir()
    with openssh(folder, "AllowTcpForwarding no") as strict:
        with pytest.raises(SourceError) as caught:
            powercode.read(host_of(tmp_path, strict, database), retry=QUICK)
        assert "AllowTcpForwarding local" in str(caught.value.fix)
        (folder / "authorized_keys").write_text("")
        with pytest.raises(SourceError, match="refuses the user"):
            powercode.read(host_of(tmp_path, strict, database), retry=QUICK)


def test_mysql_elsewhere_is_explained(ssh: OpenSsh, database: Database, tmp_path: Path) -> None:
    host = host_of(tmp_path, ssh, database, mysql_port=free_port())
    with pytest.raises(SourceError, match="MySQL cannot be reached at"):
        powercode.read(host, retry=QUICK)
