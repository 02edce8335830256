"""Passwords become argon2id hashes (RFC 9106) and cannot be read back."""

from __future__ import annotations

from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from weighbridge.errors import NotAuthenticated

# OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane; some 20 ms.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_AT_ONCE = BoundedSemaphore(4)
"""How many hashes are computed at once: a flood of logins must not take all memory."""


def hash_password(password: str) -> str:
    """The hash to keep, with its salt and parameters (PHC string)."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def check_password(password_hash: str | None, password: str) -> None:
    """Compare a password with a hash; None (no such user) costs the same and never fits.

    Raises:
        NotAuthenticated: it is not the password.
    """
    try:
        with _AT_ONCE:
            _HASHER.verify(password_hash or _nobody(), password)
    except (VerificationError, InvalidHashError):
        password_hash = None
    if password_hash is None:
        raise NotAuthenticated("wrong user name or password")


@cache
def _nobody() -> str:
    return _HASHER.hash("nobody has this password")
