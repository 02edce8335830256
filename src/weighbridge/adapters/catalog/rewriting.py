"""Histories that are replaced, in the catalogue: each change is one transaction."""

from __future__ import annotations

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.commits import Commits
from weighbridge.adapters.catalog.refs import RefKind, move_ref, set_former
from weighbridge.domain.access import AuditLine
from weighbridge.domain.hosted import Repository, Revision


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
