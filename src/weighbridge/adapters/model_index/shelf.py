"""The file of an index: opened, made, and set aside where it is damaged."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from weighbridge.adapters.flocks import take_flock
from weighbridge.errors import StoreDown

ORDERS = ("downloads", "likes", "trending", "updated")
"""There is one text table for each."""
FORMAT = 2
"""In the name of the file too; changed with whatever changes a table, a row or the terms of an entry."""
_BUSY_S = 120.0
_CORRUPT, _NOT_A_DATABASE = 11, 26
_LOG = logging.getLogger(__name__)
_TEXT_TABLE = (
    "CREATE VIRTUAL TABLE by_{0} USING fts5(terms, content='', columnsize=0, detail=none, tokenize='ascii')"
)
_LARGE_SEGMENTS = "INSERT INTO by_{0} (by_{0}, rank) VALUES ('hashsize', 33554432)"
"""Fewer and longer ones to be read, for some memory while writing."""
_SCHEMA = (
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, fetched_at INTEGER NOT NULL,"
    " body BLOB NOT NULL)",
    "CREATE INDEX entries_by_age ON entries (fetched_at)",
    "CREATE TABLE stale (id INTEGER PRIMARY KEY, shown BLOB)",
    "CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    *(_TEXT_TABLE.format(order) for order in ORDERS),
    *(_LARGE_SEGMENTS.format(order) for order in ORDERS),
)


class Shelf:
    """One SQLite file, with one connection to it, for one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file; make it where there is none, and anew where it is damaged.

        Raises:
            StoreDown: the folder or the file cannot be used.
        """
        self.path = path
        self._inode = 0
        with translated(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self.connection = self._opened()
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._renew(error)

    def renew(self, why: sqlite3.DatabaseError) -> None:
        """Set the damaged file aside and begin a new one; use another process's new one if there is one."""
        self.connection.close()
        self._renew(why)

    def is_there(self) -> bool:
        """Whether the open file is still the one of its name: it may be deleted, or set aside by others."""
        return self._seen() == self._inode

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _renew(self, why: sqlite3.DatabaseError) -> None:
        with self._alone():
            if self._seen() == self._inode:
                aside = self.path.with_name(f"{self.path.name}.damaged")
                _LOG.warning("%s is damaged (%s); it is set aside as %s", self.path, why, aside.name)
                with suppress(FileNotFoundError):
                    self.path.replace(aside)
                for beside in ("-wal", "-shm"):
                    self.path.with_name(self.path.name + beside).unlink(missing_ok=True)
            self._make()
        self.connection = self._opened()

    def _opened(self) -> sqlite3.Connection:
        self._inode = self._seen()
        if not self._inode or not self._is_made():
            with self._alone():
                self._make()
            self._inode = self._seen()
        connection = self._connected()
        try:
            connection.execute("PRAGMA cache_size = -32768")
            # Of a power cut only the last changes may be lost: whoever remembers waits for no disk.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
            connection.execute("PRAGMA journal_size_limit = 67108864")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=64
        )

    def _is_made(self) -> bool:
        connection = self._connected()
        try:
            return bool(connection.execute("PRAGMA user_version").fetchone()[0] == FORMAT)
        finally:
            connection.close()

    def _make(self) -> None:
        """The tables, in one transaction; nothing where they are there. Only for who is alone."""
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        if self._is_made():
            return
        connection = self._connected()
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            with writing(connection):
                for statement in _SCHEMA:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {FORMAT}")
        finally:
            connection.close()
        self._forget_older()

    def _forget_older(self) -> None:
        """Remove what no program of this format reads: it would lie there for good."""
        for older in range(1, FORMAT):
            name = self.path.name.replace(f".v{FORMAT}.", f".v{older}.")
            for file in self.path.parent.glob(f"{name}*"):
                file.unlink(missing_ok=True)

    def _seen(self) -> int:
        try:
            return self.path.stat().st_ino
        except FileNotFoundError:
            return 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time makes or replaces the file."""
        file = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            take_flock(file)
            yield
        finally:
            os.close(file)


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that writes: all of it or, after an error, nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything that is read is of one moment."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def impatient(connection: sqlite3.Connection) -> Iterator[None]:
    """Wait for other writers a second only."""
    connection.execute("PRAGMA busy_timeout = 1000")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_S * 1000)}")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors as ours."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreDown(
            f"the index of models {path} cannot be used: {error}",
            hint="it holds nothing that a Hub does not tell again; it may be deleted",
        ) from error


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is broken, and not only busy, full or out of reach."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF in (_CORRUPT, _NOT_A_DATABASE)
