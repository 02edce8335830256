"""Refusals in the catalogue."""

from __future__ import annotations

from sqlalchemy import Connection, Row, func, select

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.names import hidden_from
from weighbridge.adapters.catalog.paging import is_there, page
from weighbridge.adapters.catalog.tables import REFUSALS
from weighbridge.domain.access import SEES_ALL, AuditLine, Sight
from weighbridge.domain.package import Refusal
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.errors import NotFound, StoreDown


class Refusals(Database):
    """What was weighed and not admitted."""

    def add_refusal(self, refusal: Refusal, audit: AuditLine) -> None:
        """Keep a judgement that did not admit; one with this very id is kept as it is."""
        with self._writing() as connection:
            add_refusal(connection, refusal, audit)

    def refusals(
        self,
        limit: int = 100,
        after: str | None = None,
        sight: Sight = SEES_ALL,
        repo: RepoId | None = None,
    ) -> tuple[Refusal, ...]:
        """A page of refusals, newest first, or of those of ``repo``.

        ``after`` is the id of the last one of the page before. ``sight`` leaves out those of private
        repositories that are not seen.

        Raises:
            BadInput: ``after`` is no refusal.
        """
        with self._reading() as connection:
            query = select(REFUSALS).where(~hidden_from(REFUSALS, sight))
            if repo is not None:
                query = query.where(REFUSALS.c.kind == repo.kind.value)
                query = query.where(func.lower(REFUSALS.c.name) == repo.full_name.lower())
            query = page(connection, query, REFUSALS, limit, after)
            return tuple(map(_refusal, connection.execute(query)))

    def refusal(self, id: str) -> Refusal:
        """One refusal.

        Raises:
            NotFound: there is none.
        """
        with self._reading() as connection:
            row = connection.execute(select(REFUSALS).where(REFUSALS.c.id == id)).first()
        if row is None:
            raise NotFound(f"refusal '{id}' not found")
        return _refusal(row)


def add_refusal(connection: Connection, refusal: Refusal, audit: AuditLine) -> None:
    """What ``Refusals.add_refusal`` does, in a transaction that is open already."""
    values = {
        "id": refusal.id,
        "kind": refusal.ref.repo.kind.value,
        "name": refusal.ref.repo.full_name,
        "revision": refusal.ref.revision,
        "commit_id": refusal.commit,
        "outcome": refusal.outcome,
        "sentence": refusal.sentence,
        "evidence_sha256": refusal.evidence_sha256,
        "verdict_sha256": refusal.verdict_sha256,
        "created_at": refusal.created_at,
        "created_by": refusal.created_by,
    }
    if is_there(connection, REFUSALS, refusal.id):
        return
    connection.execute(REFUSALS.insert().values(values))
    record(connection, audit)


def _refusal(row: Row[*tuple[object, ...]]) -> Refusal:
    try:
        ref = ModelRef(repo=RepoId.parse(row.name, RepoKind(row.kind)), revision=row.revision)
    except ValueError as error:
        raise StoreDown(
            f"the catalogue's refusal '{row.id}' cannot be read: {error}", hint="restore a backup"
        ) from error
    return Refusal(
        id=row.id,
        ref=ref,
        commit=row.commit_id,
        outcome=row.outcome,
        sentence=row.sentence,
        evidence_sha256=row.evidence_sha256,
        verdict_sha256=row.verdict_sha256,
        created_at=row.created_at,
        created_by=row.created_by,
    )
