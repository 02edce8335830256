"""What is told of people and organizations: who they are, and how much of theirs the caller sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.access import require
from weighbridge.domain.access import Permission, Principal, Role, Verb, may, role_in
from weighbridge.domain.hosted import Repository
from weighbridge.domain.ref import RepoKind
from weighbridge.errors import NotAuthenticated, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A user or an organization; ``repositories`` counts what the caller sees of theirs, by kind.

    ``organizations`` are a user's, ``members`` how many an organization has. ``since`` is aware UTC.
    """

    name: str
    since: datetime
    repositories: Mapping[RepoKind, int]
    organizations: tuple[str, ...] = ()
    members: int = 0
    likes: int = 0
    role: Role | None = None


class Profiles:
    """One method per verb.

    Each raises NotAuthenticated or NotPermitted without ``search``. To which organizations
    somebody belongs, and who belongs to one, is told to those with a name.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def user(self, principal: Principal, name: str) -> Profile:
        """A user.

        Raises:
            NotFound: there is none, or the account was closed.
        """
        require(principal, Permission.SEARCH)
        user = self._catalog.user(name.lower())
        if user.disabled:
            raise NotFound(f"there is no user '{name}'")
        roles = () if principal.is_anonymous else self._catalog.memberships(user.name)[0]
        liked = [each for each, _ in self._catalog.liked_by(user.name)]
        return Profile(
            name=user.name,
            since=user.created_at,
            repositories=self._counts(principal, user.name),
            organizations=tuple(sorted(name for name, _ in roles)),
            likes=sum(may(principal, Verb.SEE, each) for each in liked),
        )

    def organization(self, principal: Principal, name: str) -> Profile:
        """An organization.

        Raises:
            NotFound: there is none.
        """
        require(principal, Permission.SEARCH)
        found = self._catalog.organization(name.lower())
        if found is None:
            raise NotFound(f"there is no organization '{name}'")
        since, members = found
        return Profile(
            name=name.lower(),
            since=since,
            repositories=self._counts(principal, name.lower()),
            members=len(members),
            role=role_in(principal, name),
        )

    def members(self, principal: Principal, name: str) -> Mapping[str, Role]:
        """Who belongs to an organization, by name.

        Raises:
            NotFound: there is none.
            NotAuthenticated: the caller sent no token.
        """
        require(principal, Permission.SEARCH)
        if principal.is_anonymous:
            raise NotAuthenticated("who belongs to an organization is told to those with a token")
        found = self._catalog.organization(name.lower())
        if found is None:
            raise NotFound(f"there is no organization '{name}'")
        return found[1]

    def storage(self, repositories: tuple[Repository, ...]) -> Mapping[str, tuple[int, float]]:
        """How many bytes each repository (by key) holds, and how much that is of its namespace's (%)."""
        shares = {}
        for each in repositories:
            used, total = self._catalog.used_by(each), self._catalog.quota(each.id.namespace).used_bytes
            shares[each.key] = used, round(100 * used / total, 2) if total else 0.0
        return shares

    def _counts(self, principal: Principal, namespace: str) -> Mapping[RepoKind, int]:
        return {
            kind: sum(
                each.id.namespace.lower() == namespace and may(principal, Verb.SEE, each)
                for each in self._catalog.hosted_repos(kind)
            )
            for kind in RepoKind
        }
