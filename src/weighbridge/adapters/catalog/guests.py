"""People who do not own a repository: who asked to be let in, and who likes it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, select

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.names import repository_of
from weighbridge.adapters.catalog.repo_tables import ACCESS_REQUESTS, LIKES, REPOSITORIES
from weighbridge.domain.access import AccessRequest, AccessStatus, AuditLine
from weighbridge.domain.hosted import Repository


class Guests(Database):
    """Access requests and likes, by the key of the repository."""

    def put_access_request(self, key: str, request: AccessRequest, audit: AuditLine) -> None:
        """Write a request in the place of the user's former one."""
        values = {
            "repository": key,
            "user_name": request.user,
            "id": request.id,
            "status": request.status.value,
            "reason": request.reason,
            "at": request.at,
        }
        with self._writing() as connection:
            connection.execute(ACCESS_REQUESTS.delete().where(_request(key, request.user)))
            connection.execute(ACCESS_REQUESTS.insert().values(values))
            record(connection, audit)

    def access_requests(self, key: str) -> tuple[AccessRequest, ...]:
        """Every request, oldest first."""
        columns = ACCESS_REQUESTS.c
        query = (
            select(ACCESS_REQUESTS).where(columns.repository == key).order_by(columns.at, columns.user_name)
        )
        with self._reading() as connection:
            return tuple(
                AccessRequest(
                    id=row.id,
                    user=row.user_name,
                    status=AccessStatus(row.status),
                    at=row.at,
                    reason=row.reason,
                )
                for row in connection.execute(query)
            )

    def is_let_in(self, key: str, user: str) -> bool:
        """Whether a user's request was accepted."""
        query = select(ACCESS_REQUESTS.c.status).where(_request(key, user))
        with self._reading() as connection:
            return connection.execute(query).scalar() == AccessStatus.ACCEPTED.value

    def set_like(self, key: str, user: str, at: datetime | None, audit: AuditLine) -> None:
        """Note that a user likes a repository since ``at``; None: no longer. What stays is not audited."""
        mine = and_(LIKES.c.repository == key, LIKES.c.user_name == user)
        with self._writing() as connection:
            there = connection.execute(select(LIKES.c.at).where(mine)).first() is not None
            if at is None and there:
                connection.execute(LIKES.delete().where(mine))
            elif at is not None and not there:
                connection.execute(LIKES.insert().values(repository=key, user_name=user, at=at))
            else:
                return
            record(connection, audit)

    def likers(self, key: str) -> tuple[str, ...]:
        """Who likes a repository, the newest first."""
        query = select(LIKES.c.user_name).where(LIKES.c.repository == key).order_by(LIKES.c.at.desc())
        with self._reading() as connection:
            return tuple(connection.execute(query).scalars())

    def liked_by(self, user: str) -> tuple[tuple[Repository, datetime], ...]:
        """What a user likes, and since when, the newest first."""
        query = select(*REPOSITORIES.c, LIKES.c.at).join_from(LIKES, REPOSITORIES)
        mine = query.where(LIKES.c.user_name == user, REPOSITORIES.c.deleted_at.is_(None))
        with self._reading() as connection:
            rows = connection.execute(mine.order_by(LIKES.c.at.desc()))
            return tuple((repository_of(row), row.at) for row in rows)


def _request(key: str, user: str) -> ColumnElement[bool]:
    return and_(ACCESS_REQUESTS.c.repository == key, ACCESS_REQUESTS.c.user_name == user)
