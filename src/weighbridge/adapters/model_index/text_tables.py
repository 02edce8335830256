"""The text tables: what they show of the entries, and the first results of a question.

A row of a text table has the number ``(greatest - value) << 28 | id``. FTS5 keeps the rows of
every term in the order of these numbers and walks the lists of several terms side by side, so the
first results come without looking at the rest, and no result is ever sorted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import attrgetter

from weighbridge.adapters.model_index.bodies import read
from weighbridge.adapters.model_index.shelf import ORDERS, writing
from weighbridge.adapters.model_index.terms import terms_of
from weighbridge.domain.model_entry import ModelEntry

_ID_BITS = 28
_GREATEST = (1 << 35) - 1
_BATCH = 20_000
_TREND_STEPS = 1000
_MOST_NESTED = 16
"""FTS5 takes no question that is nested too deeply."""
_NOTHING = '"0"'
"""No term: each begins with a letter for its kind."""
_SHOWN = attrgetter(
    *("downloads", "likes", "trending", "last_modified", "author"),
    *("tags", "pipeline_tag", "library", "licence", "card"),
)
"""What rows and terms are made of, but for the name, which stays."""
_Change = tuple[int, str | None, str]
"""A row, ``delete`` or nothing, and its terms."""


def refresh(connection: sqlite3.Connection) -> None:
    """Bring the text tables up to date, some thousand entries in a transaction."""
    while connection.execute("SELECT 1 FROM stale LIMIT 1").fetchone():
        with writing(connection):
            _refresh_some(connection)


def question_of(connection: sqlite3.Connection, order: str, conditions: Sequence[str]) -> str:
    """A question for what fulfils all conditions of ``terms``, put so that it is soon answered.

    FTS5 moves along the lists of all parts of an AND whenever one of them moves. So the rarest two come
    together first, and only where they agree the next list is looked at. What is a NOT of nothing
    keeps FTS5 from making one AND of all.
    """
    if len(conditions) < 2:
        return conditions[0]
    first, *others = sorted(conditions, key=lambda each: _rarity(connection, order, each), reverse=True)
    for each in others[:_MOST_NESTED]:
        first = f"(({first} AND {each}) NOT {_NOTHING})"
    return " AND ".join((first, *others[_MOST_NESTED:]))


def rows(connection: sqlite3.Connection, order: str, question: str, *, after: int, limit: int) -> list[int]:
    """The numbers of the first rows behind ``after`` that answer a question of ``terms``."""
    asked = f"SELECT rowid FROM by_{order} WHERE by_{order} MATCH ? AND rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608
    return [row for (row,) in connection.execute(asked, (question, after, limit))]


def answers(connection: sqlite3.Connection, order: str, question: str, id: int, entry: ModelEntry) -> bool:
    """Whether one entry answers a question."""
    row = _rows(id, entry)[ORDERS.index(order)]
    asked = f"SELECT 1 FROM by_{order} WHERE by_{order} MATCH ? AND rowid = ?"  # noqa: S608
    return connection.execute(asked, (question, row)).fetchone() is not None


def forget_all(connection: sqlite3.Connection) -> None:
    """Empty the text tables, in the transaction that removes all entries."""
    connection.execute("DELETE FROM stale")
    for order in ORDERS:
        connection.execute(f"INSERT INTO by_{order} (by_{order}) VALUES ('delete-all')")  # noqa: S608


def id_of(row: int) -> int:
    """Which entry a row shows."""
    return row & ((1 << _ID_BITS) - 1)


def pack(connection: sqlite3.Connection) -> None:
    """Free the room of what was removed: FTS5 does so only when it merges what was written."""
    for order in ORDERS:
        connection.execute(f"INSERT INTO by_{order} (by_{order}) VALUES ('optimize')")  # noqa: S608


def is_shown_otherwise(older: ModelEntry, newer: ModelEntry) -> bool:
    """Whether the text tables have another row or other terms for the newer entry."""
    return bool(_SHOWN(older) != _SHOWN(newer))


def _rarity(connection: sqlite3.Connection, order: str, condition: str) -> int:
    """Where in the order the 64th row stands that fulfils it: the further behind, the fewer there are."""
    asked = f"SELECT rowid FROM by_{order} WHERE by_{order} MATCH ? ORDER BY rowid LIMIT 1 OFFSET 63"  # noqa: S608
    found = connection.execute(asked, (condition,)).fetchone()
    return found[0] if found else 1 << 63


def _refresh_some(connection: sqlite3.Connection) -> None:
    """The text tables of the first stale entries. FTS5 wants the rows of a transaction in their order."""
    found = connection.execute(
        "SELECT stale.id, stale.shown, entries.body FROM stale LEFT JOIN entries ON entries.id = stale.id"
        " ORDER BY stale.id LIMIT ?",
        (_BATCH,),
    ).fetchall()
    changes: list[list[_Change]] = [[] for _ in ORDERS]
    for id, shown, body in found:
        before, after = _shown(id, shown), _shown(id, body)
        for change, old, new in zip(changes, before, after, strict=True):
            if old == new:
                continue
            if old:
                change.append((old[0], "delete", old[1]))
            if new:
                change.append((new[0], None, new[1]))
    for order, change in zip(ORDERS, changes, strict=True):
        change.sort(key=_in_order)
        statement = f"INSERT INTO by_{order} (rowid, by_{order}, terms) VALUES (?, ?, ?)"  # noqa: S608
        connection.executemany(statement, change)
    connection.execute("DELETE FROM stale WHERE id <= ?", (found[-1][0],))


def _shown(id: int, body: object) -> Sequence[tuple[int, str] | None]:
    """The row and the terms that a text table has of an entry, for each of ``ORDERS``; None: it has none."""
    entry = read(body)
    if entry is None:
        return [None for _ in ORDERS]
    terms = terms_of(entry)
    return [(row, terms) for row in _rows(id, entry)]


def _in_order(change: _Change) -> tuple[int, bool]:
    return change[0], change[1] is None


def _rows(id: int, entry: ModelEntry) -> Sequence[int]:
    """The number of the entry's row in each of ``ORDERS``."""
    return [(_GREATEST - max(0, min(value, _GREATEST))) << _ID_BITS | id for value in _measured(entry)]


def _measured(entry: ModelEntry) -> Iterator[int]:
    yield entry.downloads or 0
    yield entry.likes or 0
    yield int(max(0.0, min(entry.trending or 0.0, float(_GREATEST))) * _TREND_STEPS)
    yield _seconds(entry.last_modified)


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0
