"""What is said about a repository: the verbs of discussions that change no files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.hub_hosted import HostedHub
from weighbridge.adapters.receipts import Receipts
from weighbridge.bridge.repo_refs import Judges
from weighbridge.domain.access import AuditLine, Principal, Verb
from weighbridge.domain.discussion import (
    Discussion,
    DiscussionQuery,
    Event,
    EventKind,
    Status,
    checked_text,
    checked_title,
    require_change,
)
from weighbridge.domain.hosted import Repository
from weighbridge.domain.ref import RepoId
from weighbridge.errors import Conflict, NotFound, NotPermitted
from weighbridge.ports import BlobStore

PAGE = 50
_HIDDEN = "This comment has been hidden"
Allowed = Callable[[Principal, RepoId, Verb, str], Repository]


class Talks:
    """See ``bridge.discussions.Discussions``."""

    def __init__(
        self,
        allowed: Allowed,
        *,
        catalog: Catalog,
        blobs: BlobStore,
        hub: HostedHub,
        judging: Judges,
        receipts: Receipts,
        now: Callable[[], datetime],
        max_file_bytes: int = 0,
        forbidden: frozenset[str] = frozenset(),
    ) -> None:
        self._allowed, self._catalog, self._blobs = allowed, catalog, blobs
        self._hub, self._judging, self._receipts = hub, judging, receipts
        self._now, self._limit, self._forbidden = now, max_file_bytes, forbidden

    def listed(
        self, principal: Principal, repo: RepoId, query: DiscussionQuery, page: int = 0
    ) -> tuple[Repository, int, tuple[Discussion, ...]]:
        """How many discussions answer the query, and a page (of ``PAGE``, from 0) of them."""
        there = self._allowed(principal, repo, Verb.SEE, "")
        return there, *self._catalog.discussions(there.key, query, page * PAGE, PAGE)

    def comment(self, principal: Principal, repo: RepoId, number: int, text: str) -> Event:
        """Say something.

        Raises:
            Invalid: it is no text.
        """
        there = self._allowed(principal, repo, Verb.DISCUSS, "")
        found = self._found(there, number)
        event = self._event(principal, EventKind.COMMENT, checked_text(text))
        line = self._line(principal, "comment", there, found)
        self._catalog.change_discussion(found, found, [event], line)
        return event

    def edit(self, principal: Principal, repo: RepoId, number: int, event_id: str, text: str) -> Event:
        """Change one's own words.

        Raises:
            NotPermitted: they are somebody else's.
            Conflict: they were hidden.
        """
        there = self._allowed(principal, repo, Verb.DISCUSS, "")
        found, event = self._said(there, number, event_id)
        if event.author != principal.name:
            raise NotPermitted(f"only '{event.author}' may change these words")
        if event.hidden:
            raise Conflict("the comment was hidden and cannot be changed")
        after = replace(event, text=checked_text(text), edited=True)
        self._catalog.change_comment(found, after, self._line(principal, "edit", there, found))
        return after

    def hide(self, principal: Principal, repo: RepoId, number: int, event_id: str) -> Event:
        """Take words away for ever: its author's, or, by those who may write, anybody's."""
        there = self._allowed(principal, repo, Verb.SEE, "")
        found, event = self._said(there, number, event_id)
        self._allowed(principal, repo, Verb.REVISE, event.author)
        after = replace(event, text=_HIDDEN, hidden=True)
        self._catalog.change_comment(found, after, self._line(principal, "hide", there, found))
        return after

    def set_status(
        self, principal: Principal, repo: RepoId, number: int, status: Status, comment: str = ""
    ) -> Event:
        """Open or close a discussion, with a word if there is one.

        Raises:
            Invalid: the discussion cannot be brought into this state.
            Conflict: somebody else changed it meanwhile.
        """
        there, found = self._revisable(principal, repo, number)
        require_change(found, status)
        event = self._event(principal, EventKind.STATUS, status.value)
        self._catalog.change_discussion(
            found,
            replace(found, status=status),
            [*self._words(principal, comment), event],
            self._line(principal, status.value, there, found),
        )
        return event

    def rename(self, principal: Principal, repo: RepoId, number: int, title: str) -> Event:
        """Give a discussion another title.

        Raises:
            Invalid: it cannot be one.
        """
        there, found = self._revisable(principal, repo, number)
        title = checked_title(title)
        event = self._event(principal, EventKind.TITLE, title, before=found.title)
        line = self._line(principal, "rename", there, found)
        self._catalog.change_discussion(found, replace(found, title=title), [event], line)
        return event

    def _revisable(self, principal: Principal, repo: RepoId, number: int) -> tuple[Repository, Discussion]:
        there = self._allowed(principal, repo, Verb.SEE, "")
        found = self._found(there, number)
        self._allowed(principal, repo, Verb.REVISE, found.author)
        return there, found

    def _found(self, repository: Repository, number: int) -> Discussion:
        found = self._catalog.discussion(repository.key, number)
        if found is None:
            raise NotFound(f"'{repository.id}' has no discussion #{number}")
        return found

    def _said(self, repository: Repository, number: int, event_id: str) -> tuple[Discussion, Event]:
        found = self._found(repository, number)
        for event in self._catalog.events(found):
            if event.id == event_id and event.kind is EventKind.COMMENT:
                return found, event
        raise NotFound(f"discussion #{number} of '{repository.id}' has no such comment")

    def _words(self, principal: Principal, text: str) -> list[Event]:
        return [self._event(principal, EventKind.COMMENT, checked_text(text))] if text.strip() else []

    def _event(
        self, principal: Principal, kind: EventKind, text: str, *, before: str = "", commit: str = ""
    ) -> Event:
        return Event(
            id=uuid4().hex[:24],
            kind=kind,
            at=self._now(),
            author=principal.name,
            text=text,
            before=before,
            commit=commit,
        )

    def _line(
        self, principal: Principal, verb: str, repository: Repository, found: Discussion | None = None
    ) -> AuditLine:
        detail = f"#{found.number}" if found else ""
        target = repository.id.full_name
        return AuditLine(
            at=self._now(), by=principal.name, verb=f"discussion.{verb}", target=target, detail=detail
        )
