"""The connection to the database: transactions, the translation of its errors, its dialects.

All that differs between SQLite and PostgreSQL stands in this module and in ``migrate``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from weighbridge.errors import BadInput, StoreDown

if TYPE_CHECKING:
    from psycopg import Connection as PsycopgConnection

BUSY_TIMEOUT_S = 20
"""How long a writer waits for another one (there is one at a time)."""
_WRITERS = 0x77656968
"""The number of the writers' advisory lock on PostgreSQL ("weih")."""
_CONNECT_TIMEOUT_S = 10
_FORGOTTEN_S = 60
"""A transaction of a process that lost its machine is ended after this time, and its lock is free."""


class Database:
    """Short transactions: one that reads, or one that writes.

    ``quota_bytes`` is what a namespace may use that has no quota of its own; 0: no limit.
    """

    def __init__(self, engine: Engine, *, quota_bytes: int = 0) -> None:
        self._engine, self._quota_bytes = engine, quota_bytes
        self._writer = engine.execution_options(writes=True)
        shared = engine.get_execution_options().get("snapshots")
        self._reader = engine.execution_options(isolation_level="REPEATABLE READ") if shared else engine

    @property
    def is_shared(self) -> bool:
        """Whether processes on other machines may use it too."""
        return self._engine.url.get_backend_name() != "sqlite"

    def close(self) -> None:
        """Give every connection back; closing twice is fine."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A consistent view.

        Raises:
            StoreDown: the database does not answer.
        """
        with translated(self._engine.url), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """All of it or nothing; on the disk when this returns.

        Raises:
            StoreDown: the database does not answer or cannot be written.
        """
        with translated(self._engine.url), self._writer.begin() as connection:
            yield connection


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Foreign errors as ours, without statements and values: those may hold hashes."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise BadInput("a name or text is not Unicode", hint="check the terminal's encoding") from error
    except (SQLAlchemyError, PoolTimeout, OSError) as error:
        cause = _cause(error)
        raise StoreDown(
            f"the catalogue {url.render_as_string(hide_password=True)} failed: {cause}", hint=_hint(cause)
        ) from error


def _cause(error: Exception) -> str:
    orig = getattr(error, "orig", None)
    if orig is None:
        return str(error) if isinstance(error, OSError) else type(error).__name__
    # PostgreSQL's further lines repeat the values of the row.
    primary = getattr(getattr(orig, "diag", None), "message_primary", None)
    return str(primary or orig).strip().partition("\n")[0]


def _hint(cause: str) -> str:
    if "locked" in cause or "lock timeout" in cause:
        return "another process holds it for long; try again"
    if "full" in cause:
        return "make room on the disk"
    if "readonly" in cause or "unable to open" in cause or "ermission" in cause:
        return "check the owner and the permissions of the file and of its folder"
    return "check WEIGHBRIDGE_DATABASE_URL and that the database is running"


def engine_for(place: str | Path) -> Engine:
    """The engine for a database URL, or for a file of SQLite, whose name may hold anything.

    Raises:
        BadInput: the URL is none, or names a database that cannot be used here.
        StoreDown: the file or its folder cannot be made.
    """
    try:
        named = isinstance(place, Path)
        parsed = URL.create("sqlite", database=str(place)) if named else make_url(str(place))
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        return _postgresql(parsed)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        # The URL may hold a password, and the foreign message repeats it.
        raise BadInput(
            "WEIGHBRIDGE_DATABASE_URL is not a database URL that can be used here",
            hint="as in sqlite:////var/lib/weighbridge/catalog.sqlite3; postgresql:// needs psycopg",
        ) from error


def _postgresql(url: URL) -> Engine:
    told = "connect_timeout" in url.query
    engine = create_engine(
        url,
        hide_parameters=True,
        # A connection that broke while it lay idle is made anew: the database may have been restarted.
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=16,
        connect_args={} if told else {"connect_timeout": _CONNECT_TIMEOUT_S},
        isolation_level="READ COMMITTED",
    )
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "begin", _begin_postgresql)
    return engine.execution_options(snapshots=True)


def _prepare_postgresql(connection: PsycopgConnection, _record: object) -> None:
    # The driver prepares what it sends often, and then the server plans it once for all values: a filter
    # by two metrics took ten times as long from the tenth time on.
    connection.execute("SET plan_cache_mode = force_custom_plan")
    connection.commit()


def _begin_postgresql(connection: Connection) -> None:
    # One writer at a time, as on SQLite: what a transaction has looked up still holds when it writes.
    if not connection.get_execution_options().get("writes"):
        return
    connection.exec_driver_sql(
        f"SET LOCAL lock_timeout = '{BUSY_TIMEOUT_S}s'; "
        f"SET LOCAL idle_in_transaction_session_timeout = '{_FORGOTTEN_S}s'"
    )
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _sqlite(url: URL) -> Engine:
    in_memory = url.database in (None, "", ":memory:")
    if not in_memory:
        with translated(url):
            _make_private(Path(str(url.database)))
    engine = create_engine(
        url,
        hide_parameters=True,
        poolclass=QueuePool,
        # A database in memory is its one connection; the threads take turns.
        pool_size=1 if in_memory else 8,
        max_overflow=0 if in_memory else 56,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(path: Path) -> None:
    """The file holds password hashes: 0600 from its first moment (WAL and SHM take its mode)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _prepare_sqlite(connection: SqliteConnection, _record: object) -> None:
    # None: the driver begins no transactions by itself, so that DDL is part of ours too.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer asks for the lock at once: one that began as a reader could not wait for it.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
