"""Discussions and pull requests in the catalogue; the head of a pull request is a ref like others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, update

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.commits import Commits
from weighbridge.adapters.catalog.refs import RefKind, move_ref, ref_values
from weighbridge.adapters.catalog.repo_tables import DISCUSSION_EVENTS, DISCUSSIONS, REFS
from weighbridge.domain.access import AuditLine
from weighbridge.domain.discussion import Discussion, DiscussionQuery, Event, EventKind, Status
from weighbridge.domain.hosted import DEFAULT_BRANCH, Repository, Revision
from weighbridge.errors import Conflict


class Discussions(Commits):
    """What is said about a repository, and what is proposed to it."""

    def open_discussion(
        self,
        repository: Repository,
        discussion: Discussion,
        events: Sequence[Event],
        audit: AuditLine,
        first: Revision | None = None,
        payer: str = "",
    ) -> Discussion:
        """Begin a discussion and give it its number; a pull request's ref is at ``first`` or its base.

        What ``first`` brings counts for the namespace ``payer``.

        Raises:
            OverQuota: which has no room for it.
        """
        newest = select(func.max(DISCUSSIONS.c.number)).where(DISCUSSIONS.c.repository == repository.key)
        with self._writing() as connection:
            made = replace(discussion, number=(connection.execute(newest).scalar() or 0) + 1)
            connection.execute(DISCUSSIONS.insert().values(_values(made)))
            if first is not None:
                self._add_commit(connection, repository, first, payer)
            if made.is_pull:
                head = first.commit.id if first else made.base
                connection.execute(
                    REFS.insert().values(ref_values(repository.key, RefKind.PULL, made.ref, head))
                )
            for event in events:
                _add(connection, made, event)
            record(connection, replace(audit, detail=f"#{made.number}"))
        return made

    def discussion(self, key: str, number: int) -> Discussion | None:
        """A discussion of the repository with this key, or None."""
        with self._reading() as connection:
            row = connection.execute(select(DISCUSSIONS).where(_of(key, number))).first()
        return None if row is None else _discussion(row)

    def discussions(
        self, key: str, query: DiscussionQuery, start: int = 0, limit: int = 50
    ) -> tuple[int, tuple[Discussion, ...]]:
        """How many there are, and a page of them, newest first."""
        wanted = [DISCUSSIONS.c.repository == key]
        if query.pulls is not None:
            wanted.append(DISCUSSIONS.c.base != "" if query.pulls else DISCUSSIONS.c.base == "")
        if query.statuses:
            wanted.append(DISCUSSIONS.c.status.in_([each.value for each in query.statuses]))
        if query.author:
            wanted.append(DISCUSSIONS.c.author == query.author)
        count = select(func.count()).select_from(DISCUSSIONS).where(*wanted)
        page = select(DISCUSSIONS).where(*wanted).order_by(DISCUSSIONS.c.number.desc())
        with self._reading() as connection:
            total = connection.execute(count).scalar() or 0
            rows = connection.execute(page.offset(start).limit(limit))
            return total, tuple(map(_discussion, rows))

    def events(self, discussion: Discussion) -> tuple[Event, ...]:
        """Everything that happened in it, in order."""
        query = select(DISCUSSION_EVENTS).where(_events(discussion)).order_by(DISCUSSION_EVENTS.c.position)
        with self._reading() as connection:
            return tuple(map(_event, connection.execute(query)))

    def pulls_by(self, key: str, author: str) -> tuple[Discussion, ...]:
        """The pull requests that somebody opened."""
        mine = and_(DISCUSSIONS.c.repository == key, DISCUSSIONS.c.author == author, DISCUSSIONS.c.base != "")
        with self._reading() as connection:
            return tuple(map(_discussion, connection.execute(select(DISCUSSIONS).where(mine))))

    def change_discussion(
        self, before: Discussion, after: Discussion, events: Sequence[Event], audit: AuditLine
    ) -> None:
        """Add events, and change what they change.

        Raises:
            Conflict: somebody changed the title or the status meanwhile.
        """
        with self._writing() as connection:
            _change(connection, before, after)
            for event in events:
                _add(connection, after, event)
            record(connection, audit)

    def change_comment(self, discussion: Discussion, event: Event, audit: AuditLine) -> None:
        """Put other words in the place of a comment's."""
        values = {"text": event.text, "edited": event.edited, "hidden": event.hidden}
        there = and_(_events(discussion), DISCUSSION_EVENTS.c.id == event.id)
        with self._writing() as connection:
            connection.execute(update(DISCUSSION_EVENTS).where(there).values(values))
            record(connection, audit)

    def add_to_pull(
        self,
        repository: Repository,
        discussion: Discussion,
        revision: Revision,
        event: Event,
        audit: AuditLine,
        payer: str = "",
    ) -> None:
        """Put a commit on a pull request that is still at the commit's parent.

        Raises:
            StaleParent: somebody was faster.
            Conflict: the pull request was merged or closed meanwhile.
            OverQuota: the namespace ``payer`` has no room for what it brings.
        """
        with self._writing() as connection:
            _change(connection, discussion, discussion)
            parent = revision.commit.parents[0]
            move_ref(connection, repository, RefKind.PULL, discussion.ref, parent, revision.commit.id)
            self._add_commit(connection, repository, revision, payer)
            _add(connection, discussion, event)
            record(connection, audit)

    def merge_pull(
        self,
        repository: Repository,
        discussion: Discussion,
        head: str,
        revision: Revision,
        events: Sequence[Event],
        audit: AuditLine,
    ) -> None:
        """Put the merge on main, if that is still at the commit's parent and the request at ``head``.

        Raises:
            StaleParent: a branch has moved.
            Conflict: the pull request was merged or closed meanwhile.
            OverQuota: the repository's namespace has no room for what it brings.
        """
        merged = replace(discussion, status=Status.MERGED, merged_as=revision.commit.id)
        with self._writing() as connection:
            _change(connection, discussion, merged)
            move_ref(connection, repository, RefKind.PULL, discussion.ref, head, head)
            parent = revision.commit.parents[0]
            move_ref(connection, repository, RefKind.BRANCH, DEFAULT_BRANCH, parent, revision.commit.id)
            self._add_commit(connection, repository, revision)
            for event in events:
                _add(connection, merged, event)
            record(connection, audit)


def _change(connection: Connection, before: Discussion, after: Discussion) -> None:
    same = and_(
        _of(before.repository, before.number),
        DISCUSSIONS.c.status == before.status.value,
        DISCUSSIONS.c.title == before.title,
    )
    values = {"status": after.status.value, "title": after.title, "merged_as": after.merged_as}
    if connection.execute(update(DISCUSSIONS).where(same).values(values)).rowcount != 1:
        raise Conflict(f"discussion #{before.number} was changed meanwhile", hint="look at it again")


def _of(key: str, number: int) -> ColumnElement[bool]:
    return and_(DISCUSSIONS.c.repository == key, DISCUSSIONS.c.number == number)


def _events(discussion: Discussion) -> ColumnElement[bool]:
    columns = DISCUSSION_EVENTS.c
    return and_(columns.repository == discussion.repository, columns.number == discussion.number)


def _values(discussion: Discussion) -> dict[str, object]:
    return {
        "repository": discussion.repository,
        "number": discussion.number,
        "title": discussion.title,
        "status": discussion.status.value,
        "author": discussion.author,
        "created_at": discussion.created_at,
        "base": discussion.base,
        "merged_as": discussion.merged_as,
    }


def _discussion(row: Row[*tuple[object, ...]]) -> Discussion:
    return Discussion(
        repository=row.repository,
        number=row.number,
        title=row.title,
        status=Status(row.status),
        author=row.author,
        created_at=row.created_at,
        base=row.base,
        merged_as=row.merged_as,
    )


def _add(connection: Connection, discussion: Discussion, event: Event) -> None:
    values = {
        "id": event.id,
        "repository": discussion.repository,
        "number": discussion.number,
        "kind": event.kind.value,
        "at": event.at,
        "author": event.author,
        "text": event.text,
        "before": event.before,
        "commit_id": event.commit,
        "edited": event.edited,
        "hidden": event.hidden,
    }
    connection.execute(DISCUSSION_EVENTS.insert().values(values))


def _event(row: Row[*tuple[object, ...]]) -> Event:
    return Event(
        id=row.id,
        kind=EventKind(row.kind),
        at=row.at,
        author=row.author,
        text=row.text,
        before=row.before,
        commit=row.commit_id,
        edited=row.edited,
        hidden=row.hidden,
    )
