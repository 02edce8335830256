"""Failed log-ins in the catalogue, so that all servers of a registry count together.

A row without a failure says from where somebody logged in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    String,
    Table,
    delete,
    func,
    select,
    update,
)

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.tables import METADATA, UtcDateTime
from weighbridge.domain.access import AuditLine

TRIES = Table(
    "tries",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
)
Index("tries_by_age", TRIES.c.last_at)

_FAILED = TRIES.c.failures > 0

MOST = 10_000
"""How many of each sort are remembered; of more the oldest are forgotten."""


class Tries(Database):
    """Who failed how often in a row, by a key that says nothing of the name behind it."""

    def failures(self, keys: Collection[str]) -> Mapping[str, tuple[int, datetime]]:
        """How often each of the keys failed in a row, and when last; those that did."""
        query = select(TRIES).where(TRIES.c.key.in_(keys))
        with self._reading() as connection:
            return {row.key: (row.failures, row.last_at) for row in connection.execute(query)}

    def failed(self, keys: Sequence[str], audit: AuditLine, forgotten: datetime) -> None:
        """One more failure of each key; what failed last before ``forgotten`` counts no more."""
        with self._writing() as connection:
            connection.execute(delete(TRIES).where(TRIES.c.last_at < forgotten, _FAILED))
            for key in keys:
                mine = update(TRIES).where(TRIES.c.key == key)
                if not connection.execute(
                    mine.values(failures=TRIES.c.failures + 1, last_at=audit.at)
                ).rowcount:
                    connection.execute(TRIES.insert().values(key=key, failures=1, last_at=audit.at))
            _keep_few(connection, _FAILED)
            record(connection, audit)

    def succeeded(self, key: str) -> None:
        """Its failures are forgotten."""
        with self._writing() as connection:
            connection.execute(delete(TRIES).where(TRIES.c.key == key))

    def welcome(self, key: str, at: datetime, forgotten: datetime) -> None:
        """Remember a key without a failure; those of before ``forgotten`` are forgotten."""
        with self._writing() as connection:
            connection.execute(delete(TRIES).where(TRIES.c.last_at < forgotten, ~_FAILED))
            connection.execute(delete(TRIES).where(TRIES.c.key == key))
            connection.execute(TRIES.insert().values(key=key, failures=0, last_at=at))
            _keep_few(connection, ~_FAILED)


def _keep_few(connection: Connection, sort: ColumnElement[bool]) -> None:
    """Of each sort by itself: whoever fails with many names drives no log-in out."""
    more = (connection.execute(select(func.count()).select_from(TRIES).where(sort)).scalar() or 0) - MOST
    if more > 0:
        oldest = select(TRIES.c.key).where(sort).order_by(TRIES.c.last_at).limit(more)
        connection.execute(delete(TRIES).where(TRIES.c.key.in_(oldest.scalar_subquery())))
