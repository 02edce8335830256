"""What operators attached to repositories, in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Row, select

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.names import hidden_from
from weighbridge.adapters.catalog.paging import page
from weighbridge.adapters.catalog.tables import OPERATOR_NOTES
from weighbridge.domain.access import SEES_ALL, AuditLine, Sight
from weighbridge.domain.attached import Attached
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.sources import OperatorNote

_NOTES_OF_ONE = 100


class Notes(Database):
    """Operator evidence: added, never changed."""

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
            connection.execute(OPERATOR_NOTES.insert().values(values))
            record(connection, audit)

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
        columns = OPERATOR_NOTES.c
        query = select(OPERATOR_NOTES).where(~hidden_from(OPERATOR_NOTES, sight))
        if repo is not None:
            query = query.where(columns.kind == repo.kind.value, columns.name_key == repo.full_name.lower())
        with self._reading() as connection:
            query = page(connection, query, OPERATOR_NOTES, limit, after)
            return tuple(map(_attached, connection.execute(query)))

    def notes_of(self, repo: RepoId) -> tuple[OperatorNote, ...]:
        """The newest hundred notes of a repository, oldest first."""
        return tuple(each.note for each in reversed(self.attached(repo, limit=_NOTES_OF_ONE)))


def _attached(row: Row[*tuple[object, ...]]) -> Attached:
    return Attached(
        id=row.id,
        repo=RepoId.parse(row.name, RepoKind(row.kind)),
        note=OperatorNote(
            metric=row.metric,
            by=row.created_by,
            at=row.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            entries=tuple(entry for entry in row.entries if isinstance(entry, Mapping)),
        ),
    )
