"""A Powercode on loopback: its MySQL tables in a real MariaDB, behind an SSH server (facts: Powercode SQL, 11)."""

import contextlib
import itertools
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import pymysql

from generator.demo.emulator import EmulatorOptions, check_names, is_on, number, words
from generator.demo.mariadb import MariaDb, shared_mariadb
from generator.demo.run import Emulated
from generator.demo.sample import PLANS, Lists, RowDict, mac, person
from generator.demo.ssh_server import SshOptions, ssh_serving
from generator.errors import UsageError

DEFAULT_PORT = 8122
CREDENTIALS: Mapping[str, str] = {
    "ssh_username": "demo-powercode", "ssh_password": "demo-powercode-ssh",
    "mysql_username": "demo_powercode", "mysql_password": "demo-powercode-sql",
}  # fmt: skip
SWITCHES: Mapping[str, str] = {
    "slow-ms": "wait so many milliseconds before each part of what MySQL says",
    "empty-list": "every table is empty",
    "forbid": "tables that the MySQL user may not read, separated by commas",
    "missing": "tables that are not there, separated by commas",
    "no-forwarding": "the SSH server opens no channel to MySQL",
    "mysql-down": "nothing answers where MySQL should be",
    "refuse-first-n": "nothing answers there for the first N channels",
    "cut-after": "cut each channel after so many bytes of what MySQL says",
}

_DDL = {
    "Customer": "CustomerID INT, CompanyName VARCHAR(255), Status VARCHAR(64), KEY (CustomerID)",
    "CustomerServices": "CustomerID INT, ServiceID INT, Quantity INT",
    "Services": "ID INT, Discription VARCHAR(255), ISPDescription VARCHAR(255), Type VARCHAR(64), KEY (ID)",
    "InternetInfo": "ServiceID INT, MaxIn INT, MaxOut INT, BurstIn INT, BurstOut INT, BurstBucketTime INT",
    "Equipment": "ID INT, EndUserID INT, MACAddress VARCHAR(32), IPAddress INT, IPType INT, IPTypev6 INT, "
    "IPv6Address BIGINT, LocationID INT, InvItemID INT, DeviceType INT, KEY (ID)",
    "AddressRange": "AddressRangeID INT, StartAddress INT UNSIGNED, IPV6AddressRangeID INT, "
    "StartAddressv6 VARBINARY(16)",
}
_BULK_ROWS = 1000
_FIRST_CUSTOMER, _FIRST_SERVICE, _FIRST_EQUIPMENT, _RANGE = 5001, 61, 7001, 10044
_RANGE_START = 1682046977
"""100.66.0.1."""
_BLOCKED_EVERY, _STATUSES = 25, ("Delinquent", "Not Active", "Uninstall")
_LOCATIONS = 12
_numbers = itertools.count(1)


class PowercodeData(Lists):
    """The six tables, one attribute each, rows as column → value."""

    NAMES: ClassVar[tuple[str, ...]] = tuple(_DDL)
    Customer: list[RowDict]
    CustomerServices: list[RowDict]
    Services: list[RowDict]
    InternetInfo: list[RowDict]
    Equipment: list[RowDict]
    AddressRange: list[RowDict]


def from_lists(lists: dict[str, list[RowDict]]) -> PowercodeData:
    """Data with these tables and nothing else."""
    data = PowercodeData()
    data.load(lists)
    return data


def sample(customers: int, seed: int) -> PowercodeData:
    """A Powercode with so many customers, a CPE each; some do not pay; customer 1 is the provider."""
    chance, data = random.Random(seed), PowercodeData()  # noqa: S311 - sample data, the same for the same seed
    data.Customer.append({"CustomerID": 1, "CompanyName": "The Provider", "Status": "Active"})
    data.AddressRange.append({"AddressRangeID": _RANGE, "StartAddress": _RANGE_START})
    for at, (name, down, up) in enumerate(PLANS):
        data.Services.append({"ID": _FIRST_SERVICE + at, "Discription": name, "Type": "Monthly Internet"})
        data.InternetInfo.append({
            "ServiceID": _FIRST_SERVICE + at, "MaxIn": down, "MaxOut": up, "BurstIn": down * 3 // 2,
            "BurstOut": up * 3 // 2, "BurstBucketTime": 15 if at % 2 else 0,
        })  # fmt: skip
    for at in range(customers):
        unpaid = at % _BLOCKED_EVERY == _BLOCKED_EVERY - 1
        data.Customer.append({
            "CustomerID": _FIRST_CUSTOMER + at, "CompanyName": " ".join(person(chance)),
            "Status": chance.choice(_STATUSES) if unpaid else "Active",
        })  # fmt: skip
        service = _FIRST_SERVICE + chance.randrange(len(PLANS))
        data.CustomerServices.append({"CustomerID": _FIRST_CUSTOMER + at, "ServiceID": service, "Quantity": 1})
        data.Equipment.append({
            "ID": _FIRST_EQUIPMENT + at, "EndUserID": _FIRST_CUSTOMER + at, "MACAddress": mac(at), "IPAddress": at,
            "IPType": _RANGE, "LocationID": 1 + at % _LOCATIONS,
        })  # fmt: skip
    return data


@contextmanager
def running(data: PowercodeData, options: EmulatorOptions, *, host: str, port: int) -> Iterator[Emulated]:
    """The tables in a database of their own, and the SSH server before it, until the `with` ends.

    Raises `UsageError` for a switch or a table that is not known, and where MariaDB is not installed.
    """
    check_names(options, SWITCHES)
    server = shared_mariadb()
    name = f"powernoc_{next(_numbers)}"
    database = Database(server, name, data, options)
    ssh = SshOptions(
        username=CREDENTIALS["ssh_username"], password=CREDENTIALS["ssh_password"], target_port=server.port,
        forwarding=not is_on(options, "no-forwarding"), target_down=is_on(options, "mysql-down"),
        refuse_first=number(options, "refuse-first-n"), slow_s=number(options, "slow-ms") / 1000,
        cut_after_bytes=number(options, "cut-after"), seen=options.seen, on_channel=database.refresh,
    )  # fmt: skip
    with database.made(), ssh_serving(ssh, host=host, port=port) as at:
        variables = {
            "host": at.host, "port": at.port, "host_key": at.fingerprint, "database": name, "mysql_port": server.port,
            "credentials": {**CREDENTIALS, "mysql_username": database.user},
        }  # fmt: skip
        yield Emulated(url=f"ssh://{at.host}:{at.port}", host_vars=variables)


class Database:
    """A database with the six tables, `name`, and a `user` who may SELECT from exactly these."""

    def __init__(self, server: MariaDb, name: str, data: PowercodeData, options: EmulatorOptions) -> None:
        self.server, self.name, self._data = server, name, data
        self.user = f"reader_{name}"
        self._forbidden, self._missing = words(options, "forbid"), words(options, "missing")
        self._empty = is_on(options, "empty-list")
        self._revision = -1
        unknown = sorted((self._forbidden | self._missing) - _DDL.keys())
        if unknown:
            raise UsageError(f"there is no table {', '.join(unknown)}", fix=f"some of: {', '.join(_DDL)}")

    @contextmanager
    def made(self) -> Iterator[None]:
        """Make database and user, and drop both at the end."""
        with contextlib.closing(self.server.root()) as root, root.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{self.name}` CHARACTER SET utf8mb4")
            self._tables(cursor)
            self.refresh()
            try:
                yield
            finally:
                cursor.execute(f"DROP DATABASE `{self.name}`")
                cursor.execute(f"DROP USER `{self.user}`@'127.0.0.1'")

    def refresh(self) -> None:
        """Bring the tables up to date if the data changed."""
        if self._revision == self._data.revision:
            return
        self._revision = self._data.revision
        with contextlib.closing(self.server.root()) as root, root.cursor() as cursor:
            root.select_db(self.name)
            for table in _DDL.keys() - self._missing:
                cursor.execute(f"DELETE FROM `{table}`")  # noqa: S608 - our own name
                if not self._empty:
                    self._fill(cursor, table)

    def _tables(self, cursor: "pymysql.cursors.Cursor") -> None:
        """The tables, and two users: one with a password of its own, and one as on the SSH server."""
        users = {self.user: CREDENTIALS["mysql_password"], CREDENTIALS["ssh_username"]: CREDENTIALS["ssh_password"]}
        for user, password in users.items():
            cursor.execute(f"CREATE USER IF NOT EXISTS `{user}`@'127.0.0.1' IDENTIFIED BY %s", (password,))
        for table, columns in _DDL.items():
            if table not in self._missing:
                cursor.execute(f"CREATE TABLE `{self.name}`.`{table}` ({columns})")
            for user in users if table not in self._forbidden | self._missing else ():
                cursor.execute(f"GRANT SELECT ON `{self.name}`.`{table}` TO `{user}`@'127.0.0.1'")

    def _fill(self, cursor: "pymysql.cursors.Cursor", table: str) -> None:
        columns = [part.split()[0] for part in _DDL[table].split(", ") if not part.startswith("KEY")]
        statement = (
            f"INSERT INTO `{table}` ({', '.join(f'`{each}`' for each in columns)}) "  # noqa: S608 - our own names
            f"VALUES ({', '.join(['%s'] * len(columns))})"
        )
        rows: list[tuple[Any, ...]] = [tuple(row.get(each) for each in columns) for row in getattr(self._data, table)]
        for at in range(0, len(rows), _BULK_ROWS):
            cursor.executemany(statement, rows[at : at + _BULK_ROWS])
