"""The registry's accounts: who calls, with what token, and what they may do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import uuid4

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.catalog.passwords import check_password, hash_password
from weighbridge.bridge.access import open_to_all, require, require_own
from weighbridge.bridge.account_rules import checked_password, require_ours, within
from weighbridge.bridge.setup_secret import SetupSecret
from weighbridge.bridge.tries import Tries
from weighbridge.domain.access import (
    LOCAL,
    NOBODY,
    AuditLine,
    Permission,
    Principal,
    Token,
    User,
    can,
    checked_account,
    granted,
)
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.issuer import Vouched
from weighbridge.errors import BadInput, BadName, Conflict, NotAuthenticated, NotPermitted
from weighbridge.settings import Settings

if TYPE_CHECKING:
    from weighbridge.adapters.oidc import Issuers

TOKEN_PREFIX = "hf_wbr_"
"""By which a secret scanner knows a token of ours; the client for Node refuses one without ``hf_``."""
SESSION = timedelta(days=30)
"""How long a token that was given for a password counts."""
_USE_NOTED_EVERY = timedelta(hours=1)


class People:
    """One method per verb; those that change accounts ask for ``admin`` first.

    ``now`` gives aware UTC. ``issuers`` are those whose tokens count beside ours.
    """

    def __init__(
        self,
        catalog: Catalog,
        settings: Settings,
        now: Callable[[], datetime],
        issuers: Issuers | None = None,
    ) -> None:
        self._catalog, self._now, self._issuers = catalog, now, issuers
        self._admin_password = settings.admin_password
        self._setup_secret = SetupSecret(settings.home)
        self._anonymous = Principal(
            name=NOBODY, permissions=open_to_all(settings.anonymous), is_anonymous=True
        )
        self._tries = Tries(catalog, now)

    def authenticate(self, name: str, password: str, address: str = "") -> str:
        """A new token for a password: ``hf_wbr_`` and 43 characters; it counts for 30 days.

        ``address`` is where the caller is; empty for this machine.

        Raises:
            NotAuthenticated: the name or the password is wrong (which of them is not said).
            TooManyTries: the name, or from the address, was tried too often.
        """
        password_hash = self._catalog.password_hash(name)
        with self._tries.one(name, address, known=password_hash is not None):
            check_password(password_hash, password)
        return self._session(self._catalog.user(name), password_hash)

    def principal(self, secret: str | None) -> Principal:
        """Who a token speaks for; without one, anonymous.

        Raises:
            NotAuthenticated: the token is unknown, expired or revoked, or its user was disabled.
            IssuerDown: the token is of another issuer, which has to be asked and does not answer.
        """
        if secret is None:
            return self._anonymous
        if self._issuers is not None and self._issuers.may_be(secret):
            return self._foreign(self._issuers.vouched(secret))
        found = self._catalog.token(_digest(secret)) if secret.startswith(TOKEN_PREFIX) else None
        at = self._now()
        if found is None or not found[0].holds(at) or found[1].disabled:
            raise NotAuthenticated(
                "the token is unknown, expired or revoked",
                hint="get one with POST /authenticate, or 'weighbridge token create'",
            )
        token, user = found
        if token.last_used_at is None or at - token.last_used_at >= _USE_NOTED_EVERY:
            self._catalog.used(token.id, at)
        found_out = self._somebody(user, granted(token.permissions, user))
        return replace(found_out, is_session=token.is_session, token=token.id)

    def _somebody(self, user: User, own: frozenset[Permission]) -> Principal:
        """A caller who says who it is may at least what everybody may."""
        roles, groups = self._catalog.memberships(user.name)
        return Principal(
            name=user.name,
            permissions=own | self._anonymous.permissions,
            roles=roles,
            groups=groups,
            lent=self._anonymous.permissions - own,
        )

    def _foreign(self, someone: Vouched) -> Principal:
        """Somebody whom an issuer vouches for, with what the token itself allows."""
        detail = f"vouched for as {someone.origin}"
        user = self._catalog.vouch(someone, self._line(someone.name, "user.first-seen", someone.name, detail))
        if user.disabled:
            raise NotAuthenticated(f"the account '{user.name}' was closed")
        return self._somebody(user, someone.permissions)

    def current(self, principal: Principal) -> Principal:
        """Somebody who was let in before, with what it may still do.

        Raises:
            NotAuthenticated: the account was closed.
        """
        user = self._catalog.user(principal.name)
        if user.disabled:
            raise NotAuthenticated(f"the account '{user.name}' was closed")
        # What a token of another issuer allowed is known from nowhere else.
        return self._somebody(user, principal.own if user.origin else granted(principal.own, user))

    def first_start(self) -> str:
        """Make the first account possible; what the operator must know, or nothing.

        With a password in the settings ``admin`` is opened. Otherwise a one-time secret is
        written to ``setup-secret`` in the home (0600), for ``set_up``. There is no default
        password.

        Raises:
            BadInput: the password of the settings cannot be one.
            StoreDown: the secret cannot be written.
        """
        if self._has_accounts():
            return ""
        if self._admin_password is None:
            self._setup_secret.write()
            return (
                "The registry has no user yet. POST /setup with the secret in "
                f"{self._setup_secret.path} opens the first account, and so does 'weighbridge user add'."
            )
        try:
            self.add_user(LOCAL, "admin", frozenset(Permission), self._admin_password)
        except Conflict:
            return ""  # another process was faster
        return "The account 'admin' was opened with the password of the settings."

    def set_up(self, secret: str, name: str, password: str) -> str:
        """Open the first account, with every permission, and log it in; the secret is used up.

        Raises:
            NotAuthenticated: the secret is wrong or was used, or there is a user already.
            BadName, BadInput: the name or the password cannot be one; the secret still counts.
        """
        checked_password(password)
        user = self._user(name, frozenset(Permission))
        self._setup_secret.use(secret, lambda: not self._has_accounts())
        line = self._line(name, "user.set-up", name)
        self._catalog.add_user(user, hash_password(password), line)
        return self._session(user)

    def add_user(self, by: Principal, name: str, permissions: Iterable[Permission], password: str) -> User:
        """Open an account.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            BadName, BadInput: the name or the password cannot be one.
            Conflict: the name is taken.
        """
        require(by, Permission.ADMIN)
        checked_password(password)
        user = self._user(name, frozenset(permissions))
        line = self._line(by.name, "user.add", name, " ".join(sorted(user.permissions)))
        self._catalog.add_user(user, hash_password(password), line)
        self._setup_secret.forget()
        return user

    def users(self, by: Principal, limit: int | None = None, after: str = "") -> tuple[User, ...]:
        """Accounts by name: every one, or ``limit`` of those behind ``after``. Raises as ``add_user``."""
        require(by, Permission.ADMIN)
        return self._catalog.users(limit, after)

    def user(self, by: Principal, name: str) -> User:
        """One account.

        Raises:
            NotAuthenticated, NotPermitted: it is not one's own, without ``admin``.
            NotFound: there is no such user.
        """
        require_own(by, name)
        return self._catalog.user(name)

    def set_password(
        self, by: Principal, name: str, password: str, old: str | None = None, address: str = ""
    ) -> None:
        """Change a password; sessions of the old one end, other tokens stay.

        Without ``admin`` one changes one's own and tells the ``old`` one; told, it must be right.
        ``address`` is where the caller is, as for ``authenticate``.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``; the old password is wrong.
            BadInput: the password cannot be one; the old one is missing.
            NotFound: there is no such user.
            TooManyTries: the old password was wrong too often.
        """
        require_own(by, name)
        checked_password(password)
        require_ours(self._catalog.user(name))
        if old is not None:
            self._check_old(name, old, address)
        elif not can(by, Permission.ADMIN):
            raise BadInput("the old password is missing", hint="send it too, or ask an admin")
        self._catalog.set_password(name, hash_password(password), self._line(by.name, "user.password", name))

    def _check_old(self, name: str, old: str, address: str) -> None:
        try:
            with self._tries.one(name, address, known=True):
                check_password(self._catalog.password_hash(name), old)
        except NotAuthenticated as error:
            # The caller is known by its token: that one is still good.
            raise NotPermitted("the old password is wrong") from error

    def disable(self, by: Principal, name: str) -> None:
        """Close an account at once; its name stays taken.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            NotFound: there is no such user.
            Conflict: it is one's own, or the last one with ``admin`` (which is closed on the machine alone).
        """
        require(by, Permission.ADMIN)
        if by.name == name:
            raise Conflict("nobody closes the own account", hint="another account with admin can")
        line = self._line(by.name, "user.disable", name)
        self._catalog.disable(name, line, keeps_admin=by is not LOCAL)

    def create_token(
        self,
        by: Principal,
        user: str,
        permissions: Iterable[Permission] | None = None,
        days: int | None = None,
    ) -> tuple[Token, str]:
        """A token and its secret, which is shown this once; ``permissions`` None: all of the user's.

        ``days`` None: it counts until it is revoked. Without ``admin`` one makes tokens for oneself
        that may no more than one may just now; and logs in for it, so that a token that was lost
        leaves no others behind.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``, for somebody else, for more, or by a token.
            NotFound: there is no such user.
            BadInput: the user may not do what the token should, is disabled, or ``days`` < 1.
        """
        require_own(by, user)
        account = self._catalog.user(user)
        wanted = None if permissions is None else frozenset(permissions)
        require_ours(account)
        if not can(by, Permission.ADMIN):
            wanted = within(by, granted(by.permissions, account), wanted)
        if account.disabled:
            raise BadInput(f"the account '{user}' is disabled")
        if wanted is not None and granted(wanted, account) != wanted:
            lacking = ", ".join(sorted(wanted - granted(wanted, account)))
            raise BadInput(f"'{user}' may not {lacking}, so no token of '{user}' may")
        if days is not None and not 1 <= days <= 36500:
            raise BadInput(f"a token cannot expire in {days} days", hint="1 to 36500")
        lifetime = None if days is None else timedelta(days=days)
        return self._new_token(account, wanted, lifetime, by=by.name)

    def tokens(
        self, by: Principal, user: str | None = None, limit: int | None = None, after: str | None = None
    ) -> tuple[Token, ...]:
        """Tokens (of a user), newest first: every one, or ``limit`` of those behind the one called ``after``.

        Raises:
            NotAuthenticated, NotPermitted: they are not one's own, without ``admin``.
            BadInput: there is no token ``after``.
        """
        require_own(by, user)
        return self._catalog.tokens(user, limit, after)

    def revoke_token(self, by: Principal, token_id: str) -> None:
        """End a token at once. A machine's token without ``admin`` ends itself, and no others.

        Raises:
            NotAuthenticated, NotPermitted: the caller is nobody, or a machine.
            NotFound: there is no such token, or without ``admin`` none of one's own.
        """
        owner = None if can(by, Permission.ADMIN) else by.name
        require_own(by, owner)
        if owner is not None and not by.is_session and by.token != token_id:
            raise NotPermitted("a token ends no other tokens", hint="log in with POST /authenticate for it")
        self._catalog.revoke(token_id, self._line(by.name, "token.revoke", token_id), owner)

    def _has_accounts(self) -> bool:
        """Whether anybody can log in: those whom another issuer vouches for cannot open the first account."""
        return any(not user.origin for user in self._catalog.users())

    def _session(self, user: User, password_hash: str | None = None) -> str:
        """The secret of a token that is given for a password, if that is still the one."""
        made = self._new_token(
            user, None, SESSION, by=user.name, is_session=True, password_hash=password_hash
        )
        return made[1]

    def _new_token(
        self,
        user: User,
        permissions: frozenset[Permission] | None,
        lifetime: timedelta | None,
        *,
        by: str,
        is_session: bool = False,
        password_hash: str | None = None,
    ) -> tuple[Token, str]:
        secret, at = TOKEN_PREFIX + secrets.token_urlsafe(32), self._now()
        token = Token(
            id=uuid4().hex[:12],
            user=user.name,
            permissions=user.permissions if permissions is None else permissions,
            created_at=at,
            expires_at=None if lifetime is None else at + lifetime,
            is_session=is_session,
        )
        detail = f"{'session' if is_session else 'token'} {token.id}"
        line = self._line(by, "token.create", user.name, detail)
        self._catalog.add_token(token, _digest(secret), line, password_hash)
        return token, secret

    def _user(self, name: str, permissions: frozenset[Permission]) -> User:
        try:
            return User(name=checked_account(name), permissions=permissions, created_at=self._now())
        except Invalid as error:
            raise BadName(str(error), hint=error.hint) from error

    def _line(self, by: str, verb: str, target: str, detail: str = "") -> AuditLine:
        return AuditLine(at=self._now(), by=by, verb=verb, target=target, detail=detail)


@contextmanager
def open_people(settings: Settings, now: Callable[[], datetime]) -> Iterator[People]:
    """The accounts alone, for the commands of the machine that holds the home.

    Raises:
        BadInput: a setting cannot be used.
        StoreDown: the database cannot be used.
    """
    catalog = Catalog.open(settings.catalog_url)
    try:
        yield People(catalog, settings, now)
    finally:
        catalog.close()


def _digest(secret: str) -> str:
    # Plain sha256 is enough: the secret is 256 random bits, not a word that can be guessed.
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
