"""Who is behind a request at the Hub door."""

from __future__ import annotations

from typing import Protocol

from weighbridge.domain.access import Permission, Principal

_READER = frozenset({Permission.SEARCH, Permission.DOWNLOAD})


class Callers(Protocol):
    """Who is behind a bearer token: the registry's accounts, or everyone."""

    def principal(self, secret: str | None) -> Principal:
        """Whoever sent ``secret``; None is somebody without a token.

        Raises:
            NotAuthenticated: the token does not count.
        """

    def current(self, principal: Principal) -> Principal:
        """Somebody who was let in before, with what it may still do.

        Raises:
            NotAuthenticated: the account was closed.
        """


class Everyone:
    """For a Hub without accounts: all may read, and a token is as good as any other."""

    def principal(self, secret: str | None) -> Principal:
        """A reader; anonymous without a token."""
        name = "local" if secret else "anonymous"
        return Principal(name=name, permissions=_READER, is_anonymous=not secret)

    def current(self, principal: Principal) -> Principal:
        """The same: there are no accounts to close."""
        return principal
