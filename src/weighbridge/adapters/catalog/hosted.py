"""Hosted repositories in the catalogue: names, commits, branches and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, update
from sqlalchemy.exc import IntegrityError

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.commits import Commits
from weighbridge.adapters.catalog.names import live, mirrored, repository_of, require_group, take
from weighbridge.adapters.catalog.notes import adopt
from weighbridge.adapters.catalog.refs import (
    RefKind,
    drop_ref,
    move_ref,
    ref_values,
    refs_of,
)
from weighbridge.adapters.catalog.repo_tables import (
    ACCESS_REQUESTS,
    COMMITS,
    DISCUSSION_EVENTS,
    DISCUSSIONS,
    DOWNLOADS,
    LIKES,
    REFS,
    REPOSITORIES,
    REPOSITORY_NAMES,
)
from weighbridge.adapters.catalog.tables import PACKAGES, REFUSALS
from weighbridge.domain.access import AuditLine, Sight
from weighbridge.domain.hosted import Admission, Copied, Gate, Repository, Revision, spelled
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.package import PackageState
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.repo import Commit, Refs
from weighbridge.domain.verdict import Outcome
from weighbridge.errors import NoSuchRepo, NoSuchRevision, RefExists, RepoExists, StoreDown

_DECIDED = REFUSALS.c.outcome != Outcome.INDETERMINATE.value


class Hosted(Commits):
    """Repositories by any name they have or had; what belongs to one, by its key."""

    def hosted(self, repo: RepoId) -> Repository | None:
        """The hosted repository of this name (upper and lower case do not matter), or None."""
        with self._reading() as connection:
            return live(connection, repo)

    def is_mirrored(self, repo: RepoId) -> bool:
        """Whether packages of the upstream have this name."""
        with self._reading() as connection:
            return mirrored(connection, repo)

    def is_ours(self, repo: RepoId) -> bool:
        """Whether a name belongs to a hosted repository, or did and was not taken by a mirror since."""
        kind, key = repo.kind.value, repo.full_name.lower()
        owner = select(REPOSITORIES.c.deleted_at).join_from(REPOSITORY_NAMES, REPOSITORIES)
        served = select(PACKAGES.c.id).where(
            and_(PACKAGES.c.kind == kind, PACKAGES.c.name_key == key),
            PACKAGES.c.state == PackageState.ACTIVE.value,
        )
        with self._reading() as connection:
            row = connection.execute(
                owner.where(REPOSITORY_NAMES.c.kind == kind, REPOSITORY_NAMES.c.name_key == key)
            ).first()
            if row is None or row.deleted_at is None:
                return row is not None
            return connection.execute(served).first() is None

    def holder(self, repo: RepoId) -> Repository | None:
        """The hosted repository that a name leads to, perhaps deleted, or None."""
        key = and_(
            REPOSITORY_NAMES.c.kind == repo.kind.value, REPOSITORY_NAMES.c.name_key == repo.full_name.lower()
        )
        query = select(REPOSITORIES).join_from(REPOSITORY_NAMES, REPOSITORIES).where(key)
        with self._reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else repository_of(row)

    def is_hidden_from(self, repo: RepoId, sight: Sight) -> bool:
        """Whether a name is that of a private repository, perhaps deleted, that is not seen."""
        found = self.holder(repo)
        return found is not None and found.private and not sight.reaches(found)

    def hosted_repos(self, kind: RepoKind) -> tuple[Repository, ...]:
        """Every hosted repository of a kind, by name."""
        query = select(REPOSITORIES).where(
            REPOSITORIES.c.kind == kind.value, REPOSITORIES.c.deleted_at.is_(None)
        )
        with self._reading() as connection:
            return tuple(map(repository_of, connection.execute(query.order_by(REPOSITORIES.c.name))))

    def create_repository(
        self, repository: Repository, branch: str, first: Revision, audit: AuditLine
    ) -> None:
        """Make a repository with its first commit; raises as ``add_repository``."""
        self.add_repository(repository, Refs(branches={branch: first.commit.id}), [first], audit)

    def add_repository(
        self,
        repository: Repository,
        refs: Refs,
        revisions: Iterable[Revision],
        audit: AuditLine,
        copied: Copied | None = None,
    ) -> None:
        """Make a repository with branches, tags and all their commits: ``revisions`` and ``copied`` ones.

        Raises:
            RepoExists: the name is taken.
            OverQuota: its namespace has no room left.
            NotFound: its group was deleted.
            Conflict: a commit that was to be copied was taken away.
        """
        values = {
            "key": repository.key,
            "kind": repository.id.kind.value,
            "name": repository.id.full_name,
            "private": repository.private,
            "gate": repository.gate.value,
            "created_at": repository.created_at,
            "created_by": repository.created_by,
            "deleted_at": None,
            "group_id": repository.group,
            "origin_name": repository.origin.repo.full_name if repository.origin else "",
            "origin_key": repository.origin.key if repository.origin else "",
        }
        named = ((RefKind.BRANCH, refs.branches), (RefKind.TAG, refs.tags))
        rows = [ref_values(repository.key, kind, *each) for kind, names in named for each in names.items()]
        with self._writing() as connection:
            if repository.group:
                require_group(connection, repository.group)
            connection.execute(REPOSITORIES.insert().values(values))
            try:
                take(connection, repository.key, repository.id)
            except IntegrityError as error:  # on PostgreSQL somebody may be faster even now
                raise RepoExists(repository.id.full_name) from error
            adopt(connection, repository.key, repository.id)
            if copied is not None:
                self._copy_commits(connection, repository, copied)
            for revision in revisions:
                self._add_commit(connection, repository, revision)
            connection.execute(REFS.insert(), rows)
            record(connection, audit)

    def rename_repository(self, key: str, to: RepoId, audit: AuditLine) -> None:
        """Give a repository another name of its kind; the old one leads to it.

        Raises:
            RepoExists: the new name is taken.
            NoSuchRepo: the repository was deleted meanwhile.
            OverQuota: the new namespace has no room for it.
        """
        name = select(REPOSITORIES.c.name).where(REPOSITORIES.c.key == key)
        with self._writing() as connection:
            before = RepoId.parse(connection.execute(name).scalar_one(), to.kind).namespace.lower()
            try:
                take(connection, key, to)
            except IntegrityError as error:
                raise RepoExists(to.full_name) from error
            moved = {} if to.namespace.lower() == before else {"group_id": ""}
            _change(connection, key, {"name": to.full_name, **moved})
            self._move_counted(connection, key, before, to.namespace.lower())
            record(connection, audit)

    def change_repository(self, key: str, private: bool, gate: Gate, audit: AuditLine) -> None:
        """Change who may see and download a repository.

        Raises:
            NoSuchRepo: it was deleted meanwhile.
        """
        with self._writing() as connection:
            _change(connection, key, {"private": private, "gate": gate.value})
            record(connection, audit)

    def delete_repository(self, key: str, reason: str, audit: AuditLine) -> None:
        """Drop commits and refs, withdraw the packages; the names are free again.

        Raises:
            NoSuchRepo: it was deleted meanwhile.
        """
        served = and_(packages_of_repository(key), PACKAGES.c.state == PackageState.ACTIVE.value)
        withdrawn = {"state": PackageState.WITHDRAWN.value, "state_reason": reason}
        with self._writing() as connection:
            _change(connection, key, {"deleted_at": audit.at})
            connection.execute(update(PACKAGES).where(served).values(withdrawn))
            for table in (REFS, DISCUSSION_EVENTS, DISCUSSIONS, ACCESS_REQUESTS, LIKES, DOWNLOADS):
                connection.execute(table.delete().where(table.c.repository == key))
            connection.execute(COMMITS.delete().where(COMMITS.c.repository == key))
            self._drop_counted(connection, key)
            record(connection, audit)

    def hosted_refs(self, key: str) -> Refs:
        """Branches, tags and the heads of pull requests, and where branches were before."""
        query = select(REFS).where(REFS.c.repository == key).order_by(REFS.c.name)
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return refs_of(rows)

    def put_ref(
        self,
        repository: Repository,
        kind: RefKind,
        name: str,
        commit: str,
        audit: AuditLine,
        *,
        overwrite: bool = False,
        root: Revision | None = None,
    ) -> None:
        """Name a commit; ``root`` is that commit where it does not stand in the catalogue yet.

        Raises:
            RefExists: there is one of this name, and not ``overwrite``.
        """
        values = ref_values(repository.key, kind, name, commit)
        with self._writing() as connection:
            if root is not None:
                self._add_commit(connection, repository, root)
            if overwrite:
                drop_ref(connection, repository.key, kind, name)
            try:
                connection.execute(REFS.insert().values(values))
            except IntegrityError as error:
                raise RefExists(repository.id.full_name, name) from error
            record(connection, audit)

    def drop_ref(self, repository: Repository, kind: RefKind, name: str, audit: AuditLine) -> None:
        """Take a branch or a tag away; the commits stay.

        Raises:
            NoSuchRevision: there is none.
        """
        with self._writing() as connection:
            if not drop_ref(connection, repository.key, kind, name):
                raise NoSuchRevision(repository.id.full_name, name)
            record(connection, audit)

    def add_revision(self, repository: Repository, branch: str, revision: Revision, audit: AuditLine) -> None:
        """Put a commit on a branch that is still at the commit's parent: one transaction.

        Raises:
            StaleParent: somebody was faster; nothing was changed.
            OverQuota: the namespace has no room for what it brings.
        """
        parent = revision.commit.parents[0]
        with self._writing() as connection:
            move_ref(connection, repository, RefKind.BRANCH, branch, parent, revision.commit.id)
            self._add_commit(connection, repository, revision)
            record(connection, audit)

    def revision(self, repository: Repository, commit: str) -> Revision | None:
        """A commit with its files; None where there is none."""
        query = select(COMMITS).where(COMMITS.c.repository == repository.key, COMMITS.c.id == commit)
        with self._reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        try:
            files = tuple(map(FileEntry.from_json, row.files))
            manifest = Manifest(repo=repository.id, commit=row.id, files=files)
        except ValueError as error:
            raise StoreDown(
                f"the catalogue's commit '{row.id}' cannot be read: {error}", hint="restore a backup"
            ) from error
        return Revision(commit=_commit(row), at=row.created_at, tree=row.tree, manifest=manifest)

    def commits_of(self, key: str) -> Mapping[str, Commit]:
        """Every commit of a repository by its id, without files."""
        columns = [column for column in COMMITS.c if column.name != "files"]
        with self._reading() as connection:
            rows = connection.execute(select(*columns).where(COMMITS.c.repository == key))
            return {row.id: _commit(row) for row in rows}

    def admissions(self, key: str) -> Mapping[str, Admission]:
        """Which commits of a repository became packages; of one that did twice, the served one."""
        columns = [PACKAGES.c[n] for n in ("id", "version", "commit_id", "state", "state_reason")]
        served_last = PACKAGES.c.state == PackageState.ACTIVE.value
        query = select(*columns).where(packages_of_repository(key))
        query = query.order_by(served_last, PACKAGES.c.created_at)
        with self._reading() as connection:
            return {
                row.commit_id: Admission(
                    package_id=row.id,
                    version=row.version,
                    served=row.state == PackageState.ACTIVE,
                    reason=row.state_reason,
                )
                for row in connection.execute(query)
            }

    def refusal_of(self, key: str, commit: str) -> tuple[str, str] | None:
        """Id and sentence of the newest refusal of a commit, or None."""
        query = (
            select(REFUSALS.c.id, REFUSALS.c.sentence)
            .where(REFUSALS.c.commit_id == commit, _refusals_of(key))
            .order_by(REFUSALS.c.created_at.desc())
        )
        with self._reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else (row.id, row.sentence)

    def is_refused(self, key: str, commit: str) -> bool:
        """Whether a commit was refused, and not only could not be told about."""
        query = select(REFUSALS.c.id).where(REFUSALS.c.commit_id == commit, _refusals_of(key), _DECIDED)
        with self._reading() as connection:
            return connection.execute(query).first() is not None

    def unjudged(self) -> Sequence[tuple[Repository, str]]:
        """What branches and tags name and is neither package nor refusal: a judgement that was lost, or
        could not tell.
        """
        names = REPOSITORY_NAMES.c
        named = names.repository == REFS.c.repository
        package = select(PACKAGES.c.id).where(
            and_(named, PACKAGES.c.kind == names.kind, PACKAGES.c.name_key == names.name_key),
            PACKAGES.c.commit_id == REFS.c.commit_id,
        )
        refusal = select(REFUSALS.c.id).where(
            and_(named, REFUSALS.c.kind == names.kind, func.lower(REFUSALS.c.name) == names.name_key),
            REFUSALS.c.commit_id == REFS.c.commit_id,
            _DECIDED,
        )
        query = (
            select(*REPOSITORIES.c, REFS.c.commit_id)
            .join_from(REFS, REPOSITORIES)
            .where(
                REFS.c.kind.in_((RefKind.BRANCH.value, RefKind.TAG.value)),
                REPOSITORIES.c.deleted_at.is_(None),
            )
            .where(~package.exists(), ~refusal.exists())
            .order_by(REPOSITORIES.c.name, REFS.c.name)
        )
        with self._reading() as connection:
            found = ((repository_of(row), row.commit_id) for row in connection.execute(query))
            return list(dict.fromkeys(found))


def packages_of_repository(key: str) -> ColumnElement[bool]:
    """Whether a package is one of a repository, by any name that it has or had."""
    names = REPOSITORY_NAMES.c
    of_ours = select(names.name_key).where(names.repository == key, names.kind == PACKAGES.c.kind)
    return PACKAGES.c.name_key.in_(of_ours)


def _refusals_of(key: str) -> ColumnElement[bool]:
    names = REPOSITORY_NAMES.c
    of_ours = select(names.name_key).where(names.repository == key, names.kind == REFUSALS.c.kind)
    return func.lower(REFUSALS.c.name).in_(of_ours)


def _change(connection: Connection, key: str, values: dict[str, object]) -> None:
    there = and_(REPOSITORIES.c.key == key, REPOSITORIES.c.deleted_at.is_(None))
    if connection.execute(update(REPOSITORIES).where(there).values(values)).rowcount != 1:
        raise NoSuchRepo(key)


def _commit(row: Row[*tuple[object, ...]]) -> Commit:
    return Commit(
        id=row.id,
        title=row.title,
        message=row.message,
        authors=(row.author,),
        created_at=spelled(row.created_at),
        parents=tuple(row.parents),
    )
