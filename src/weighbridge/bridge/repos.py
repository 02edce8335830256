"""The verbs of hosted repositories: make, change, push, and how a commit stands at the gate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from weighbridge.domain.access import Principal
from weighbridge.domain.hosted import Change, Gate, Repository
from weighbridge.domain.manifest import Storage
from weighbridge.domain.ref import RepoId
from weighbridge.domain.repo import Commit


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that a client is about to send; ``sample`` is its first 512 bytes or less."""

    path: str
    size_bytes: int
    sample: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """How a candidate is to be sent.

    ``oid`` is what the branch holds under this path now: the sha256 of a large file, the git
    blob id of a small one; None where there is none.
    """

    path: str
    storage: Storage
    ignored: bool
    oid: str | None


class State(StrEnum):
    """Where a commit stands at the gate."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What became of a commit: ``sentence`` says why it was refused or withdrawn.

    ``record_id`` is the id of the package or of the refusal; empty while waiting.
    """

    commit: str
    state: State
    sentence: str = ""
    record_id: str = ""


class Repos:
    """One method per verb; each first asks whether the principal may.

    Every method that names a repository raises, besides what it says: NoSuchRepo where there is
    none or the principal may not see it; NotAuthenticated (no token) or NotPermitted (not the
    owner; or the repository is a mirror of the upstream, which takes no changes). Names do not
    mind upper and lower case, and a former name still works. ``domain.invalid.Invalid`` means
    BadInput, as everywhere.
    """

    def repository(self, principal: Principal, repo: RepoId) -> Repository:
        """A hosted repository; its ``id`` is today's name (another one: answer 307)."""
        raise NotImplementedError

    def create(self, principal: Principal, repo: RepoId, *, private: bool = False) -> Repository:
        """Make a repository, with a first commit on ``main`` that holds a ``.gitattributes``.

        A ``repo`` without namespace gets the principal's own.

        Raises:
            RepoExists: the name is taken, by a hosted or by a mirrored repository; its ``repo``
                is the name that is there.
        """
        raise NotImplementedError

    def delete(self, principal: Principal, repo: RepoId) -> None:
        """Take a repository away, with its branches and its history; its packages are withdrawn."""
        raise NotImplementedError

    def move(self, principal: Principal, repo: RepoId, to: RepoId) -> Repository:
        """Give a repository another name; the old one leads to it from now on.

        Raises:
            RepoExists: the new name is taken.
            NotPermitted: the namespace of the new name is somebody else's.
        """
        raise NotImplementedError

    def change_settings(
        self, principal: Principal, repo: RepoId, *, private: bool | None = None, gate: Gate | None = None
    ) -> Repository:
        """Change who may see and download it; None leaves as it is."""
        raise NotImplementedError

    def create_branch(
        self,
        principal: Principal,
        repo: RepoId,
        name: str,
        *,
        start: str = "",
        empty: bool = False,
        overwrite: bool = False,
    ) -> str:
        """Make a branch at ``start`` (empty: the head of main), or an ``empty`` one; gives its commit.

        Raises:
            RefExists: there is one, and not ``overwrite``.
            NoSuchRevision: ``start`` is none.
            Invalid: git would not take the name.
        """
        raise NotImplementedError

    def delete_branch(self, principal: Principal, repo: RepoId, name: str) -> None:
        """Take a branch away.

        Raises:
            NoSuchRevision: there is none.
            NotPermitted: it is ``main``.
        """
        raise NotImplementedError

    def create_tag(self, principal: Principal, repo: RepoId, name: str, *, revision: str = "main") -> str:
        """Name a commit for good; gives the commit. Raises as ``create_branch``."""
        raise NotImplementedError

    def delete_tag(self, principal: Principal, repo: RepoId, name: str) -> None:
        """Take a tag away.

        Raises:
            NoSuchRevision: there is none.
        """
        raise NotImplementedError

    def preupload(
        self,
        principal: Principal,
        repo: RepoId,
        revision: str,
        files: Sequence[Candidate],
        gitignore: str | None = None,
    ) -> tuple[Advice, ...]:
        """How each file is to be sent, in the order of ``files``.

        Large are the files that ``.gitattributes`` at the revision gives to LFS, those over 10 MB
        and binary ones. Ignored are those that ``gitignore`` names, else the repository's own
        ``.gitignore``.

        Raises:
            NoSuchRevision: there is no such branch.
            BadInput, Invalid: a path is unsafe; a file is larger than may be.
        """
        raise NotImplementedError

    def commit(
        self,
        principal: Principal,
        repo: RepoId,
        revision: str,
        changes: Sequence[Change],
        *,
        title: str,
        description: str = "",
        parent: str | None = None,
    ) -> Commit:
        """Put a commit on a branch: all changes, in order, or none. It is judged afterwards.

        Raises:
            NoSuchRevision: there is no such branch.
            NoSuchFile: a change takes away or copies what is not there.
            StaleParent: the branch is not at ``parent`` (any more).
            BadInput, Invalid: an unsafe path, two paths that collide, a large file whose content
                was not sent or has another size, a file larger than may be.
        """
        raise NotImplementedError

    def lfs_missing(
        self, principal: Principal, repo: RepoId, objects: Sequence[tuple[str, int]]
    ) -> tuple[tuple[str, int], ...]:
        """Which of the (sha256, size in bytes) must still be sent.

        Raises:
            BadInput: a digest is none, or a file is larger than may be.
            SizeMismatch: the content is held and has another size.
        """
        raise NotImplementedError

    def receive(self, sha256: str, size_bytes: int, pieces: Iterable[bytes | memoryview]) -> None:
        """Take a large content in. The caller made sure that the sender may write (a signed URL).

        Raises:
            DigestMismatch, SizeMismatch: what came is not what was announced; nothing is kept.
            StoreDown: the disk is full.
            Whatever ``pieces`` raises; nothing is kept.
        """
        raise NotImplementedError

    def standing(self, principal: Principal, repo: RepoId, revision: str = "main") -> Standing:
        """How the commit stands that the revision means to this principal.

        Raises:
            NoSuchRevision: there is none, or it is not shown.
        """
        raise NotImplementedError

    def owned(self, principal: Principal) -> tuple[Repository, ...]:
        """Every hosted repository of the principal's namespaces, of all kinds, by name."""
        raise NotImplementedError

    def now(self) -> datetime:
        """The registry's clock, for signatures that expire: aware UTC."""
        raise NotImplementedError
