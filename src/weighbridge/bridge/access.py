"""Turns the decision of ``domain.access.can`` into the error that a caller deserves."""

from __future__ import annotations

from collections.abc import Iterable

from weighbridge.domain.access import Permission, Principal, can
from weighbridge.errors import BadInput, NotAuthenticated, NotPermitted


def require(principal: Principal, permission: Permission, hint: str = "") -> None:
    """Let a caller pass who may; ``hint`` is for one who is known and may not.

    Raises:
        NotAuthenticated: the caller sent no token; with one it might be allowed.
        NotPermitted: the caller is known and may not.
    """
    if can(principal, permission):
        return
    if principal.is_anonymous:
        raise NotAuthenticated(
            f"this needs the permission '{permission}'",
            hint="send a token: 'Authorization: Bearer ...', or HF_TOKEN for Hugging Face clients",
        )
    raise NotPermitted(f"'{principal.name}' lacks the permission '{permission}'", hint=hint)


def require_own(principal: Principal, name: str | None) -> None:
    """Let a caller pass to what is of the account ``name``, or of all where None: its user, or an admin.

    Raises:
        NotAuthenticated, NotPermitted: as ``require``.
    """
    if principal.is_anonymous or principal.name != name:
        require(principal, Permission.ADMIN)


def open_to_all(words: Iterable[str]) -> frozenset[Permission]:
    """What callers without a token may do, from the words of the settings.

    Raises:
        BadInput: a word is none, or names what nobody may without a token.
    """
    allowed = [Permission.SEARCH, Permission.DOWNLOAD, Permission.UPLOAD]
    unknown = [word for word in words if word not in allowed]
    if unknown:
        raise BadInput(
            f"WEIGHBRIDGE_ANONYMOUS holds {unknown[0]!r}",
            hint=f"any of {', '.join(allowed)}; or leave it empty",
        )
    return frozenset(Permission(word) for word in words)
