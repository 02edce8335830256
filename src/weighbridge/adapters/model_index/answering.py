"""A page of a search: from the text table of its order, and for ``best`` from two questions to it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from functools import partial

from weighbridge.adapters.model_index.bodies import read
from weighbridge.adapters.model_index.terms import conditions_of, is_named
from weighbridge.adapters.model_index.text_tables import answers, id_of, question_of, rows
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.model_entry import ModelEntry
from weighbridge.domain.model_search import FoundModels, ModelSearch, ModelSort

Place = tuple[int, int]
"""Which of the questions a page goes on with, and behind which row."""
_START = (0, -1)
_BEST = ModelSort.DOWNLOADS.value
"""Among equals the most downloaded come first."""
_CURSOR = re.compile(r"([01])-([0-9]{1,19})")
_LONGEST_NAME = 193


def place_of(after: str | None) -> Place:
    """Where a page begins.

    Raises:
        Invalid: ``after`` was not given by a search.
    """
    if after is None:
        return _START
    found = _CURSOR.fullmatch(after)
    if not found or int(found[2]) >= 1 << 63:
        raise Invalid("page", after[:100], "was not given by a search", hint="begin with the first page")
    return int(found[1]), int(found[2])


def answered(connection: sqlite3.Connection, search: ModelSearch, place: Place) -> FoundModels:
    """The page that begins at a place."""
    conditions, named = conditions_of(search)
    if search.sort is not ModelSort.BEST or not named:
        order = ModelSort.DOWNLOADS if search.sort is ModelSort.BEST else search.sort
        every = question_of(connection, order.value, conditions)
        listed = rows(connection, order.value, every, after=place[1], limit=search.limit + 1)
        return _page(connection, [(0, row) for row in listed], search.limit)
    every = question_of(connection, _BEST, conditions)
    exact = _exact(connection, every, search.text)
    by_best = _first if place == _START else partial(_following, place=place)
    by_name, others = by_best(connection, search, every, named)
    found = [*((0, row) for row in by_name), *((1, row) for row in others)]
    found = [spot for spot in found if id_of(spot[1]) != exact]
    first = [exact] if exact is not None and place == _START else []
    return _page(connection, found, search.limit - len(first), first)


def _first(
    connection: sqlite3.Connection, search: ModelSearch, every: str, named: Sequence[str]
) -> tuple[Sequence[int], Sequence[int]]:
    """What answers by its name, then what answers at all: two more than fit, where there are so many.

    No list is walked twice: as far as a page of all that answer, and behind these for names only.
    """
    limit = search.limit + 2
    listed = rows(connection, _BEST, every, after=-1, limit=limit)
    by_name = [row for row in listed if is_named(_name(connection, row), search)]
    known = set(by_name)
    others = [row for row in listed if row not in known]
    if others and len(listed) == limit:
        question = question_of(connection, _BEST, named)
        by_name += rows(connection, _BEST, question, after=listed[-1], limit=len(others))
    return by_name, others[: limit - len(by_name)]


def _following(
    connection: sqlite3.Connection, search: ModelSearch, every: str, named: Sequence[str], place: Place
) -> tuple[Sequence[int], Sequence[int]]:
    """The same behind a place."""
    limit, (stage, after) = search.limit + 2, place
    question = question_of(connection, _BEST, named)
    by_name = [] if stage else rows(connection, _BEST, question, after=after, limit=limit)
    behind, left = after if stage else -1, limit - len(by_name)
    others = rows(connection, _BEST, f"({every}) NOT ({question})", after=behind, limit=left) if left else []
    return by_name, others


def _name(connection: sqlite3.Connection, row: int) -> str:
    found = connection.execute("SELECT key FROM entries WHERE id = ?", (id_of(row),)).fetchone()
    return str(found[0]) if found else ""


def _page(
    connection: sqlite3.Connection, found: Sequence[Place], limit: int, first: Sequence[int] = ()
) -> FoundModels:
    page = found[:limit]
    stage, row = page[-1] if page else (0, 0)
    ids = [*first, *(id_of(row) for _, row in page)]
    return FoundModels(
        entries=tuple(_entries(connection, ids)), next=f"{stage}-{row}" if len(found) > limit else None
    )


def _exact(connection: sqlite3.Connection, question: str, text: str) -> int | None:
    """The model of just this name, if it answers."""
    name = text.strip().lower()
    if not name.isascii() or len(name) > _LONGEST_NAME:
        return None
    found = connection.execute("SELECT id, body FROM entries WHERE key = ?", (name,)).fetchone()
    entry = read(found[1]) if found else None
    if entry is None:
        return None
    id: int = found[0]
    return id if answers(connection, _BEST, question, id, entry) else None


def _entries(connection: sqlite3.Connection, ids: Sequence[int]) -> Iterator[ModelEntry]:
    for id in ids:
        found = connection.execute("SELECT body FROM entries WHERE id = ?", (id,)).fetchone()
        if found and (entry := read(found[0])):
            yield entry
