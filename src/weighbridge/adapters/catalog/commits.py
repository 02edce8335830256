"""How a commit is written: its row, and what it brings counted, in one transaction."""

from __future__ import annotations

from sqlalchemy import Connection, select

from weighbridge.adapters.catalog.tables import COMMITS
from weighbridge.adapters.catalog.usage import Usage
from weighbridge.domain.hosted import Repository, Revision


class Commits(Usage):
    """For those tables that have to do with commits."""

    def _add_commit(
        self, connection: Connection, repository: Repository, revision: Revision, payer: str = ""
    ) -> None:
        """Write a commit; the same one may stand there already, made in the same second.

        ``payer`` is the namespace that what it brings counts for; empty: the repository's.

        Raises:
            OverQuota: there is no room for it; the transaction must not be committed.
        """
        if not has_commit(connection, repository.key, revision.commit.id):
            self._count(connection, repository, revision, payer)
            write_commit(connection, repository.key, revision)


def has_commit(connection: Connection, key: str, id: str) -> bool:
    """Whether a commit stands there."""
    there = select(COMMITS.c.id).where(COMMITS.c.repository == key, COMMITS.c.id == id)
    return connection.execute(there).first() is not None


def write_commit(connection: Connection, key: str, revision: Revision) -> None:
    """The row of a commit that brings nothing that would have to be counted."""
    commit = revision.commit
    values = {
        "repository": key,
        "id": commit.id,
        "parents": list(commit.parents),
        "tree": revision.tree,
        "author": commit.authors[0],
        "title": commit.title,
        "message": commit.message,
        "created_at": revision.at,
        "files": [entry.to_json() for entry in revision.manifest.files],
    }
    connection.execute(COMMITS.insert().values(values))
