"""Histories that are replaced, in the catalogue: each change is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Column, Connection, Table, and_, select, update

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.commits import Commits, has_commit, write_commit
from weighbridge.adapters.catalog.hosted import packages_of_repository
from weighbridge.adapters.catalog.refs import (
    RefKind,
    drop_former,
    move_ref,
    ref_named,
    ref_values,
    refs_of,
    set_former,
)
from weighbridge.adapters.catalog.repo_tables import COMMITS, DISCUSSION_EVENTS, DISCUSSIONS, REFS
from weighbridge.adapters.catalog.tables import PACKAGES
from weighbridge.domain.access import AuditLine
from weighbridge.domain.hosted import Repository, Revision
from weighbridge.domain.package import PackageState
from weighbridge.domain.repo import Refs
from weighbridge.domain.rewriting import Rewriting as Rewritten
from weighbridge.errors import Conflict

_AT_ONCE = 500


class Rewriting(Commits):
    """What changes more of a hosted repository than the end of a branch."""

    def replace_branch(
        self,
        repository: Repository,
        branch: str,
        head: str,
        revision: Revision,
        former: str,
        audit: AuditLine,
    ) -> None:
        """Move a branch that is still at ``head`` to a commit that does not follow it.

        ``former`` is where readers find the branch until something newer was accepted.

        Raises:
            StaleParent: the branch has moved; nothing was changed.
            OverQuota: there is no room for the commit.
        """
        with self._writing() as connection:
            move_ref(connection, repository, RefKind.BRANCH, branch, head, revision.commit.id)
            set_former(connection, repository.key, branch, former)
            self._add_commit(connection, repository, revision)
            record(connection, audit)

    def rewrite(
        self, repository: Repository, seen: Refs, done: Rewritten, erased: str, reason: str, audit: AuditLine
    ) -> None:
        """Put new commits in the place of old ones, and withdraw the packages of those that go.

        ``erased`` names this time, so that who remembers commits forgets them.

        Raises:
            Conflict: a name was moved since it was ``seen``; nothing was changed.
        """
        key = repository.key
        with self._writing() as connection:
            rows = connection.execute(select(REFS).where(REFS.c.repository == key)).all()
            if refs_of(rows) != seen:
                raise Conflict(f"'{repository.id}' was changed meanwhile", hint="try again")
            for revision in done.made:
                if not has_commit(connection, key, revision.commit.id):
                    write_commit(connection, key, revision)
            for table, column in _NAMES_OF_COMMITS:
                _rename(connection, key, table, column, done.renamed)
            for branch in seen.former:
                if seen.branches.get(branch) in done.renamed or seen.former[branch] in done.dropped:
                    drop_former(connection, key, branch)
            for branch, commit in done.former.items():
                set_former(connection, key, branch, commit)
            self._drop_commits(connection, repository, done.dropped, reason)
            connection.execute(REFS.delete().where(ref_named(key, RefKind.ERASED, "")))
            connection.execute(REFS.insert().values(ref_values(key, RefKind.ERASED, "", erased)))
            record(connection, audit)

    def _drop_commits(
        self, connection: Connection, repository: Repository, dropped: Iterable[str], reason: str
    ) -> None:
        key, withdrawn = repository.key, {"state": PackageState.WITHDRAWN.value, "state_reason": reason}
        served = and_(packages_of_repository(key), PACKAGES.c.state == PackageState.ACTIVE.value)
        waiting = sorted(dropped)
        while waiting:
            some, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            packages = update(PACKAGES).where(served, PACKAGES.c.commit_id.in_(some))
            connection.execute(packages.values(withdrawn))
            connection.execute(COMMITS.delete().where(COMMITS.c.repository == key, COMMITS.c.id.in_(some)))
        self._recount_repository(connection, repository)


_NAMES_OF_COMMITS = (
    (REFS, REFS.c.commit_id),
    (DISCUSSIONS, DISCUSSIONS.c.base),
    (DISCUSSIONS, DISCUSSIONS.c.merged_as),
    (DISCUSSION_EVENTS, DISCUSSION_EVENTS.c.commit_id),
)


def _rename(
    connection: Connection, key: str, table: Table, column: Column[str], renamed: Mapping[str, str]
) -> None:
    mine = table.c.repository == key
    if table is REFS:
        mine = and_(mine, REFS.c.kind != RefKind.FORMER.value)
    for before in connection.execute(select(column).where(mine).distinct()).scalars().all():
        if before in renamed:
            named = update(table).where(mine, column == before)
            connection.execute(named.values({column.name: renamed[before]}))
