"""The gateway's store on disk: SQLite in WAL mode, or any database that SQLAlchemy knows.

One table holds every object as JSON, one row each. A batch of rows is one transaction: what is committed
survives a killed process and a power cut (SQLite with synchronous=FULL).
"""

import fcntl
import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from generator.errors import BqnctlError
from generator.inventory.secret import Secret

_log = logging.getLogger(__name__)
_MAX_KEY = 300
_MAX_BODY = 1 << 24
_LOAD_ROWS = 5000
_BUSY_MS = 3_000

_EXACT = mysql.VARCHAR(_MAX_KEY, charset="utf8mb4", collation="utf8mb4_bin")
"""Names that differ in case are different names, which those databases do not think by themselves."""

_metadata = sa.MetaData()
_objects = sa.Table(
    "bqnctl_objects",
    _metadata,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("name", sa.String(_MAX_KEY).with_variant(_EXACT, "mysql", "mariadb"), primary_key=True),
    sa.Column("body", sa.LargeBinary(_MAX_BODY), nullable=False),
    sa.Column("changed_by", sa.String(200), nullable=False),
    sa.Column("changed_at", sa.Float, nullable=False),
)


class StoreError(BqnctlError):
    """A store that cannot be opened, read or written; the text has no row of it."""


class Row(Struct, frozen=True, kw_only=True):
    """One object to be kept, or to be removed when `body` is None; who wrote it, and when (s since 1970)."""

    kind: str
    name: str
    body: bytes | None
    by: str
    at_s: float


class Keeper:
    """A store that this process alone writes; open it in a `with`."""

    def __init__(self, url: str, *, password: Secret | None = None) -> None:
        self._url = _parsed(url, password)
        self._lock_file: IO[str] | None = None
        self._lock_connection: sa.Connection | None = None
        self._engine = self._make_engine()

    def __enter__(self) -> Self:
        try:
            self._lock()
            _metadata.create_all(self._engine)
        except SQLAlchemyError as error:
            self.close()
            raise self._problem("cannot be opened", error) from error
        except BqnctlError:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def shown(self) -> str:
        """The store's URL without its password."""
        return self._url.render_as_string(hide_password=True)

    def load(self) -> Iterator[tuple[str, str, bytes]]:
        """Every object: kind, name, JSON; raises `StoreError`."""
        query = sa.select(_objects.c.kind, _objects.c.name, _objects.c.body)
        try:
            with self._engine.connect() as connection:
                for kind, name, body in connection.execution_options(yield_per=_LOAD_ROWS).execute(query):
                    yield str(kind), str(name), bytes(body)
        except SQLAlchemyError as error:
            raise self._problem("cannot be read", error) from error

    def commit(self, rows: Sequence[Row]) -> None:
        """Keep `rows`, each object once, all or none of them; on disk when this returns. Raises `StoreError`."""
        keys = [{"kind_": row.kind, "name_": row.name} for row in rows]
        kept = [
            {"kind": row.kind, "name": row.name, "body": row.body, "changed_by": row.by, "changed_at": row.at_s}
            for row in rows
            if row.body is not None
        ]
        try:
            with self._engine.begin() as connection:
                connection.execute(_DELETE, keys)
                if kept:
                    connection.execute(_INSERT, kept)
        except SQLAlchemyError as error:
            raise self._problem("cannot be written", error) from error

    def close(self) -> None:
        """Let go of the database and of its lock."""
        if self._lock_connection is not None:
            with suppress(SQLAlchemyError):
                self._lock_connection.close()
        self._engine.dispose()
        if self._lock_file is not None:
            self._lock_file.close()

    def _make_engine(self) -> sa.Engine:
        options: dict[str, Any] = {"pool_pre_ping": self._url.get_backend_name() != "sqlite", "pool_size": 2}
        if self._url.get_backend_name() == "sqlite":
            options = {"connect_args": {"check_same_thread": False, "timeout": _BUSY_MS / 1000}}
            self._make_file()
        try:
            engine = sa.create_engine(self._url, **options)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise StoreError(
                f"its database driver is not there ({type(error).__name__})", where=f"store {self.shown}",
                fix="write sqlite:///FILE, or postgresql+psycopg://…  with `pip install 'bqnctl[postgresql]'`, "
                "or mysql+pymysql://…",
            ) from error  # fmt: skip
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare_sqlite)
        return engine

    def _make_file(self) -> None:
        """The file for SQLite, for nobody else to read: it names customers. Its -wal and -shm take over its mode."""
        if self._url.database and self._url.database != ":memory:":
            file = Path(self._url.database)
            try:
                file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                file.touch(mode=0o600)
                file.chmod(0o600)
            except OSError as error:
                raise self._problem("cannot be opened", error) from error

    def _lock(self) -> None:
        """Be the only gateway on this store; the lock goes with the process."""
        name = self._engine.dialect.name
        if name == "sqlite":
            free = self._lock_sqlite()
        elif name == "postgresql":
            number = int.from_bytes(hashlib.sha256(b"bqnctl gateway").digest()[:7])
            free = bool(self._ask(sa.select(sa.func.pg_try_advisory_lock(number))))
        elif name in ("mysql", "mariadb"):
            free = self._ask(sa.select(sa.func.get_lock("bqnctl gateway", 0))) == 1
        else:
            _log.warning("store %s: make sure that no second gateway uses it", self.shown)
            free = True
        if not free:
            raise StoreError(
                "another gateway uses this store", where=f"store {self.shown}",
                fix="stop it, or give this one another `store`",
            )  # fmt: skip

    def _lock_sqlite(self) -> bool:
        if not self._url.database or self._url.database == ":memory:":
            return True
        try:
            self._lock_file = Path(f"{self._url.database}.lock").open("a", encoding="utf-8")  # noqa: SIM115 - kept open
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise self._problem("cannot be opened", error) from error
        return True

    def _ask(self, query: Any) -> Any:
        self._lock_connection = self._engine.connect()
        return self._lock_connection.execute(query).scalar()

    def _problem(self, what: str, error: Exception) -> StoreError:
        """What the database said, without the statement and its values."""
        said = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or type(error).__name__)
        fix = "check that the folder can be written and has room, or that the database runs and lets this user in"
        return StoreError(f"{what}: {' '.join(said.split())[:200]}", where=f"store {self.shown}", fix=fix)


_DELETE = sa.delete(_objects).where(
    _objects.c.kind == sa.bindparam("kind_"), _objects.c.name == sa.bindparam("name_")
)  # fmt: skip
_INSERT = sa.insert(_objects)


def _parsed(url: str, password: Secret | None) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except ArgumentError as error:
        raise StoreError("`store` is no SQLAlchemy URL", fix="write for example sqlite:///gateway/store.db") from error
    return parsed if password is None else parsed.set(password=password.reveal())


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
