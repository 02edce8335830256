"""The whole catalogue as JSON lines, one for each row, the same from every kind of database.

    {"table": "users", "row": {"name": "ada", ...}}

Objects keep the order of their keys: what is shown of a package must not change. Times are ISO 8601
in UTC. Which processes work, who failed to log in lately, and which zips lie in a bucket is not part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, Date, Table, func, inspect, select, text

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database, engine_for, translated
from weighbridge.adapters.catalog.job_tables import WORKERS
from weighbridge.adapters.catalog.migrate import HEAD, remake, upgrade_to
from weighbridge.adapters.catalog.tables import METADATA, UtcDateTime
from weighbridge.adapters.catalog.tries import TRIES
from weighbridge.adapters.catalog.zips import PACKAGE_ZIPS
from weighbridge.domain.access import AuditLine
from weighbridge.domain.invalid import Invalid
from weighbridge.errors import Conflict

_AT_ONCE = 500


class Whole(Database):
    """Reads every row."""

    def dump(self, out: BinaryIO) -> str:
        """Write every row of one consistent view; gives the step of the tables (see ``migrate``)."""
        with self._reading() as connection:
            for table in _tables():
                query = select(table).order_by(*table.primary_key.columns)
                for row in connection.execute(query.execution_options(yield_per=_AT_ONCE)):
                    values = {name: _plain(value) for name, value in row._mapping.items()}
                    line = {"table": table.name, "row": values}
                    out.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        return HEAD


def require_empty(place: str | Path) -> None:
    """Nothing, if nobody ever used this database.

    Raises:
        Conflict: it holds rows.
        StoreDown: it does not answer.
    """
    engine = engine_for(place)
    try:
        with translated(engine.url), engine.begin() as connection:
            _require_empty(connection)
    finally:
        engine.dispose()


def fill(place: str | Path, step: str, lines: Iterable[bytes], audit: AuditLine) -> int:
    """Make an empty database hold these rows, all of them or none; how many.

    The tables are made as they were at ``step``, filled, and brought up to date; ``audit`` tells of it.

    Raises:
        Conflict: it holds rows.
        Invalid: a line is no row, or belongs to another step; nothing changed.
        StoreDown: it does not answer, or the back-up is of a newer Weighbridge.
    """
    engine = engine_for(place)
    try:
        with translated(engine.url), engine.execution_options(writes=True).begin() as connection:
            _require_empty(connection)
            remake(connection, step)
            count = _fill(connection, lines)
            if connection.dialect.name == "postgresql":
                _count_on(connection)
            upgrade_to(connection, "head")
            record(connection, audit)
            return count
    finally:
        engine.dispose()


def _tables() -> list[Table]:
    return [table for table in METADATA.sorted_tables if table not in (WORKERS, TRIES, PACKAGE_ZIPS)]


def _require_empty(connection: Connection) -> None:
    there = set(inspect(connection).get_table_names())
    for table in _tables():
        if table.name in there and connection.execute(select(text("1")).select_from(table).limit(1)).first():
            raise Conflict(
                f"the catalogue is in use: it has {table.name}",
                hint="restore into a new WEIGHBRIDGE_HOME, or an empty database",
            )


def _fill(connection: Connection, lines: Iterable[bytes]) -> int:
    count, waiting = 0, list[dict[str, object]]()
    current: Table | None = None
    for table, row in _rows(lines):
        if current is not None and (table is not current or len(waiting) >= _AT_ONCE):
            connection.execute(current.insert(), waiting)
            waiting = []
        current = table
        waiting.append(row)
        count += 1
    if current is not None:
        connection.execute(current.insert(), waiting)
    return count


def _rows(lines: Iterable[bytes]) -> Iterator[tuple[Table, dict[str, object]]]:
    tables = {table.name: table for table in _tables()}
    for line in lines:
        try:
            source = json.loads(line)
            table, row = tables[source["table"]], source["row"]
            yield table, {name: _typed(table, name, value) for name, value in row.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Invalid("row", line[:20].decode("ascii", "replace"), "is no row of a catalogue") from error


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value  # a datetime is a date too


def _typed(table: Table, name: str, value: object) -> object:
    kind = table.columns[name].type
    if isinstance(value, str) and isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(value, str) and isinstance(kind, Date):
        return date.fromisoformat(value)
    return value


def _count_on(connection: Connection) -> None:
    """Rows that come later get numbers behind those that were restored."""
    for table in _tables():
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = connection.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar()
        last = connection.execute(select(func.max(column))).scalar()
        if sequence and last is not None:
            connection.execute(select(func.setval(sequence, last)))
