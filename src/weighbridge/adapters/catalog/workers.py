"""Processes that work on jobs, and which of them live."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.job_tables import WORKERS


class Workers(Database):
    """Heartbeats. On PostgreSQL its clock counts, since those of several machines differ."""

    def beat(self, id: str, host: str, pid: int, at: datetime) -> None:
        """This worker lives."""
        with self._writing() as connection:
            now = _clock(connection, at)
            changed = connection.execute(update(WORKERS).where(WORKERS.c.id == id).values(beat_at=now))
            if changed.rowcount == 0:
                values = {"id": id, "host": host, "pid": pid, "started_at": now, "beat_at": now}
                connection.execute(WORKERS.insert().values(values))

    def living_workers(self, silent_s: float, at: datetime) -> frozenset[str]:
        """Those that have beaten within so many seconds."""
        with self._reading() as connection:
            last = _clock(connection, at) - timedelta(seconds=silent_s)
            query = select(WORKERS.c.id).where(WORKERS.c.beat_at >= last)
            return frozenset(connection.execute(query).scalars())

    def forget_worker(self, id: str) -> None:
        """It ended, or is dead."""
        with self._writing() as connection:
            connection.execute(delete(WORKERS).where(WORKERS.c.id == id))


def _clock(connection: Connection, at: datetime) -> datetime:
    if connection.dialect.name != "postgresql":
        return at
    found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return found
