"""Learns the Hub's list of models, page by page, from where it was left; a page is learned whole or not.

The list is read by the date of the last change, newest first. A note that is written together with
each page says where to go on, so that a kill loses nothing; once the end was reached it says which
date was the newest, and the next walk stops there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, digest_of, text
from weighbridge.domain.model_entry import ModelEntry
from weighbridge.domain.repo_query import ListPage, RepoQuery, SortKey
from weighbridge.errors import BadListing, NotFound, RateLimited
from weighbridge.flows.listed import Finder, entries_of

PAGE = 1000
"""How many models are asked for at once: the most that the Hub gives."""
LONGEST_PAUSE_S = 900.0
"""A longer pause is not waited for; the Hub's own windows are of five minutes."""
LONGEST_WAIT_S = 3600.0
"""For one page no longer is waited, all pauses together."""
_LEAST_PAUSE_AT_LAST_S = 60.0
"""A Hub that refuses again and again and asks for shorter pauses is given longer ones, up to this."""
_MOST_IDLE = 10
"""So many pages in a row may bring what the walk has seen, or nothing; more are a circle."""
_SHOWN_EVERY = 10
_LOG = logging.getLogger(__name__)


class Memory(Protocol):
    """Where it is learned into. Every method raises StoreDown."""

    def put(
        self, entries: Iterable[ModelEntry], notes: Mapping[str, JsonObject | None] | None = None
    ) -> None:
        """Remember entries and notes: all or nothing."""

    def note(self, name: str) -> JsonObject | None:
        """What was noted under a name."""

    def refresh(self) -> None:
        """Make what was put findable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What to learn, and how. ``limit`` None: to the end, else so many or a page more. ``again``: all of it.

    ``pause`` waits for so many seconds, ``told`` is told the count after each page.
    """

    query: RepoQuery
    limit: int | None
    again: bool
    now: Callable[[], datetime]
    pause: Callable[[float], None]
    told: Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """How many entries came, in how many pages; whether the walk went on with an older one, and ended."""

    entries: int
    pages: int
    resumed: bool
    is_complete: bool

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "entries": self.entries,
            "pages": self.pages,
            "resumed": self.resumed,
            "complete": self.is_complete,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trail:
    """Where a walk is: the ``cursor`` of its next page, the ``newest`` date that it saw, and ``until``
    which date an earlier walk came by. Each is empty where there is none.
    """

    cursor: str = ""
    newest: str = ""
    until: str = ""

    @classmethod
    def read(cls, note: JsonObject) -> _Trail:
        return cls(**{key: text(note, key) or "" for key in ("cursor", "newest", "until")})

    def after(self, cursor: str | None, found: Iterable[ModelEntry], now: str) -> _Trail:
        """The trail behind a page; None: that was the last. A change that is still to come is none."""
        newest = self.newest or max((date for date in map(_date, found) if date <= now), default="")
        if cursor is None:
            return _Trail(until=max(newest, self.until))
        return replace(self, cursor=cursor, newest=newest)

    def to_json(self) -> JsonObject:
        return {"cursor": self.cursor, "newest": self.newest, "until": self.until}


def learn(walk: Walk, hub: Finder, memory: Memory) -> Learned:
    """Go on with a walk, or begin one; several that ask for different models do not disturb each other.

    Raises:
        RateLimited: the Hub asks for a pause that is too long; what came is kept.
        HubDown, Denied, BadListing: as the Hub says; what came is kept.
        StoreDown: it cannot be remembered.
    """
    query = replace(walk.query, sort=SortKey.LAST_MODIFIED)
    name = _name(query)
    trail = _Trail() if walk.again else _Trail.read(memory.note(name) or {})
    resumed, entries, pages, ended = bool(trail.cursor), 0, 0, False
    circle = _Circle()
    while not ended and (walk.limit is None or entries < walk.limit):
        try:
            page = _asked(walk, hub, query, trail.cursor or None)
        except (BadListing, NotFound, Invalid) as error:
            if not trail.cursor or pages:
                raise
            _LOG.warning("the Hub does not go on where the last walk was left (%s); it begins again", error)
            trail, resumed = replace(trail, cursor="", newest=""), False
            continue
        found = entries_of(page, walk.now())
        circle.came_by(found)
        fresh = [entry for entry in found if not _is_known(entry, trail.until)]
        ended = page.cursor is None or len(fresh) < len(found)
        trail = trail.after(page.cursor if not ended else None, found, _spelled(walk.now()))
        memory.put(fresh, notes={name: trail.to_json()})
        entries, pages = entries + len(fresh), pages + 1
        walk.told(entries)
        if pages % _SHOWN_EVERY == 0:
            memory.refresh()
    memory.refresh()
    return Learned(entries=entries, pages=pages, resumed=resumed, is_complete=ended)


class _Circle:
    """Notices a list that never ends: a Hub may lead on and on, without a new model."""

    def __init__(self) -> None:
        self._seen, self._idle = set[str](), 0

    def came_by(self, found: Sequence[ModelEntry]) -> None:
        """Note a page. Raises BadListing where too many in a row brought nothing new."""
        told = digest_of({"": [entry.repo.full_name for entry in found]})
        self._idle = self._idle + 1 if told in self._seen or not found else 0
        self._seen.add(told)
        if self._idle > _MOST_IDLE:
            raise BadListing("the Hub's list of models goes on without an end, and brings nothing new")


def _asked(walk: Walk, hub: Finder, query: RepoQuery, cursor: str | None) -> ListPage:
    """A page, after the pauses that the Hub asks for; they grow where it asks for none."""
    pauses, waited_s = 0, 0.0
    while True:
        try:
            return hub.find(query, cursor, limit=PAGE)
        except RateLimited as error:
            if error.retry_after_s is None or error.retry_after_s > LONGEST_PAUSE_S:
                raise
            pause_s = max(error.retry_after_s, min(2.0**pauses, _LEAST_PAUSE_AT_LAST_S))
            if waited_s + pause_s > LONGEST_WAIT_S:
                raise
            _LOG.warning("%s", error)
            walk.pause(pause_s)
            pauses, waited_s = pauses + 1, waited_s + pause_s


def _is_known(entry: ModelEntry, until: str) -> bool:
    """Whether an earlier walk came by after the last change; what changed in that very moment is taken."""
    date = _date(entry)
    return bool(until and date) and date < until


def _date(entry: ModelEntry) -> str:
    """As texts, dates of one zone and form are in the order of time."""
    return _spelled(entry.last_modified) if entry.last_modified else ""


def _spelled(date: datetime) -> str:
    return date.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def _name(query: RepoQuery) -> str:
    asked = {"author": query.author, "tags": sorted(query.tags), "pipeline": query.pipeline_tag}
    return f"walk-{digest_of({**asked, 'search': query.search})[:16]}"
