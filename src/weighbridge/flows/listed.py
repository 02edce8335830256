"""The models of a Hub's list that answer a question: page after page, each remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from weighbridge.domain.model_entry import Depth, ModelEntry
from weighbridge.domain.ref import RepoId
from weighbridge.domain.repo_query import ListPage, RepoQuery


class Finder(Protocol):
    """A Hub that can be searched."""

    def find(self, query: RepoQuery, cursor: str | None = None, *, limit: int = 1000) -> ListPage:
        """One page of the models that answer a query."""


def listed(
    query: RepoQuery,
    limit: int,
    hub: Finder,
    remember: Callable[[Iterable[ModelEntry]], None],
    now: Callable[[], datetime],
) -> tuple[ModelEntry, ...]:
    """The first ``limit`` models, as the Hub orders them, each once; ``remember`` is given each page.

    A row without a name of ours is passed over. A page that brings nothing new is the last.

    Raises:
        Unreachable, Denied, BadListing: as the Hub says; what came before is remembered.
    """
    found: dict[RepoId, ModelEntry] = {}
    cursor: str | None = None
    while True:
        page = hub.find(query, cursor, limit=limit - len(found))
        fresh = {row.repo: row for row in entries_of(page, now()) if row.repo not in found}
        remember(fresh.values())
        found |= fresh
        cursor = page.cursor
        if cursor is None or not fresh or len(found) >= limit:
            return tuple(found.values())[:limit]


def entries_of(page: ListPage, moment: datetime) -> list[ModelEntry]:
    """The models of a page that was read at a moment."""
    rows = (ModelEntry.from_hub_json(row, fetched_at=moment, depth=Depth.LISTED) for row in page.rows)
    return [row for row in rows if row is not None]
