"""The six tables of Powercode, read row by row with server-side cursors in one consistent snapshot.

Only SELECTs are sent (beside what opens the snapshot). Texts arrive as bytes, so that one customer's broken
encoding costs nobody else.
"""

import logging
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import pymysql
import pymysql.cursors
from msgspec import Struct

from generator.billing.powercode.tunnel import LostError, ssh_channel
from generator.billing.text import shown
from generator.errors import SourceError
from generator.inventory.settings import BillingHost
from generator.net.retry import RetryPolicy

_log = logging.getLogger(__name__)

Found = TypeVar("Found")
Row = tuple[Any, ...]

_ACCESS, _NO_DATABASE, _NO_TABLE_RIGHT, _NO_TABLE, _NO_COLUMN = (
    (1045, 1698),
    (1044, 1049),
    (1142, 1143),
    (1146,),
    (1054,),
)
_PASSING = frozenset({1040, 1129, 1203, 1205, 1213, 1317, 2003, 2006, 2013, 3024})
"""Too many connections, blocked host, locks, lost connections: as time passes they may go away."""


class Table(Struct, frozen=True, kw_only=True):
    """A table of Powercode's database and the columns that are read of it."""

    name: str
    columns: tuple[str, ...]

    @property
    def select(self) -> str:
        """The statement; names are ours, never a value from outside."""
        return f"SELECT {', '.join(f'`{column}`' for column in self.columns)} FROM `{self.name}`"  # noqa: S608 - above


CUSTOMER = Table(name="Customer", columns=("CustomerID", "CompanyName", "Status"))
CUSTOMER_SERVICES = Table(name="CustomerServices", columns=("CustomerID", "ServiceID"))
SERVICES = Table(name="Services", columns=("ID", "Discription", "Type"))  # the real schema's spelling
INTERNET_INFO = Table(
    name="InternetInfo", columns=("ServiceID", "MaxIn", "MaxOut", "BurstIn", "BurstOut", "BurstBucketTime")
)
EQUIPMENT = Table(name="Equipment", columns=("ID", "IPAddress", "IPType", "LocationID", "EndUserID"))
ADDRESS_RANGE = Table(name="AddressRange", columns=("AddressRangeID", "StartAddress"))
TABLES = (CUSTOMER, CUSTOMER_SERVICES, SERVICES, INTERNET_INFO, EQUIPMENT, ADDRESS_RANGE)


class Database:
    """An open connection; get one with `opened`."""

    def __init__(self, connection: "pymysql.Connection[Any]", host: BillingHost) -> None:
        self._connection, self._host = connection, host

    def rows(self, table: Table, *, limit: int | None = None) -> Iterator[Row]:
        """The rows of `table`, streamed; raises `SourceError` naming the right that is missing."""
        statement = table.select if limit is None else f"{table.select} LIMIT {limit}"
        yield from self._streamed(statement, table.name)

    def clock(self) -> int:
        """The server's time, Unix seconds."""
        return int(next(self._streamed("SELECT UNIX_TIMESTAMP()", "the clock"))[0])

    def _streamed(self, statement: str, what: str) -> Iterator[Row]:
        with translated(self._host, what):
            cursor = self._connection.cursor(pymysql.cursors.SSCursor)
            try:
                cursor.execute(statement)
                yield from cursor.fetchall_unbuffered()
            except BaseException:
                _abandon(cursor)
                raise
            cursor.close()


@contextmanager
def opened(host: BillingHost) -> Iterator[Database]:
    """A connection to the database of `host` in a consistent snapshot; raises `SourceError`."""
    user, password = _login(host)
    with ssh_channel(host) as channel, translated(host, "login"):
        connection = pymysql.connect(
            user=user, password=password, database=host.options["database"], charset="utf8mb4", use_unicode=False,
            defer_connect=True, read_timeout=host.timeout_s, write_timeout=host.timeout_s, autocommit=None,
        )  # fmt: skip
        connection.connect(cast("Any", channel))  # all it uses of a socket is there
        try:
            connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            yield Database(connection, host)
        finally:
            cast("Any", connection)._force_close()  # noqa: SLF001 - `close` says farewell to a server that may be gone


def _abandon(cursor: pymysql.cursors.SSCursor) -> None:
    """Let go of a result that is not read to its end; the driver would go on reading what never comes."""
    result = cast("Any", cursor)._result  # noqa: SLF001 - the driver has no other way
    if result is not None:
        result.unbuffered_active = False


def _login(host: BillingHost) -> tuple[str, str]:
    """The MySQL user and password: those of SSH where there are no others."""
    secrets = host.credentials
    user = secrets.get("mysql_username") or secrets["ssh_username"]
    password = secrets.get("mysql_password") or secrets.get("ssh_password")
    return user.reveal(), password.reveal() if password else ""


@contextmanager
def translated(host: BillingHost, what: str) -> Iterator[None]:
    """Turn failures of MySQL and of the channel into errors that say what to do."""
    try:
        yield
    except pymysql.MySQLError as error:
        raise _explained(error, host, what) from None
    except (OSError, EOFError, struct.error) as error:
        raise _lost(
            host, f"the connection ended while reading {what} ({shown(error) or type(error).__name__})"
        ) from None


def _explained(error: pymysql.MySQLError, host: BillingHost, what: str) -> SourceError:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = _without_secrets(str(error.args[-1] if error.args else error), host)
    said = f"MySQL error {code}: {shown(text)}" if code else shown(text)
    if code in _PASSING or not code:
        return _lost(host, f"{said} while reading {what}")
    return SourceError(said, where=_where(host), fix=_fix(code, host, what))


def _without_secrets(text: str, host: BillingHost) -> str:
    """`text` with user names and passwords blotted out: MySQL repeats the user's."""
    for secret in sorted((each.reveal() for each in host.credentials.values()), key=len, reverse=True):
        text = text.replace(secret, "***") if secret else text
    return text


def _fix(code: int, host: BillingHost, what: str) -> str:
    database = host.options["database"]
    if code in _ACCESS:
        return (
            "check mysql_username and mysql_password of `credentials` (default: the SSH ones); the user must exist "
            "for connections from 127.0.0.1 or localhost"
        )
    if code in _NO_DATABASE:
        return f"check `database` (now {database}), and that the MySQL user may read it"
    if code in _NO_TABLE_RIGHT:
        return f"as MySQL's root: GRANT SELECT ON {database}.{what} TO the MySQL user"
    if code in _NO_TABLE:
        return f"check `database` (now {database}): it has no table {what}, so it is not Powercode's"
    if code in _NO_COLUMN:
        return "this release of Powercode has other columns: report it with the message above"
    return "look at MySQL's log on the Powercode server"


def _lost(host: BillingHost, what: str) -> LostError:
    return LostError(what, where=_where(host), fix="run again; if it stays so, look at MySQL's and sshd's logs there")


def _where(host: BillingHost) -> str:
    return f"{host.name}: mysql://{host.options['mysql_host']}:{host.options['mysql_port']}/{host.options['database']}"


def persist(look: Callable[[], Found], host: BillingHost, retry: RetryPolicy) -> Found:
    """What `look` finds, tried again after connections that were lost."""
    attempt = 1
    while True:
        try:
            return look()
        except LostError as error:
            if attempt >= retry.attempts:
                what = f"{error.what} (after {attempt} attempts)"
                raise SourceError(what, where=error.where, fix=error.fix) from None
            delay_s = retry.delay_s(attempt)
        attempt += 1
        _log.info("%s: connection lost, waiting %.1f s, attempt %d of %d", host.name, delay_s, attempt, retry.attempts)
        time.sleep(delay_s)
