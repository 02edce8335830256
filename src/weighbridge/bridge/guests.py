"""The verbs of people who do not own a repository: ask to be let in, like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.access import require
from weighbridge.domain.access import (
    AccessRequest,
    AccessStatus,
    AuditLine,
    Permission,
    Principal,
    Verb,
    may,
)
from weighbridge.domain.hosted import Gate, Repository
from weighbridge.domain.ref import RepoId
from weighbridge.errors import BadInput, NotFound

Allowed = Callable[[Principal, RepoId, Verb], Repository]


class Guests:
    """One method per verb; each raises, besides what it says, what ``allowed`` raises."""

    def __init__(self, allowed: Allowed, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._allowed, self._catalog, self._now = allowed, catalog, now

    def ask(self, principal: Principal, repo: RepoId) -> AccessStatus:
        """Ask to be let in; at a gate that opens by itself that is all. Asking twice changes nothing.

        Raises:
            BadInput: the repository is not gated.
        """
        there = self._gated(principal, repo, Verb.DISCUSS)
        known = self._of(there, principal.name)
        if known is not None and (known.status is not AccessStatus.PENDING or there.gate is Gate.MANUAL):
            return known.status
        status = AccessStatus.ACCEPTED if there.gate is Gate.AUTO else AccessStatus.PENDING
        self._put(principal, there, principal.name, status)
        return status

    def requests(self, principal: Principal, repo: RepoId, status: AccessStatus) -> tuple[AccessRequest, ...]:
        """The requests in a state, oldest first.

        Raises:
            BadInput: the repository is not gated.
        """
        there = self._gated(principal, repo, Verb.OWN)
        return tuple(each for each in self._catalog.access_requests(there.key) if each.status is status)

    def handle(
        self, principal: Principal, repo: RepoId, wanted: str, status: AccessStatus, reason: str = ""
    ) -> None:
        """Bring a request into a state; ``wanted`` is its user or its id.

        Raises:
            BadInput: the repository is not gated.
            NotFound: there is no such request, or it is in this state already.
        """
        there = self._gated(principal, repo, Verb.OWN)
        for each in self._catalog.access_requests(there.key):
            if wanted in (each.user, each.id) and each.status is not status:
                self._put(principal, there, each.user, status, reason, each)
                return
        raise NotFound(f"'{there.id}' has no request of {wanted[:100]!a} that is not {status.value} already")

    def grant(self, principal: Principal, repo: RepoId, user: str) -> None:
        """Let somebody in who did not ask.

        Raises:
            BadInput: the repository is not gated, or the user is let in already.
            NotFound: there is no such user.
        """
        there = self._gated(principal, repo, Verb.OWN)
        name = self._catalog.user(user).name
        if self._catalog.is_let_in(there.key, name):
            raise BadInput(f"'{name}' has access to '{there.id}' already")
        self._put(principal, there, name, AccessStatus.ACCEPTED)

    def like(self, principal: Principal, repo: RepoId, *, likes: bool = True) -> None:
        """Like a repository, or no longer."""
        there = self._allowed(principal, repo, Verb.DISCUSS)
        at = self._now()
        line = AuditLine(
            at=at,
            by=principal.name,
            verb="repo.like" if likes else "repo.unlike",
            target=there.id.full_name,
        )
        self._catalog.set_like(there.key, principal.name, at if likes else None, line)

    def likers(self, principal: Principal, repo: RepoId) -> tuple[str, ...]:
        """Who likes a repository, the newest first."""
        return self._catalog.likers(self._allowed(principal, repo, Verb.SEE).key)

    def likes(self, principal: Principal, user: str) -> tuple[tuple[Repository, datetime], ...]:
        """What a user likes of what the caller sees, the newest first; asks for ``search``.

        Raises:
            NotFound: there is no such user, or the account was closed.
        """
        require(principal, Permission.SEARCH)
        account = self._catalog.user(user.lower())
        if account.disabled:
            raise NotFound(f"there is no user '{user}'")
        liked = self._catalog.liked_by(account.name)
        return tuple((each, at) for each, at in liked if may(principal, Verb.SEE, each))

    def _gated(self, principal: Principal, repo: RepoId, verb: Verb) -> Repository:
        there = self._allowed(principal, repo, verb)
        if there.gate is Gate.OPEN:
            raise BadInput(f"'{there.id}' is not gated: nobody has to ask for access")
        return there

    def _of(self, repository: Repository, user: str) -> AccessRequest | None:
        found = (each for each in self._catalog.access_requests(repository.key) if each.user == user)
        return next(found, None)

    def _put(
        self,
        principal: Principal,
        repository: Repository,
        user: str,
        status: AccessStatus,
        reason: str = "",
        known: AccessRequest | None = None,
    ) -> None:
        at = self._now()
        line = AuditLine(
            at=at,
            by=principal.name,
            verb=f"access.{status.value}",
            target=repository.id.full_name,
            detail=user,
        )
        fresh = AccessRequest(id=uuid4().hex[:24], user=user, status=status, at=at, reason=reason[:4096])
        made = replace(fresh, id=known.id) if known else fresh
        self._catalog.put_access_request(repository.key, made, line)
