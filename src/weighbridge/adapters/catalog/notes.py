"""What operators attached to repositories, in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select, update

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.names import hidden_from, live, unseen
from weighbridge.adapters.catalog.paging import page
from weighbridge.adapters.catalog.repo_tables import REPOSITORIES
from weighbridge.adapters.catalog.tables import OPERATOR_NOTES
from weighbridge.domain.access import SEES_ALL, AuditLine, Sight
from weighbridge.domain.attached import Attached
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.sources import OperatorNote
from weighbridge.errors import NotFound

_NOTES_OF_ONE = 100
_NONE, _HINT = "there is no evidence '{}'", "'weighbridge evidence list' shows the ids"
_NOTES = select(OPERATOR_NOTES, REPOSITORIES.c.name.label("today")).join_from(
    OPERATOR_NOTES, REPOSITORIES, REPOSITORIES.c.key == OPERATOR_NOTES.c.repository, isouter=True
)


class Notes(Database):
    """Operator evidence: added and removed, never changed. That of a hosted repository follows its name."""

    def attach(self, attached: Attached, audit: AuditLine) -> None:
        """Keep a note for all later judgements of its repository."""
        repo, note = attached.repo, attached.note
        values = {
            "id": attached.id,
            "kind": repo.kind.value,
            "name": repo.full_name,
            "name_key": repo.full_name.lower(),
            "metric": note.metric,
            "entries": [dict(entry) for entry in note.entries],
            "created_at": audit.at,
            "created_by": note.by,
        }
        with self._writing() as connection:
            there = live(connection, repo)
            key = there.key if there else ""
            connection.execute(OPERATOR_NOTES.insert().values(values | {"repository": key}))
            record(connection, audit)

    def detach(self, id: str, audit: AuditLine) -> None:
        """Take a note away; what was judged with it keeps it.

        Raises:
            NotFound: it is not there (any more).
        """
        with self._writing() as connection:
            gone = connection.execute(OPERATOR_NOTES.delete().where(OPERATOR_NOTES.c.id == id))
            if gone.rowcount != 1:
                raise NotFound(_NONE.format(id), hint=_HINT)
            record(connection, audit)

    def note(self, id: str) -> Attached:
        """One note.

        Raises:
            NotFound: it is not there.
        """
        with self._reading() as connection:
            row = connection.execute(_NOTES.where(OPERATOR_NOTES.c.id == id)).first()
        if row is None:
            raise NotFound(_NONE.format(id), hint=_HINT)
        return _attached(row)

    def attached(
        self,
        repo: RepoId | None = None,
        *,
        limit: int = 100,
        after: str | None = None,
        sight: Sight = SEES_ALL,
    ) -> tuple[Attached, ...]:
        """A page of notes, newest first, of one repository or of all that ``sight`` reaches.

        Raises:
            BadInput: ``after`` is no note.
        """
        by_name, by_key = OPERATOR_NOTES.c.repository == "", OPERATOR_NOTES.c.repository != ""
        query = _NOTES.where(
            ~or_(and_(by_name, hidden_from(OPERATOR_NOTES, sight)), and_(by_key, unseen(sight)))
        )
        with self._reading() as connection:
            if repo is not None:
                query = query.where(_of(connection, repo))
            query = page(connection, query, OPERATOR_NOTES, limit, after)
            return tuple(map(_attached, connection.execute(query)))

    def notes_of(self, repo: RepoId) -> tuple[OperatorNote, ...]:
        """The newest hundred notes of a repository, oldest first."""
        return tuple(each.note for each in reversed(self.attached(repo, limit=_NOTES_OF_ONE)))


def adopt(connection: Connection, key: str, repo: RepoId) -> None:
    """Give a new hosted repository what was attached to its name before."""
    waiting = and_(_named(repo), OPERATOR_NOTES.c.repository == "")
    connection.execute(update(OPERATOR_NOTES).where(waiting).values(repository=key))


def _of(connection: Connection, repo: RepoId) -> ColumnElement[bool]:
    there = live(connection, repo)
    if there is None:
        return and_(_named(repo), OPERATOR_NOTES.c.repository == "")
    return OPERATOR_NOTES.c.repository == there.key


def _named(repo: RepoId) -> ColumnElement[bool]:
    columns = OPERATOR_NOTES.c
    return and_(columns.kind == repo.kind.value, columns.name_key == repo.full_name.lower())


def _attached(row: Row[*tuple[object, ...]]) -> Attached:
    return Attached(
        id=row.id,
        repo=RepoId.parse(row.today or row.name, RepoKind(row.kind)),
        note=OperatorNote(
            metric=row.metric,
            by=row.created_by,
            at=row.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            entries=tuple(entry for entry in row.entries if isinstance(entry, Mapping)),
        ),
    )
