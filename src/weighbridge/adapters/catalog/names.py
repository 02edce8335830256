"""The one space of names that hosted and mirrored repositories share."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, false, func, or_, select

from weighbridge.adapters.catalog.repo_tables import COMMITS, GROUPS, REPOSITORIES, REPOSITORY_NAMES
from weighbridge.adapters.catalog.tables import PACKAGES
from weighbridge.domain.access import Sight
from weighbridge.domain.hosted import Gate, Origin, Repository
from weighbridge.domain.package import PackageState
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import Conflict, NotFound, RepoExists


def live(connection: Connection, repo: RepoId) -> Repository | None:
    """The hosted repository that has this name, or had it before."""
    named = and_(
        REPOSITORY_NAMES.c.kind == repo.kind.value, REPOSITORY_NAMES.c.name_key == repo.full_name.lower()
    )
    query = select(REPOSITORIES).join_from(REPOSITORY_NAMES, REPOSITORIES)
    row = connection.execute(query.where(named, REPOSITORIES.c.deleted_at.is_(None))).first()
    return None if row is None else repository_of(row)


def repository_of(row: Row[*tuple[object, ...]]) -> Repository:
    """A row of ``repositories``."""
    return Repository(
        key=row.key,
        id=RepoId.parse(row.name, RepoKind(row.kind)),
        private=row.private,
        gate=Gate(row.gate),
        created_at=row.created_at,
        created_by=row.created_by,
        group=row.group_id,
        origin=_origin(row),
    )


def _origin(row: Row[*tuple[object, ...]]) -> Origin | None:
    if not row.origin_name:
        return None
    return Origin(repo=RepoId.parse(row.origin_name, RepoKind(row.kind)), key=row.origin_key)


def mirrored(connection: Connection, repo: RepoId) -> bool:
    """Whether packages of the upstream have this name.

    A name that was ever hosted has a row in ``repository_names``; when its repository was deleted,
    all its packages were withdrawn.
    """
    kind, key = repo.kind.value, repo.full_name.lower()
    query = select(PACKAGES.c.state).where(PACKAGES.c.kind == kind, PACKAGES.c.name_key == key)
    states = set(connection.execute(query).scalars())
    if not states or live(connection, repo) is not None:
        return False
    names = REPOSITORY_NAMES.c
    was_hosted = connection.execute(select(names.name_key).where(names.kind == kind, names.name_key == key))
    return was_hosted.first() is None or PackageState.ACTIVE.value in states


def take(connection: Connection, key: str, repo: RepoId) -> None:
    """Give a name to the repository with this key, whose former name it may be.

    Raises:
        RepoExists: another repository, hosted or mirrored, has it.
    """
    there = live(connection, repo)
    if there is not None and there.key == key:
        return
    if there is not None:
        raise RepoExists(there.id.full_name)
    if mirrored(connection, repo):
        raise RepoExists(
            repo.full_name,
            message=f"'{repo}' is a mirror of the upstream's repository of this name",
            hint="choose another name: a repository is mirrored or hosted here, never both",
        )
    names, values = REPOSITORY_NAMES.c, {"kind": repo.kind.value, "name_key": repo.full_name.lower()}
    of_a_deleted_one = and_(names.kind == values["kind"], names.name_key == values["name_key"])
    connection.execute(REPOSITORY_NAMES.delete().where(of_a_deleted_one))
    connection.execute(REPOSITORY_NAMES.insert().values({**values, "repository": key}))


def require_hosted(connection: Connection, repo: RepoId, commit: str) -> None:
    """The commit must be one of the hosted repository of this name.

    Raises:
        Conflict: it was deleted meanwhile.
    """
    there = live(connection, repo)
    query = select(COMMITS.c.id).where(COMMITS.c.repository == (there.key if there else ""))
    if connection.execute(query.where(COMMITS.c.id == commit)).first() is None:
        raise Conflict(f"'{repo}' has no commit {commit[:12]} (any more)")


def require_not_hosted(connection: Connection, repo: RepoId) -> None:
    """The name must not belong to a hosted repository.

    Raises:
        Conflict: it does.
    """
    if live(connection, repo) is not None:
        raise Conflict(
            f"'{repo}' is hosted here, so the upstream's repository of this name cannot be taken in",
            hint="what is pushed to a hosted repository is weighed by itself",
        )


def require_group(connection: Connection, id: str) -> None:
    """The group must be there, and stays until the transaction ends.

    Raises:
        NotFound: it is not.
    """
    if connection.execute(select(GROUPS.c.id).where(GROUPS.c.id == id).with_for_update()).first() is None:
        raise NotFound("there is no such group", hint="'weighbridge org group list' shows them")


def hidden_from(table: Table, sight: Sight) -> ColumnElement[bool]:
    """Whether a package or a refusal is of a private repository that somebody does not see.

    That of a deleted repository stays private: its name leads to it until somebody takes it.
    """
    if sight.everything:
        return false()
    name_key = table.c.name_key if "name_key" in table.c else func.lower(table.c.name)
    private = (
        select(REPOSITORIES.c.key)
        .join_from(REPOSITORY_NAMES, REPOSITORIES)
        .where(REPOSITORY_NAMES.c.kind == table.c.kind, REPOSITORY_NAMES.c.name_key == name_key)
        .where(unseen(sight))
    )
    return private.exists()


def unseen(sight: Sight) -> ColumnElement[bool]:
    """Whether a row of ``repositories`` is private and not somebody's to see."""
    columns = REPOSITORIES.c
    if sight.everything:
        return false()
    seen = or_(
        _in_namespaces(sight.governed),
        and_(columns.group_id == "", _in_namespaces(sight.namespaces)),
        and_(columns.group_id != "", columns.group_id.in_(sight.groups)),
    )
    return and_(columns.private, ~seen)


def _in_namespaces(names: frozenset[str]) -> ColumnElement[bool]:
    name = func.lower(REPOSITORIES.c.name)
    return or_(false(), *(name.startswith(f"{each}/", autoescape=True) for each in sorted(names)))
