"""The index's methods over its file."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from weighbridge.adapters.model_index.answering import answered, place_of
from weighbridge.adapters.model_index.bodies import read, written
from weighbridge.adapters.model_index.shelf import (
    FORMAT,
    Shelf,
    impatient,
    is_damage,
    reading,
    translated,
    writing,
)
from weighbridge.adapters.model_index.text_tables import (
    forget_all,
    is_shown_otherwise,
    pack,
    refresh,
)
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.model_entry import ModelEntry
from weighbridge.domain.model_search import FoundModels, ModelSearch
from weighbridge.domain.ref import RepoId

DEFAULT_LARGEST_BYTES = 5 * 1000**3
_LOOKED_AFTER = 64
"""After so many changes the size is looked at."""
_KEPT_OF_LIMIT = 0.9
_CHUNK = 500
_T = TypeVar("_T")
_STALE = "INSERT OR IGNORE INTO stale VALUES (?, ?)"
"""The text tables do not show an entry as it is now, but as the body that is given, or not at all.

Where a row stands already, it says what they show, whatever came between.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStatus:
    """What an index holds. ``stale`` entries are not yet found by a search; the next one shows them."""

    path: Path
    entries: int
    stale: int
    size_bytes: int
    oldest: datetime | None
    newest: datetime | None


class ModelIndex:
    """What is known of the models of one Hub; safe for threads and processes.

    An entry that is too old is given like any other: whoever asks decides. Every method raises
    StoreDown where the file cannot be used. A file that is damaged is set aside and begun anew.
    """

    def __init__(self, folder: Path, endpoint: str, *, largest_bytes: int = DEFAULT_LARGEST_BYTES) -> None:
        """Nothing is opened yet."""
        host = re.sub(r"[^a-z0-9.]+", "-", (urlsplit(endpoint).netloc or "hub").lower())[:60]
        digest = sha256(endpoint.rstrip("/").encode()).hexdigest()[:12]
        self.path = folder / f"{host}-{digest}.v{FORMAT}.sqlite3"
        self._largest_bytes, self._changes = largest_bytes, 0
        self._shelf: Shelf | None = None
        self._guard = threading.RLock()

    def get(self, repo: RepoId) -> ModelEntry | None:
        """What is known of a repository, however old."""

        def look(connection: sqlite3.Connection) -> ModelEntry | None:
            asked = "SELECT body FROM entries WHERE key = ?"
            found = connection.execute(asked, (_key(repo),)).fetchone()
            return read(found[0]) if found else None

        return self._tried(look)

    def put(
        self, entries: Iterable[ModelEntry], notes: Mapping[str, JsonObject | None] | None = None
    ) -> None:
        """Remember entries, each merged into what is known, and notes (None: forgotten): all or nothing."""
        chosen, noted = tuple(entries), notes or {}

        def write(connection: sqlite3.Connection) -> None:
            with writing(connection):
                for entry in chosen:
                    _put(connection, entry)
                for name, value in noted.items():
                    _note(connection, name, value)
            self._changes += len(chosen)
            if self._changes >= _LOOKED_AFTER:
                self._changes = 0
                _trim(connection, self._largest_bytes)

        self._tried(write)

    def remove(self, repo: RepoId) -> None:
        """Forget a repository; nothing where it is not known."""

        def write(connection: sqlite3.Connection) -> None:
            with writing(connection):
                gone = connection.execute(
                    "DELETE FROM entries WHERE key = ? RETURNING id, body", (_key(repo),)
                )
                connection.executemany(_STALE, gone.fetchall())

        self._tried(write)

    def clear(self) -> None:
        """Forget everything, notes too."""

        def write(connection: sqlite3.Connection) -> None:
            with writing(connection):
                connection.execute("DELETE FROM entries")
                connection.execute("DELETE FROM notes")
                forget_all(connection)

        self._tried(write)

    def all(self) -> Iterator[ModelEntry]:
        """Every entry, some hundred at a time; what is written meanwhile may be among them or not."""
        last = 0
        while chunk := self._tried(partial(_chunk, since=last)):
            last = chunk[-1][0]
            yield from (entry for _, body in chunk if (entry := read(body)))

    def search(self, search: ModelSearch) -> FoundModels:
        """A page of what answers, in the order that is asked for; the whole index is searched.

        Raises:
            Invalid: ``after`` was not given by an index.
        """
        place = place_of(search.after)

        def look(connection: sqlite3.Connection) -> FoundModels:
            with suppress(sqlite3.OperationalError), impatient(connection):
                refresh(connection)  # not while somebody else writes at length: then what is shown counts
            with reading(connection):
                return answered(connection, search, place)

        return self._tried(look)

    def refresh(self) -> None:
        """Make everything that was put findable now, so that no search need do it."""
        self._tried(refresh)

    def note(self, name: str) -> JsonObject | None:
        """What was noted under a name."""

        def look(connection: sqlite3.Connection) -> JsonObject | None:
            found = connection.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
            try:
                value = json.loads(found[0]) if found else None
            except (ValueError, RecursionError):
                return None
            return value if isinstance(value, dict) else None

        return self._tried(look)

    def status(self) -> IndexStatus:
        """What is held."""

        def look(connection: sqlite3.Connection) -> IndexStatus:
            asked = "SELECT count(*), min(fetched_at), max(fetched_at) FROM entries"
            count, oldest, newest = connection.execute(asked).fetchone()
            stale = connection.execute("SELECT count(*) FROM stale").fetchone()[0]
            return IndexStatus(
                path=self.path,
                entries=count,
                stale=stale,
                size_bytes=_used_bytes(connection),
                oldest=_moment(oldest),
                newest=_moment(newest),
            )

        return self._tried(look)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._guard, translated(self.path):
            if self._shelf is not None:
                self._shelf.close()
                self._shelf = None

    def _tried(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._guard, translated(self.path):
            if self._shelf is not None and not self._shelf.is_there():
                self._shelf.close()
                self._shelf = None
            self._shelf = shelf = self._shelf or Shelf(self.path)
            try:
                return work(shelf.connection)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                shelf.renew(error)
                return work(shelf.connection)


def _key(repo: RepoId) -> str:
    return repo.full_name.lower()


def _put(connection: sqlite3.Connection, entry: ModelEntry) -> None:
    key = _key(entry.repo)
    known = connection.execute("SELECT id, body FROM entries WHERE key = ?", (key,)).fetchone()
    if known is None:
        new = (key, int(entry.fetched_at.timestamp()), written(entry))
        added = connection.execute("INSERT INTO entries (key, fetched_at, body) VALUES (?, ?, ?)", new)
        connection.execute(_STALE, (added.lastrowid, None))
        return
    older = read(known[1])
    merged = entry.merged(older) if older else entry
    changed = (int(merged.fetched_at.timestamp()), written(merged), known[0])
    connection.execute("UPDATE entries SET fetched_at = ?, body = ? WHERE id = ?", changed)
    if older is None or is_shown_otherwise(older, merged):
        connection.execute(_STALE, known)


def _note(connection: sqlite3.Connection, name: str, value: JsonObject | None) -> None:
    if value is None:
        connection.execute("DELETE FROM notes WHERE name = ?", (name,))
    else:
        connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, json.dumps(value)))


def _chunk(connection: sqlite3.Connection, since: int) -> list[tuple[int, bytes]]:
    asked = "SELECT id, body FROM entries WHERE id > ? ORDER BY id LIMIT ?"
    return connection.execute(asked, (since, _CHUNK)).fetchall()


def _moment(seconds: object) -> datetime | None:
    """A date that was kept; None where there is none, or where somebody else wrote there."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
    except (OverflowError, ValueError, OSError):
        return None


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _trim(connection: sqlite3.Connection, largest_bytes: int) -> None:
    """Where the file is too large, the entries that were fetched longest ago go, and what shows them."""
    used = _used_bytes(connection)
    if used <= largest_bytes:
        return
    refresh(connection)
    with writing(connection):
        (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
        going = max(1, count - int(count * largest_bytes * _KEPT_OF_LIMIT / used))
        gone = connection.execute(
            "DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY fetched_at, id LIMIT ?)"
            " RETURNING id, body",
            (going,),
        )
        connection.executemany(_STALE, gone)
    refresh(connection)
    pack(connection)
