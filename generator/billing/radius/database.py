"""FreeRADIUS's tables: one snapshot of the rows that are needed, by SQLAlchemy (facts: RADIUS systems, 6).

Older schemas lack columns or write them in mixed case, so the columns are looked up first. Secrets and
passwords are never selected.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from ipaddress import ip_address
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from generator.billing.secrets import required
from generator.billing.text import shown
from generator.errors import SourceError
from generator.inventory.settings import BillingHost
from generator.net.retry import DEFAULT_RETRY, RetryPolicy
from generator.net.tls import ssl_context

_PORTS = {"mysql": 3306, "postgresql": 5432}
_DRIVERS = {"mysql": "mysql+pymysql", "postgresql": "postgresql+psycopg"}
_NEVER_STOPPED = "0000-00-00 00:00:00"
_DENIED_USER, _DENIED_DATABASE, _UNKNOWN_DATABASE, _DENIED_TABLE, _DENIED_COLUMN = 1045, 1044, 1049, 1142, 1143
_ACCESS = {
    _DENIED_USER: "check credentials, and from which hosts the user may log in",
    _DENIED_DATABASE: "GRANT SELECT on FreeRADIUS's tables to the user",
    _UNKNOWN_DATABASE: "check sql.database",
    _DENIED_TABLE: "GRANT SELECT on that table to the user",
    _DENIED_COLUMN: "GRANT SELECT on that column to the user",
}
_REACHABLE = (2002, 2003, 2006, 2013)
"""MySQL's numbers for a server that is not there, or went away: worth another attempt."""


class Table(Struct, frozen=True, kw_only=True):
    """A table and the columns that are read of it; those not `needed` may be missing in older schemas."""

    name: str
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()


RADACCT = Table(
    name="radacct",
    needed=("radacctid", "username", "framedipaddress", "acctstarttime", "acctstoptime"),
    optional=(
        "acctsessionid", "acctupdatetime", "nasipaddress", "nasportid", "calledstationid", "callingstationid", "class",
    ),
)  # fmt: skip
_ATTRIBUTES = ("id", "attribute", "op", "value")
RADREPLY = Table(name="radreply", needed=("username", *_ATTRIBUTES))
RADCHECK = Table(name="radcheck", needed=("username", *_ATTRIBUTES))
RADGROUPREPLY = Table(name="radgroupreply", needed=("groupname", *_ATTRIBUTES))
RADUSERGROUP = Table(name="radusergroup", needed=("username", "groupname"), optional=("priority",))
NAS = Table(name="nas", needed=("nasname",), optional=("shortname",))

_COLUMNS = {
    dialect: sa.text(f"SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = {schema}")  # noqa: S608 - ours
    for dialect, schema in (("mysql", "DATABASE()"), ("postgresql", "current_schema()"))
}

Row = Mapping[str, Any]


class DatabaseError(SourceError):
    """What the database refused; `denied` says that it is a matter of rights or of a table that is not there."""

    def __init__(self, what: str, *, where: str, fix: str, denied: bool = False) -> None:
        super().__init__(what, where=where, fix=fix)
        self.denied = denied


class Database:
    """One snapshot of FreeRADIUS's database."""

    def __init__(self, host: BillingHost, connection: sa.Connection) -> None:
        self._host, self._connection = host, connection
        self._there: dict[str, dict[str, str]] = {}

    def now(self) -> datetime:
        """The database's own clock, which its times are of."""
        with told(self._host, "the clock"):
            value = self._connection.execute(sa.select(sa.func.now())).scalar_one()
        return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))

    def rows(self, table: Table, *, where: str | None = None, values: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of a table, by the names of `table`; `where` is a condition on those names, with `values`."""
        with told(self._host, f"the table {table.name}"):
            columns = self._columns(table)
            listed = ", ".join(f"{self._quoted(real)} AS {self._quoted(name)}" for name, real in columns.items())
            query = f"SELECT {listed} FROM {self._quoted(self._seen()[table.name][''])}"  # noqa: S608 - quoted names of ours
            if where is not None:
                query += f" WHERE {where}"
            result = self._connection.execute(sa.text(query), dict(values or {}))
            return [dict(row) for row in result.mappings()]

    def open_sessions(self) -> list[Row]:
        """The sessions without an end that have an address."""
        stopped = self._columns_of(RADACCT)["acctstoptime"]
        condition = f"{self._quoted(stopped)} IS NULL"
        if self._host.options["sql"]["dialect"] == "mysql":
            condition = f"({condition} OR CAST({self._quoted(stopped)} AS CHAR) = '{_NEVER_STOPPED}')"
        return self.rows(RADACCT, where=condition)

    def _columns_of(self, table: Table) -> dict[str, str]:
        with told(self._host, f"the table {table.name}"):
            return self._columns(table)

    def _columns(self, table: Table) -> dict[str, str]:
        """The table's columns as they are written there, by our names."""
        there = self._seen().get(table.name, {})
        if not there:
            raise DatabaseError(
                f"there is no table {table.name}, or the user may not see it", where=where_of(self._host),
                fix=f"GRANT SELECT ON {self._host.options['sql']['database']}.{table.name} to the user", denied=True,
            )  # fmt: skip
        missing = [name for name in table.needed if name not in there]
        if missing:
            raise DatabaseError(
                f"the table {table.name} has no column {', '.join(missing)}", where=where_of(self._host),
                fix="this is not FreeRADIUS's schema: check sql.database",
            )  # fmt: skip
        return {name: there[name] for name in (*table.needed, *table.optional) if name in there}

    def _seen(self) -> dict[str, dict[str, str]]:
        """The columns that the user may see, by table in small letters: the name in small letters to the real one.

        Asked of the standard's own catalogue, which shows a column to whoever may select just that.
        """
        if not self._there:
            for table, column in self._connection.execute(_COLUMNS[self._host.options["sql"]["dialect"]]):
                self._there.setdefault(str(table).lower(), {"": str(table)})[str(column).lower()] = str(column)
        return self._there

    def _quoted(self, name: str) -> str:
        return str(self._connection.dialect.identifier_preparer.quote_identifier(name))


@contextmanager
def connected(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Database]:
    """A read-only snapshot of the database of `host`; raises `DatabaseError`."""
    engine = _engine(host)
    try:
        with _connection(engine, host, retry) as connection:
            yield Database(host, connection)
    finally:
        engine.dispose()


def where_of(host: BillingHost) -> str:
    """How messages name the database."""
    settings = host.options["sql"]
    return f"{host.name}: {settings['dialect']}://{host.host}:{_port(host)}/{settings['database']}"


@contextmanager
def told(host: BillingHost, what: str) -> Iterator[None]:
    """Turn what the database says of `what` into a `DatabaseError`, without statement and values."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _explained(error, host, what) from error


def _explained(error: SQLAlchemyError, host: BillingHost, what: str) -> DatabaseError:
    original = getattr(error, "orig", None)
    code = original.args[0] if original is not None and original.args else None
    state = getattr(original, "sqlstate", None)
    said = " ".join(str(original if original is not None else error).split())
    password = host.credentials["password"].reveal()
    said = said.replace(password, "***") if password else said
    if isinstance(code, int):
        fix = _ACCESS.get(code, "look at the database's log, then run again")
    else:
        fix = _ACCESS[_DENIED_USER] if _refuses_login(said) else _usual(state)
    denied = code in (_DENIED_TABLE, _DENIED_COLUMN) or state in ("42501", "42P01")
    return DatabaseError(f"{what} cannot be read: {shown(said)}", where=where_of(host), fix=fix, denied=denied)


def _refuses_login(said: str) -> bool:
    """Whether PostgreSQL does not let the user in, which it has no code for before a connection stands."""
    return any(words in said for words in ("authentication failed", "no pg_hba.conf entry", "no password supplied"))


def _usual(state: str | None) -> str:
    if state == "42501":
        return _ACCESS[_DENIED_TABLE]
    return "check `host`, `sql: {port, database}`, credentials and tls, and that the database answers"


@contextmanager
def _connection(engine: sa.Engine, host: BillingHost, retry: RetryPolicy) -> Iterator[sa.Connection]:
    attempt = 1
    while True:
        try:
            connection = engine.connect()
            break
        except DBAPIError as error:
            failure = _explained(error, host, "the database")
            code = error.orig.args[0] if error.orig is not None and error.orig.args else None
            gone = code in _REACHABLE if isinstance(code, int) else not _refuses_login(str(error.orig))
            if not gone or attempt >= retry.attempts:
                if attempt > 1:
                    failure.what += f" (after {attempt} attempts)"
                raise failure from error
        time.sleep(retry.delay_s(attempt))
        attempt += 1
    with connection, connection.begin():
        yield connection


def _engine(host: BillingHost) -> sa.Engine:
    settings = host.options["sql"]
    dialect = settings["dialect"]
    username, password = required(host, "username", "password")
    url = sa.URL.create(
        _DRIVERS[dialect], username=username, password=password, host=host.host, port=_port(host),
        database=settings["database"],
    )  # fmt: skip
    arguments = _mysql_arguments(host) if dialect == "mysql" else _postgresql_arguments(host)
    try:
        engine = sa.create_engine(url, connect_args=arguments, isolation_level="REPEATABLE READ", poolclass=sa.NullPool)
    except ModuleNotFoundError as error:
        raise DatabaseError(
            "the driver for PostgreSQL is not installed", where=where_of(host),
            fix="install it: pip install 'bqnctl[postgresql]'",
        ) from error  # fmt: skip
    if dialect == "mysql" and _encrypted(host) and host.tls.pinned:
        sa.event.listen(engine, "connect", _Pinned(host))
    return engine


class _Pinned:
    """Compares the certificate of a new connection with the pin."""

    def __init__(self, host: BillingHost) -> None:
        self._host = host

    def __call__(self, connection: Any, _record: object) -> None:
        certificate = connection._sock.getpeercert(binary_form=True)  # noqa: SLF001 - PyMySQL shows it nowhere else
        seen = hashlib.sha256(certificate or b"").hexdigest()
        if seen != self._host.tls.fingerprint_sha256:
            connection.close()
            raise DatabaseError(
                f"its certificate is not the pinned one: it shows {seen}", where=where_of(self._host),
                fix="if the certificate was renewed on purpose, pin the new one; otherwise somebody is in between",
            )  # fmt: skip


def _mysql_arguments(host: BillingHost) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "connect_timeout": max(1, int(host.timeout_s)), "read_timeout": host.timeout_s, "charset": "utf8mb4",
    }  # fmt: skip
    return {**arguments, "ssl": ssl_context(host.tls)} if _encrypted(host) else arguments


def _postgresql_arguments(host: BillingHost) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "connect_timeout": max(2, int(host.timeout_s)),
        "options": f"-c statement_timeout={int(host.timeout_s * 1000)} -c default_transaction_read_only=on",
    }
    if not _encrypted(host):
        return {**arguments, "sslmode": "disable"}
    if host.tls.pinned:
        raise DatabaseError(
            "a pin cannot be checked with PostgreSQL",
            where=where_of(host),
            fix="set tls: {ca_file: FILE} with the server's certificate or its authority",
        )
    if not host.tls.verify:
        return {**arguments, "sslmode": "require"}
    authorities = str(host.tls.ca_file) if host.tls.ca_file else "system"
    return {**arguments, "sslmode": "verify-full", "sslrootcert": authorities}


def _encrypted(host: BillingHost) -> bool:
    wanted: bool | None = host.options["sql"]["tls"]
    if wanted is not None:
        return wanted
    try:
        return not ip_address(host.host).is_loopback
    except ValueError:
        return host.host != "localhost"


def _port(host: BillingHost) -> int:
    settings = host.options["sql"]
    return int(settings["port"] or _PORTS[settings["dialect"]])
