"""Turns the decision of ``domain.access.can`` into the error that a caller deserves."""

from __future__ import annotations

from weighbridge.domain.access import Permission, Principal, can
from weighbridge.errors import NotAuthenticated, NotPermitted


def require(principal: Principal, permission: Permission) -> None:
    """Let a caller pass who may.

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
    raise NotPermitted(f"'{principal.name}' lacks the permission '{permission}'")
