"""What accounts of our own may have: passwords, and tokens that may no more than who makes them."""

from __future__ import annotations

from weighbridge.domain.access import Permission, Principal, User
from weighbridge.errors import BadInput, NotPermitted

PASSWORD_LENGTH = range(8, 1025)


def within(
    by: Principal, most: frozenset[Permission], wanted: frozenset[Permission] | None
) -> frozenset[Permission]:
    """What a token may do that somebody makes who is no admin.

    Raises:
        NotPermitted: it would be more than ``most``, or was asked for with a token.
    """
    if not by.is_session:
        raise NotPermitted("a token makes no other tokens", hint="log in with POST /authenticate for it")
    if wanted is not None and not wanted <= most:
        raise NotPermitted(f"'{by.name}' may not {', '.join(sorted(wanted - most))}, so no token may")
    return most if wanted is None else wanted


def require_ours(account: User) -> None:
    """Let pass whose password and tokens are kept here.

    Raises:
        BadInput: another issuer vouches for it.
    """
    if account.origin:
        raise BadInput(
            f"'{account.name}' is an account of another issuer", hint="its tokens and passwords are there"
        )


def checked_password(password: str) -> None:
    """Let a text pass that can be a password.

    Raises:
        BadInput: it is too short or too long.
    """
    if len(password) not in PASSWORD_LENGTH:
        raise BadInput(
            "the password is too short or too long",
            hint=f"{PASSWORD_LENGTH.start} to {PASSWORD_LENGTH.stop - 1} characters",
        )
