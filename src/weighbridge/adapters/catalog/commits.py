"""How a commit is written: its row, and what it brings counted, in one transaction."""

from __future__ import annotations

from sqlalchemy import Connection, literal, select

from weighbridge.adapters.catalog.repo_tables import COMMITS
from weighbridge.adapters.catalog.usage import Usage
from weighbridge.domain.hosted import Copied, Repository, Revision
from weighbridge.errors import Conflict

_AT_ONCE = 500


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

    def _copy_commits(self, connection: Connection, repository: Repository, copied: Copied) -> None:
        """Write the commits of another repository, row by row as they are there.

        Raises:
            Conflict: one of them is not there any more; the transaction must not be committed.
            OverQuota: there is no room for them; likewise.
        """
        columns = [column for column in COMMITS.c if column is not COMMITS.c.repository]
        waiting = list(copied.commits)
        while waiting:
            some, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            there = select(literal(repository.key), *columns)
            there = there.where(COMMITS.c.repository == copied.source, COMMITS.c.id.in_(some))
            into = COMMITS.insert().from_select([COMMITS.c.repository, *columns], there)
            # without this the rows of an INSERT are counted by SQLite alone
            into = into.execution_options(preserve_rowcount=True)
            if connection.execute(into).rowcount != len(some):
                raise Conflict("commits were taken away while they were copied", hint="try again")
        self._count_contents(connection, repository, copied.contents)


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
