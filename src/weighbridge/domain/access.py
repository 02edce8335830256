"""Who may do what: one function decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Permission(StrEnum):
    """What a principal may be allowed to do. ``admin`` includes the others."""

    SEARCH = "search"
    DOWNLOAD = "download"
    UPLOAD = "upload"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who asks: a user, or ``anonymous``."""

    name: str
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    is_anonymous: bool = False


LOCAL = Principal(name="local", permissions=frozenset(Permission))
"""Whoever runs a command on the machine that holds the home: the file permissions decided."""


def can(principal: Principal, permission: Permission) -> bool:
    """Whether ``principal`` may do what ``permission`` names."""
    return permission in principal.permissions or Permission.ADMIN in principal.permissions


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One change, for ever: when (aware UTC), by whom, what was done to what, and how it went."""

    at: datetime
    by: str
    verb: str
    target: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account as others may see it."""

    name: str
    permissions: frozenset[Permission]
    created_at: datetime
    disabled: bool = False
