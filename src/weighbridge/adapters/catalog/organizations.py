"""Organizations and their members in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Row, and_, bindparam, select
from sqlalchemy.exc import IntegrityError

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.repo_tables import GROUP_MEMBERS, GROUPS, MEMBERS, ORGANIZATIONS
from weighbridge.adapters.catalog.tables import USERS
from weighbridge.domain.access import AuditLine, Role
from weighbridge.errors import Conflict, NotFound

# Every request with a token asks these, so they are put together once.
_ROLES = select(MEMBERS.c.organization.label("name"), MEMBERS.c.role).where(
    MEMBERS.c.user_name == bindparam("wanted")
)
_GROUP_ROLES = select(GROUP_MEMBERS.c.group_id.label("name"), GROUP_MEMBERS.c.role).where(
    GROUP_MEMBERS.c.user_name == bindparam("wanted")
)


class Organizations(Database):
    """Namespaces that several users share."""

    def add_organization(self, name: str, at: datetime, by: str, audit: AuditLine) -> None:
        """Make an organization without members.

        Raises:
            Conflict: a user or an organization has the name.
        """
        with self._writing() as connection:
            if connection.execute(select(USERS.c.name).where(USERS.c.name == name)).first() is not None:
                raise Conflict(f"there is a user '{name}' already")
            try:
                connection.execute(ORGANIZATIONS.insert().values(name=name, created_at=at, created_by=by))
            except IntegrityError as error:
                raise Conflict(f"there is an organization '{name}' already") from error
            record(connection, audit)

    def is_organization(self, name: str) -> bool:
        """Whether an organization has this name."""
        query = select(ORGANIZATIONS.c.name).where(ORGANIZATIONS.c.name == name)
        with self._reading() as connection:
            return connection.execute(query).first() is not None

    def organization(self, name: str) -> tuple[datetime, Mapping[str, Role]] | None:
        """Since when there is an organization, and its members with their roles; None where there is none."""
        since = select(ORGANIZATIONS.c.created_at).where(ORGANIZATIONS.c.name == name)
        members = select(MEMBERS).where(MEMBERS.c.organization == name).order_by(MEMBERS.c.user_name)
        with self._reading() as connection:
            at = connection.execute(since).scalar()
            if at is None:
                return None
            return at, {row.user_name: Role(row.role) for row in connection.execute(members)}

    def organizations(self) -> Mapping[str, Mapping[str, Role]]:
        """The members of every organization with their roles, by name."""
        names = select(ORGANIZATIONS.c.name).order_by(ORGANIZATIONS.c.name)
        with self._reading() as connection:
            found: dict[str, dict[str, Role]] = {name: {} for name in connection.execute(names).scalars()}
            for row in connection.execute(select(MEMBERS).order_by(MEMBERS.c.user_name)):
                found[row.organization][row.user_name] = Role(row.role)
        return found

    def set_member(self, organization: str, user: str, role: Role | None, audit: AuditLine) -> None:
        """Give a user a role; None: no longer a member, and in none of its groups.

        Raises:
            NotFound: there is no such organization, user or member.
        """
        mine = and_(MEMBERS.c.organization == organization, MEMBERS.c.user_name == user)
        with self._writing() as connection:
            gone = connection.execute(MEMBERS.delete().where(mine)).rowcount
            if role is None:
                theirs = select(GROUPS.c.id).where(GROUPS.c.organization == organization)
                in_groups = and_(GROUP_MEMBERS.c.user_name == user, GROUP_MEMBERS.c.group_id.in_(theirs))
                connection.execute(GROUP_MEMBERS.delete().where(in_groups))
            if role is None and not gone:
                raise NotFound(f"'{user}' is not a member of '{organization}'")
            if role is not None:
                values = {"organization": organization, "user_name": user, "role": role.value}
                try:
                    connection.execute(MEMBERS.insert().values(values))
                except IntegrityError as error:
                    raise NotFound(
                        f"there is no organization '{organization}' or no user '{user}'"
                    ) from error
            record(connection, audit)

    def memberships(self, user: str) -> tuple[frozenset[tuple[str, Role]], frozenset[tuple[str, Role]]]:
        """The organizations of a user and the groups (by id), with its role in each."""
        with self._reading() as connection:
            found = connection.execute(_ROLES, {"wanted": user}).all()
            groups = connection.execute(_GROUP_ROLES, {"wanted": user}).all() if found else []
        return _roles(found), _roles(groups)


def _roles(rows: Sequence[Row[*tuple[object, ...]]]) -> frozenset[tuple[str, Role]]:
    return frozenset((row.name, Role(row.role)) for row in rows)
