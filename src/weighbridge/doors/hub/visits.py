"""One call that changes something: who makes it, to what, and what came with it."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from weighbridge.bridge.discussions import Discussions
from weighbridge.bridge.hub import HubDesk
from weighbridge.bridge.repos import Repos
from weighbridge.bridge.xet import XetDesk
from weighbridge.domain.access import Principal
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.hub.answers import Answer, Ongoing
from weighbridge.doors.hub.bodies import SMALL_BODY_BYTES, json_object
from weighbridge.doors.hub.request import Request
from weighbridge.doors.hub.signing import Signer, signed_caller
from weighbridge.errors import BadInput, NoSuchRepo


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What an address is about: a repository, and the segments behind its name and the verb."""

    kind: RepoKind = RepoKind.MODEL
    name: str = ""
    rest: tuple[str, ...] = ()

    @property
    def repo(self) -> RepoId:
        """The repository.

        Raises:
            NoSuchRepo: no repository can have this name.
        """
        try:
            return RepoId.parse(self.name, self.kind)
        except Invalid as error:
            raise NoSuchRepo(self.name) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A call, with its caller. ``pieces`` is the body where it comes in pieces."""

    desk: HubDesk
    repos: Repos
    signer: Signer
    principal: Principal
    request: Request
    place: Place
    xet: XetDesk | None = None
    pieces: Iterable[bytes] = ()

    @property
    def repo(self) -> RepoId:
        """The repository that the address names."""
        return self.place.repo

    @property
    def rest(self) -> str:
        """What stands behind the verb, as one name."""
        return "/".join(self.place.rest)

    @property
    def discussions(self) -> Discussions:
        """The verbs of discussions and pull requests."""
        return self.repos.discussions

    def document(self) -> JsonObject:
        """The body as a JSON object; an empty body is an empty one.

        Raises:
            BadInput: it is something else.
        """
        return json_object(self.request.body)

    def signed_sender(self) -> Principal:
        """Who asked for a signed address, with what it may do by now.

        Raises:
            NotPermitted: the address is not ours, or too old.
            NotAuthenticated: the account was closed.
        """
        fields = dict(self.request.query)
        self.signer.check(self.request.path, fields)
        return self.desk.current(signed_caller(fields))

    def signed_name(self) -> str:
        """The name of who asked for a signed address; raises NotPermitted as ``signed_sender``."""
        fields = dict(self.request.query)
        self.signer.check(self.request.path, fields)
        return fields["by"]

    def address(self, repo: RepoId) -> str:
        """Where a repository is, with the host that the client used.

        Raises:
            BadInput: the request has no usable Host.
        """
        if not self.request.origin:
            raise BadInput("the request has no Host header that an address could be made of")
        return f"{self.request.origin}{path_of(repo)}"


Handle: TypeAlias = Callable[[Visit], Answer]
Told: TypeAlias = Callable[[Future[Answer], float], Ongoing]
"""Makes of work that goes on, and seconds, an answer that says so each time after so many."""


def path_of(repo: RepoId) -> str:
    """``/org/name``, or ``/datasets/org/name``."""
    folder = "" if repo.kind is RepoKind.MODEL else f"/{repo.kind.plural}"
    return f"{folder}/{repo.full_name}"


class Held(Enum):
    """Bodies that are kept in memory: they wait for others of their sort only."""

    COMMIT = auto()
    SHARD = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is done at an address.

    ``limit`` is the longest body; one that ``streams`` comes to the handle in pieces, and if the handle
    keeps all of it, ``held`` says as what: of each sort few large ones go at once. A deed that is
    ``open`` does not look at the caller's token: the address is signed, or the token is of another
    kind, or nothing is changed. One for ``anyone`` looks at the token if there is one. Of one that is
    ``told`` the caller hears while it is done. ``who`` sends a body that streams, as far as can be told
    before it is read. If it is ``signed``, the address says how long the body is.
    """

    handle: Handle
    limit: int = SMALL_BODY_BYTES
    streams: bool = False
    held: Held | None = None
    open: bool = False
    anyone: bool = False
    told: Told | None = None
    who: Callable[[Visit], str] = lambda visit: visit.principal.name
    signed: bool = False
