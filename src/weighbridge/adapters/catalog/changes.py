"""Whether anything was committed since, by this process or another one, without asking a table."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from sqlite3 import Connection as SqliteConnection
from sqlite3 import Error as SqliteError
from typing import cast

from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError

from weighbridge.adapters.catalog.database import Database


class Changes(Database):
    """A connection of its own that never writes: every commit changes the version that it sees.

    SQLite counts commits for each reader (``PRAGMA data_version``; four microseconds). PostgreSQL
    and a database in memory do not tell, so there nothing is watched.
    """

    def __init__(self, engine: Engine, *, quota_bytes: int = 0) -> None:
        super().__init__(engine, quota_bytes=quota_bytes)
        self._watching: PoolProxiedConnection | None = None
        self._watch_guard = threading.Lock()
        in_memory = engine.url.database in (None, "", ":memory:")
        self._watchable = engine.url.get_backend_name() == "sqlite" and not in_memory

    def watch(self) -> Callable[[], bool] | None:
        """Tells, each time it is called, whether the database is as it was; None: cannot tell."""
        seen = self._version()
        if seen is None:
            return None
        return lambda: self._version() == seen

    def close(self) -> None:
        """See ``Database.close``; nothing is watched from then on."""
        with self._watch_guard:
            self._watchable = False
            if self._watching is not None:
                self._watching.close()
                self._watching = None
        super().close()

    def _version(self) -> int | None:
        # a failure is no news here: whoever asks the catalogue itself then is told
        with self._watch_guard, suppress(SqliteError, SQLAlchemyError):
            if self._watchable:
                self._watching = self._watching or self._engine.raw_connection()
                connection = cast("SqliteConnection", self._watching.driver_connection)
                return cast("int", connection.execute("PRAGMA data_version").fetchone()[0])
        return None
