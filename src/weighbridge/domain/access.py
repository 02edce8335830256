"""Who may do what: ``can`` decides for the registry, ``may`` for one hosted repository."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from weighbridge.domain.hosted import Gate, Repository
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject

_USER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}[a-z0-9]|[a-z0-9]")
NOBODY = "anonymous"
"""The name of whoever sends no token."""


class Permission(StrEnum):
    """What a principal may be allowed to do. ``admin`` includes the others."""

    SEARCH = "search"
    DOWNLOAD = "download"
    UPLOAD = "upload"
    ADMIN = "admin"


class Role(StrEnum):
    """What a member may do to the repositories of an organization.

    ``contributor`` makes repositories and writes those; ``write`` writes all of them; ``admin`` also
    says who is a member.
    """

    ADMIN = "admin"
    WRITE = "write"
    CONTRIBUTOR = "contributor"
    READ = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who asks: a user, or ``anonymous``.

    ``roles`` are those in organizations, ``groups`` those in groups of them, by the group's id.
    ``is_session``: it logged in with a password, and is no machine with a token; ``token`` is the id of
    the one that it sent. What it may only because everybody may is ``lent``: that counts for what
    everybody sees, and for nothing private.
    """

    name: str
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    is_anonymous: bool = False
    roles: frozenset[tuple[str, Role]] = frozenset()
    groups: frozenset[tuple[str, Role]] = frozenset()
    is_session: bool = False
    token: str = field(default="", compare=False)
    lent: frozenset[Permission] = frozenset()

    @property
    def own(self) -> frozenset[Permission]:
        """What its account and its token allow."""
        return self.permissions - self.lent


LOCAL = Principal(name="local", permissions=frozenset(Permission))
"""Whoever runs a command on the machine that holds the home: the file permissions decided."""


def can(principal: Principal, permission: Permission) -> bool:
    """Whether ``principal`` may do what ``permission`` names."""
    return permission in principal.permissions or Permission.ADMIN in principal.permissions


def _holds(principal: Principal, *permissions: Permission) -> bool:
    return not principal.own.isdisjoint({Permission.ADMIN, *permissions})


def checked_account(name: str) -> str:
    """``name``, if somebody can open an account under it: that of ``LOCAL`` is nobody's.

    Raises:
        Invalid: it cannot be one.
    """
    return _check_name(name, NOBODY, LOCAL.name)


def _check_name(name: str, *reserved: str) -> str:
    if not _USER_NAME.fullmatch(name) or name in reserved:
        raise Invalid(
            "user name",
            name,
            "cannot be one",
            hint="1 to 64 lower-case letters, digits, '-', '_' and '.'; not 'anonymous' or 'local'",
        )
    return name


class Verb(StrEnum):
    """What somebody may do to one repository."""

    SEE = "see"
    DOWNLOAD = "download"
    SEE_UNJUDGED = "see what is not judged yet"
    WRITE = "write"
    OWN = "own"
    DISCUSS = "discuss"
    PROPOSE = "propose changes"
    REVISE = "change what was said or proposed"


def may(
    principal: Principal, verb: Verb, repository: Repository, *, author: str = "", let_in: bool = False
) -> bool:
    """Whether ``principal`` may do ``verb`` to a hosted repository.

    Everybody with a name discusses what it may see, and proposes changes if it may upload at all.
    What was said or proposed is changed by its ``author`` and by those who may write.

    A namespace belongs to the user of its name, or to the members of an organization according to
    their roles; a repository in a group belongs to the members of the group according to their
    roles there, and to the admins of the organization. Private repositories are seen by them alone;
    the files of a gated one go to them and to those who were ``let_in``. Whatever the repository,
    nobody may more than ``can`` says, nor more of what is not for all than its own permissions say.
    """
    if can(principal, Permission.ADMIN):
        return True
    role = role_for(principal, repository)
    writes = _holds(principal, Permission.UPLOAD) and _role_writes(role, principal, repository)
    if verb in (Verb.WRITE, Verb.OWN):
        return writes
    if repository.private and role is None:
        return False
    if verb in (Verb.DISCUSS, Verb.PROPOSE, Verb.REVISE):
        return _may_take_part(principal, verb, writes=writes, is_author=principal.name == author)
    if verb is Verb.SEE:
        return can(principal, Permission.DOWNLOAD) or can(principal, Permission.SEARCH)
    if not can(principal, Permission.DOWNLOAD):
        return False
    if verb is Verb.SEE_UNJUDGED:
        inside = _holds(principal, Permission.DOWNLOAD, Permission.UPLOAD)
        return inside and role is not None and role is not Role.READ
    if repository.gate is Gate.OPEN and not repository.private:
        return True
    let_in = let_in and not principal.is_anonymous and not repository.private
    return _holds(principal, Permission.DOWNLOAD) and (role is not None or let_in)


def _role_writes(role: Role | None, principal: Principal, repository: Repository) -> bool:
    if role is Role.CONTRIBUTOR:
        return repository.created_by == principal.name
    return role in (Role.ADMIN, Role.WRITE)


def _may_take_part(principal: Principal, verb: Verb, *, writes: bool, is_author: bool) -> bool:
    reads = can(principal, Permission.DOWNLOAD) or can(principal, Permission.SEARCH)
    if principal.is_anonymous or not reads:
        return False
    if verb is Verb.REVISE:
        return is_author or writes
    return verb is Verb.DISCUSS or can(principal, Permission.UPLOAD)


def role_in(principal: Principal, namespace: str) -> Role | None:
    """The role in a namespace: everybody is the admin of the own one, and admins of all.

    A token that allows nothing by itself has no role.
    """
    if can(principal, Permission.ADMIN):
        return Role.ADMIN
    if principal.is_anonymous or not namespace or not principal.own:
        return None
    if principal.name == namespace.lower():
        return Role.ADMIN
    return dict(principal.roles).get(namespace.lower())


def role_for(principal: Principal, repository: Repository) -> Role | None:
    """The role that counts for a repository: that in its group, if it is in one."""
    return _role(principal, repository.id.namespace, repository.group)


def owns_namespace(principal: Principal, namespace: str, group: str = "") -> bool:
    """Whether the principal may make repositories in a namespace, or in a group there."""
    return _role(principal, namespace, group) in (Role.ADMIN, Role.WRITE, Role.CONTRIBUTOR)


def governs(principal: Principal, organization: str, group: str = "") -> bool:
    """Whether the principal says who belongs to an organization, or to a group of it, and what does."""
    return _role(principal, organization, group) is Role.ADMIN


def _role(principal: Principal, namespace: str, group: str) -> Role | None:
    role = role_in(principal, namespace)
    if not group or role is Role.ADMIN or principal.is_anonymous or not principal.own:
        return role
    return dict(principal.groups).get(group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Whose private repositories somebody sees, said so that a database can follow it too.

    All of them; else all of the ``governed`` namespaces, those of ``namespaces`` that are in no
    group, and those in one of the ``groups``. ``may`` comes to the same.
    """

    everything: bool = False
    governed: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def reaches(self, repository: Repository) -> bool:
        """Whether a repository is seen even if it is private."""
        namespace = repository.id.namespace.lower()
        if self.everything or namespace in self.governed:
            return True
        return repository.group in self.groups if repository.group else namespace in self.namespaces


SEES_ALL = Sight(everything=True)


def sight_of(principal: Principal) -> Sight:
    """What a principal sees of what is private."""
    if can(principal, Permission.ADMIN):
        return SEES_ALL
    if principal.is_anonymous or not principal.own:
        return Sight()
    governed = {name for name, role in principal.roles if role is Role.ADMIN}
    return Sight(
        governed=frozenset({principal.name, *governed}),
        namespaces=frozenset(name for name, _ in principal.roles),
        groups=frozenset(id for id, _ in principal.groups),
    )


class AccessStatus(StrEnum):
    """What became of a wish to be let in to a gated repository."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """Somebody's wish to be let in; ``at`` (aware UTC) is when it came into its state."""

    id: str
    user: str
    status: AccessStatus
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One change, for ever: when (aware UTC), by whom, what was done to what, and how it went.

    ``id`` is the catalogue's number of the line; empty until it was recorded.
    """

    at: datetime
    by: str
    verb: str
    target: str
    detail: str = ""
    id: str = ""

    def to_json(self) -> JsonObject:
        """All fields; the time as ``YYYY-MM-DDTHH:MM:SSZ``."""
        return {
            "id": self.id,
            "at": _spelled(self.at),
            "by": self.by,
            "verb": self.verb,
            "target": self.target,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account as others may see it.

    Names are lower case, so that no two look alike but for their case. ``origin`` says for whom an
    issuer of tokens vouches, and is empty for accounts of our own; the names of the former have a ``:``.
    """

    name: str
    permissions: frozenset[Permission]
    created_at: datetime
    disabled: bool = False
    origin: str = ""

    def __post_init__(self) -> None:
        if not self.origin:
            _check_name(self.name, NOBODY)

    def to_json(self) -> JsonObject:
        """All fields; permissions sorted, the time as ``YYYY-MM-DDTHH:MM:SSZ``."""
        return {
            "name": self.name,
            "permissions": sorted(self.permissions),
            "created_at": _spelled(self.created_at),
            "disabled": self.disabled,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token without its secret; the times are aware UTC.

    ``is_session`` tokens were given for a password and end when the password is changed.
    """

    id: str
    user: str
    permissions: frozenset[Permission]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    is_session: bool = False

    def holds(self, at: datetime) -> bool:
        """Whether the token counts at a time."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)

    def to_json(self) -> JsonObject:
        """All fields; permissions sorted, times as ``YYYY-MM-DDTHH:MM:SSZ`` or null."""
        return {
            "id": self.id,
            "user": self.user,
            "permissions": sorted(self.permissions),
            "created_at": _spelled(self.created_at),
            "expires_at": _spelled(self.expires_at),
            "last_used_at": _spelled(self.last_used_at),
            "revoked_at": _spelled(self.revoked_at),
            "is_session": self.is_session,
        }


def granted(wanted: frozenset[Permission], user: User) -> frozenset[Permission]:
    """What a token may do: what it was made for, as far as its user may do that (today)."""
    if user.disabled:
        return frozenset()
    if Permission.ADMIN in user.permissions:
        return wanted
    return user.permissions if Permission.ADMIN in wanted else wanted & user.permissions


def _spelled(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
