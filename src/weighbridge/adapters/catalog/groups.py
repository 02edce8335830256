"""Groups of organizations in the catalogue: their members and their repositories."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, update
from sqlalchemy.exc import IntegrityError

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.names import repository_of, require_group
from weighbridge.adapters.catalog.repo_tables import GROUP_MEMBERS, GROUPS, MEMBERS, REPOSITORIES
from weighbridge.domain.access import AuditLine, Role
from weighbridge.domain.group import Group
from weighbridge.domain.hosted import Repository
from weighbridge.errors import Conflict, NoSuchRepo, NotFound


class Groups(Database):
    """Groups by their id."""

    def add_group(self, group: Group, audit: AuditLine) -> None:
        """Make a group with its members and its repositories.

        Raises:
            NotFound: there is no such organization; a user is not in it.
            NoSuchRepo: a repository was deleted, or moved to somebody else, meanwhile.
            Conflict: it has a group of this name.
        """
        values = {
            "id": group.id,
            "organization": group.organization,
            "name": group.name,
            "description": group.description,
            "created_at": group.created_at,
            "created_by": group.created_by,
        }
        same = and_(GROUPS.c.organization == group.organization, GROUPS.c.name == group.name)
        with self._writing() as connection:
            if connection.execute(select(GROUPS.c.id).where(same)).first() is not None:
                raise Conflict(f"'{group.organization}' has a group '{group.name}' already")
            try:
                connection.execute(GROUPS.insert().values(values))
            except IntegrityError as error:
                raise NotFound(f"there is no organization '{group.organization}'") from error
            for user, role in group.members.items():
                _put_member(connection, group, user, role)
            for repository in group.repositories:
                _put_repository(connection, repository, group)
            record(connection, audit)

    def group(self, id: str) -> Group | None:
        """A group with its members and repositories; None where there is none."""
        with self._reading() as connection:
            found = _groups(connection, GROUPS.c.id == id)
        return found[0] if found else None

    def groups_in(self, organization: str) -> tuple[Group, ...]:
        """The groups of an organization, by name."""
        with self._reading() as connection:
            return _groups(connection, GROUPS.c.organization == organization)

    def group_label(self, id: str) -> tuple[str, int] | None:
        """The name of a group, and how many members it has; None where there is none."""
        count = select(func.count()).where(GROUP_MEMBERS.c.group_id == id)
        with self._reading() as connection:
            name = connection.execute(select(GROUPS.c.name).where(GROUPS.c.id == id)).scalar()
            return None if name is None else (name, connection.execute(count).scalar_one())

    def set_group_members(self, group: Group, roles: Mapping[str, Role | None], audit: AuditLine) -> None:
        """Give members of the organization roles in a group; None: no longer in it. All or nothing.

        Raises:
            NotFound: a user is not in the organization, or was not in the group; or that is no more.
        """
        with self._writing() as connection:
            require_group(connection, group.id)
            for user, role in roles.items():
                _put_member(connection, group, user, role)
            record(connection, audit)

    def put_in_group(self, repository: Repository, group: Group | None, audit: AuditLine) -> None:
        """Give a repository to a group of its organization; None: to none.

        Raises:
            NoSuchRepo: it was deleted, or moved to somebody else, meanwhile.
            NotFound: the group was deleted.
        """
        with self._writing() as connection:
            if group is not None:
                require_group(connection, group.id)
            _put_repository(connection, repository, group)
            record(connection, audit)

    def delete_group(self, group: Group, audit: AuditLine) -> None:
        """Take a group away that has no repositories.

        Raises:
            NotFound: there is none.
            Conflict: it has; without it more people would see them.
        """
        living = and_(REPOSITORIES.c.group_id == group.id, REPOSITORIES.c.deleted_at.is_(None))
        with self._writing() as connection:
            left = connection.execute(select(REPOSITORIES.c.name).where(living)).first()
            if left is not None:
                raise Conflict(
                    f"the group '{group.full_name}' has '{left.name}' still",
                    hint="move its repositories first: without it, all members would see them",
                )
            connection.execute(GROUP_MEMBERS.delete().where(GROUP_MEMBERS.c.group_id == group.id))
            if connection.execute(GROUPS.delete().where(GROUPS.c.id == group.id)).rowcount != 1:
                raise NotFound(f"there is no group '{group.full_name}'")
            record(connection, audit)


def _put_member(connection: Connection, group: Group, user: str, role: Role | None) -> None:
    mine = and_(GROUP_MEMBERS.c.group_id == group.id, GROUP_MEMBERS.c.user_name == user)
    member = and_(MEMBERS.c.organization == group.organization, MEMBERS.c.user_name == user)
    gone = connection.execute(GROUP_MEMBERS.delete().where(mine)).rowcount
    if role is None:
        if not gone:
            raise NotFound(f"'{user}' is not in the group '{group.full_name}'")
        return
    if connection.execute(select(MEMBERS.c.role).where(member).with_for_update()).first() is None:
        raise NotFound(
            f"'{user}' is not a member of '{group.organization}'", hint="'weighbridge org member' makes one"
        )
    values = {"group_id": group.id, "user_name": user, "role": role.value}
    connection.execute(GROUP_MEMBERS.insert().values(values))


def _put_repository(connection: Connection, repository: Repository, group: Group | None) -> None:
    there = and_(REPOSITORIES.c.key == repository.key, REPOSITORIES.c.deleted_at.is_(None))
    if group is not None:
        name = func.lower(REPOSITORIES.c.name)
        there = and_(there, name.startswith(f"{group.organization}/", autoescape=True))
    change = update(REPOSITORIES).where(there).values(group_id=group.id if group else "")
    if connection.execute(change).rowcount != 1:
        raise NoSuchRepo(repository.id.full_name)


def _groups(connection: Connection, which: ColumnElement[bool]) -> tuple[Group, ...]:
    rows = connection.execute(select(GROUPS).where(which).order_by(GROUPS.c.name)).all()
    return tuple(_group(connection, row) for row in rows)


def _group(connection: Connection, row: Row[*tuple[object, ...]]) -> Group:
    columns = GROUP_MEMBERS.c
    members = select(columns.user_name, columns.role).where(columns.group_id == row.id)
    living = and_(REPOSITORIES.c.group_id == row.id, REPOSITORIES.c.deleted_at.is_(None))
    repositories = connection.execute(select(REPOSITORIES).where(living).order_by(REPOSITORIES.c.name))
    return Group(
        id=row.id,
        organization=row.organization,
        name=row.name,
        description=row.description,
        created_at=row.created_at,
        created_by=row.created_by,
        members={
            each.user_name: Role(each.role)
            for each in connection.execute(members.order_by(columns.user_name))
        },
        repositories=tuple(map(repository_of, repositories)),
    )
