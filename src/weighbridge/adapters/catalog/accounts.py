"""Accounts and their tokens in the catalogue."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.paging import newest_first, page
from weighbridge.adapters.catalog.repo_tables import ORGANIZATIONS
from weighbridge.adapters.catalog.tables import TOKENS, USERS
from weighbridge.domain.access import AuditLine, Permission, Token, User
from weighbridge.domain.issuer import Vouched
from weighbridge.errors import Conflict, NotAuthenticated, NotFound

# Every request with a token asks this, so it is put together once.
_TOKEN_WITH_USER = (
    select(
        *TOKENS.c,
        USERS.c.permissions.label("of_user"),
        USERS.c.created_at.label("user_since"),
        USERS.c.disabled.label("user_disabled"),
    )
    .join_from(TOKENS, USERS)
    .where(TOKENS.c.sha256 == bindparam("wanted"))
)
_KNOWN = {permission.value: permission for permission in Permission}


class Accounts(Database):
    """Users by name; tokens by the sha256 of their secret."""

    def add_user(self, user: User, password_hash: str, audit: AuditLine) -> None:
        """Open an account.

        Raises:
            Conflict: the name is taken (a disabled account keeps its name).
        """
        values = {
            "name": user.name,
            "password_hash": password_hash,
            "permissions": _words(user.permissions),
            "created_at": user.created_at,
            "disabled": user.disabled,
        }
        taken = select(ORGANIZATIONS.c.name).where(ORGANIZATIONS.c.name == user.name)
        with self._writing() as connection:
            if connection.execute(taken).first() is not None:
                raise Conflict(f"there is an organization '{user.name}' already")
            try:
                connection.execute(USERS.insert().values(values))
            except IntegrityError as error:
                raise Conflict(f"there is a user '{user.name}' already") from error
            record(connection, audit)

    def vouch(self, someone: Vouched, audit: AuditLine) -> User:
        """The account of somebody whom an issuer vouches for; made at first sight, told by ``audit``.

        Raises:
            NotAuthenticated: the name belongs to somebody else whom the issuer vouched for before, or
                whoever it is has a closed account under another name.
        """
        mine = select(USERS).where(USERS.c.name == someone.name)
        with self._reading() as connection:
            row = connection.execute(mine).first()
        if row is None:
            with self._writing() as connection:
                row = connection.execute(mine).first()
                if row is None:
                    _require_not_closed(connection, someone)
                    connection.execute(USERS.insert().values(_vouched(someone, audit.at)))
                    record(connection, audit)
                    row = connection.execute(mine).one()
        if row.origin != someone.origin:
            raise NotAuthenticated(
                f"'{someone.name}' is somebody else, whom the issuer called so before",
                hint="choose a 'name_claim' that is never given to another one, as 'sub'",
            )
        return _user(row)

    def user(self, name: str) -> User:
        """One account.

        Raises:
            NotFound: there is none.
        """
        with self._reading() as connection:
            row = connection.execute(select(USERS).where(USERS.c.name == name)).first()
        if row is None:
            raise _no_user(name)
        return _user(row)

    def users(self, limit: int | None = None, after: str = "") -> tuple[User, ...]:
        """Accounts by name: every one, or ``limit`` of those behind ``after``."""
        query = select(USERS).where(USERS.c.name > after).order_by(USERS.c.name).limit(limit)
        with self._reading() as connection:
            return tuple(map(_user, connection.execute(query)))

    def password_hash(self, name: str) -> str | None:
        """The hash of an account that may log in with one, or None where there is none."""
        ours = (USERS.c.disabled.is_(False), USERS.c.origin == "")
        query = select(USERS.c.password_hash).where(USERS.c.name == name, *ours)
        with self._reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else str(found)

    def set_password(self, name: str, password_hash: str, audit: AuditLine) -> None:
        """Change a password and end the sessions that the old one opened.

        Raises:
            NotFound: there is no such user.
        """
        sessions = (TOKENS.c.user_name == name, TOKENS.c.is_session, TOKENS.c.revoked_at.is_(None))
        with self._writing() as connection:
            _change_user(connection, name, {"password_hash": password_hash})
            connection.execute(update(TOKENS).where(*sessions).values(revoked_at=audit.at))
            record(connection, audit)

    def disable(self, name: str, audit: AuditLine, *, keeps_admin: bool = False) -> None:
        """Close an account: its password and its tokens count no more.

        Of somebody whom an issuer vouches for all accounts are closed, under whatever names.

        Raises:
            NotFound: there is no such user.
            Conflict: it is the last open one of ours with ``admin``, and ``keeps_admin``.
        """
        mine = select(USERS).where(USERS.c.disabled.is_(False), USERS.c.origin == "")
        with self._writing() as connection:
            admins = [user.name for user in map(_user, connection.execute(mine)) if _governs(user)]
            if keeps_admin and admins == [name]:
                raise Conflict(f"'{name}' is the last account with admin", hint="open another one first")
            _change_user(connection, name, {"disabled": True})
            same = select(USERS.c.origin).where(USERS.c.name == name, USERS.c.origin != "").scalar_subquery()
            connection.execute(update(USERS).where(USERS.c.origin == same).values(disabled=True))
            record(connection, audit)

    def add_token(
        self, token: Token, sha256: str, audit: AuditLine, password_hash: str | None = None
    ) -> None:
        """Keep a token; ``sha256`` is that of its secret (64 hex digits).

        ``password_hash`` is that of the password for which it is given.

        Raises:
            NotFound: there is no such user.
            NotAuthenticated: the password was changed, or the account closed, meanwhile.
        """
        values = {
            "id": token.id,
            "sha256": sha256,
            "user_name": token.user,
            "permissions": _words(token.permissions),
            "is_session": token.is_session,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "last_used_at": token.last_used_at,
            "revoked_at": token.revoked_at,
        }
        with self._writing() as connection:
            user = connection.execute(select(USERS).where(USERS.c.name == token.user)).first()
            if user is None:
                raise _no_user(token.user)
            if password_hash is not None and (user.disabled or user.password_hash != password_hash):
                raise NotAuthenticated("wrong user name or password")
            connection.execute(TOKENS.insert().values(values))
            record(connection, audit)

    def token(self, sha256: str) -> tuple[Token, User] | None:
        """The token with this secret and its user, in one look-up; None where there is none."""
        with self._reading() as connection:
            row = connection.execute(_TOKEN_WITH_USER, {"wanted": sha256}).first()
        if row is None:
            return None
        user = User(
            name=row.user_name,
            permissions=_permissions(row.of_user),
            created_at=row.user_since,
            disabled=row.user_disabled,
        )
        return _token(row), user

    def tokens(
        self, user: str | None = None, limit: int | None = None, after: str | None = None
    ) -> tuple[Token, ...]:
        """Tokens (of a user), newest first: every one, or ``limit`` of those behind the one called ``after``.

        Raises:
            BadInput: there is no token ``after``.
        """
        query = select(TOKENS)
        if user is not None:
            query = query.where(TOKENS.c.user_name == user)
        with self._reading() as connection:
            if limit is None:
                query = newest_first(query, TOKENS)
            else:
                query = page(connection, query, TOKENS, limit, after)
            return tuple(map(_token, connection.execute(query)))

    def used(self, token_id: str, at: datetime) -> None:
        """Note when a token was last used."""
        with self._writing() as connection:
            connection.execute(update(TOKENS).where(TOKENS.c.id == token_id).values(last_used_at=at))

    def revoke(self, token_id: str, audit: AuditLine, user: str | None = None) -> None:
        """End a token (of a user); one that was ended before keeps its first date.

        Raises:
            NotFound: there is no such token.
        """
        query = select(TOKENS.c.revoked_at).where(TOKENS.c.id == token_id)
        if user is not None:
            query = query.where(TOKENS.c.user_name == user)
        with self._writing() as connection:
            row = connection.execute(query).first()
            if row is None:
                raise NotFound(
                    f"token '{token_id}' not found", hint="'weighbridge token list' shows their ids"
                )
            if row.revoked_at is None:
                connection.execute(update(TOKENS).where(TOKENS.c.id == token_id).values(revoked_at=audit.at))
                record(connection, audit)


def _change_user(connection: Connection, name: str, change: dict[str, object]) -> None:
    if connection.execute(update(USERS).where(USERS.c.name == name).values(change)).rowcount != 1:
        raise _no_user(name)


def _governs(user: User) -> bool:
    return Permission.ADMIN in user.permissions


def _vouched(someone: Vouched, at: datetime) -> dict[str, object]:
    return {
        "name": someone.name,
        "password_hash": "",
        "permissions": _words(someone.permissions),
        "created_at": at,
        "disabled": False,
        "origin": someone.origin,
    }


def _require_not_closed(connection: Connection, someone: Vouched) -> None:
    """Who was shut out does not come back by another name."""
    closed = select(USERS.c.name).where(USERS.c.origin == someone.origin, USERS.c.disabled)
    if (name := connection.execute(closed).scalar()) is not None:
        raise NotAuthenticated(f"'{someone.name}' was called '{name}' before, and that account was closed")


def _no_user(name: str) -> NotFound:
    return NotFound(f"there is no user '{name}'", hint="'weighbridge user list' shows them")


def _words(permissions: Collection[Permission]) -> list[str]:
    return sorted(permission.value for permission in permissions)


def _permissions(words: Collection[str]) -> frozenset[Permission]:
    # A word that a newer version may know gives nothing here.
    return frozenset(_KNOWN[word] for word in words if word in _KNOWN)


def _user(row: Row[*tuple[object, ...]]) -> User:
    return User(
        name=row.name,
        permissions=_permissions(row.permissions),
        created_at=row.created_at,
        disabled=row.disabled,
        origin=row.origin,
    )


def _token(row: Row[*tuple[object, ...]]) -> Token:
    return Token(
        id=row.id,
        user=row.user_name,
        permissions=_permissions(row.permissions),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        is_session=row.is_session,
    )
