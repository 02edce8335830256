"""Large contents come in before the commit that names them: what is missing, and taking it in."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence

from weighbridge.bridge.pulls import paying_namespace, sending_space
from weighbridge.bridge.repo_refs import RepoRefs
from weighbridge.domain.access import Principal, Verb
from weighbridge.domain.manifest import sha256 as sha256_digest
from weighbridge.domain.parts import PartedContent, part_size
from weighbridge.domain.ref import RepoId
from weighbridge.errors import SizeMismatch
from weighbridge.flows.push import check_size

_ABANDONED_AFTER_S, _TIDIED_EVERY_S = 24 * 3600.0, 3600.0


class RepoLfs(RepoRefs):
    """Repositories as those who send large contents see them; see ``bridge.repos.Repos``."""

    _tidied_at = -_TIDIED_EVERY_S

    def sweep(self) -> None:
        """Remove what uploads that were given up a day ago have left."""
        self._blobs.sweep(_ABANDONED_AFTER_S)

    def tidy(self) -> None:
        """``sweep``, if that was an hour ago: a server runs for months, and uploads are given up daily."""
        if time.monotonic() - self._tidied_at >= _TIDIED_EVERY_S:
            self._tidied_at = time.monotonic()
            self.sweep()

    def lfs_missing(
        self,
        principal: Principal,
        repo: RepoId,
        objects: Sequence[tuple[str, int]],
        *,
        proposing: bool = False,
    ) -> tuple[tuple[str, int], ...]:
        """Which of the (sha256, size in bytes) must still be sent.

        What only others have sent must be: knowing a digest is not having the content.

        Raises:
            BadInput: a digest is none, or a file is larger than may be.
            SizeMismatch: the content is held and has another size.
            OverQuota: they do not fit into the room of the namespace.
            StoreDown: what is missing would not fit on the disk.
        """
        there = self.allowed(principal, repo, Verb.PROPOSE if proposing else Verb.WRITE)
        space = sending_space(principal, there)
        missing = []
        for sha256, size in objects:
            check_size(self._limit, sha256_digest(sha256).value, size)
            if not (self._blobs.holds(sha256) and self._receipts.has(space, sha256)):
                missing.append((sha256, size))
            elif (held := self._blobs.path(sha256).stat().st_size) != size:
                raise SizeMismatch(sha256, wanted=size, got=held)
        self.quotas.require(paying_namespace(principal, there), dict(objects))
        self._blobs.require_room(sum(size for _, size in missing))
        return tuple(missing)

    def receive(
        self,
        principal: Principal,
        repo: RepoId,
        sha256: str,
        size_bytes: int,
        pieces: Iterable[bytes | memoryview],
    ) -> None:
        """Take a large content in; from then on commits of the namespace may name it.

        Raises:
            DigestMismatch, SizeMismatch: what came is not what was announced; nothing is kept.
            OverQuota: it does not fit into the room of the namespace (any more).
            StoreDown: the disk is full.
            Whatever ``pieces`` raises; nothing is kept.
        """
        there = self.allowed(principal, repo, Verb.PROPOSE)
        check_size(self._limit, sha256_digest(sha256).value, size_bytes)
        space = sending_space(principal, there)
        self.quotas.require(paying_namespace(principal, there), {sha256: size_bytes})
        self._blobs.take(sha256, size_bytes, pieces)
        self._receipts.add(space, sha256)

    def in_parts(self, sha256: str, size_bytes: int) -> PartedContent | None:
        """A new upload of a large content in parts; None where it is small enough to come whole."""
        if not self._part_bytes or size_bytes <= self._part_bytes:
            return None
        return PartedContent(
            upload=secrets.token_hex(16),
            sha256=sha256,
            size_bytes=size_bytes,
            part_bytes=part_size(size_bytes, self._part_bytes),
        )

    def receive_part(
        self,
        principal: Principal,
        repo: RepoId,
        content: PartedContent,
        number: int,
        pieces: Iterable[bytes | memoryview],
    ) -> str:
        """Take a part of a large content in; gives the tag by which ``join_parts`` knows it.

        Raises:
            SizeMismatch: the part has another size; it counts as not sent.
            Conflict: it is being sent again meanwhile, or the upload was completed.
            OverQuota: the whole does not fit into the room of the namespace (any more).
            StoreDown: the disk is full.
            Whatever ``pieces`` raises; the part counts as not sent.
        """
        there = self.allowed(principal, repo, Verb.PROPOSE)
        check_size(self._limit, content.sha256, content.size_bytes)
        self.quotas.require(paying_namespace(principal, there), {content.sha256: content.size_bytes})
        return self._blobs.take_part(content, number, pieces)

    def join_parts(
        self, principal: Principal, repo: RepoId, content: PartedContent, tags: Sequence[str]
    ) -> None:
        """Make a large content of its parts; from then on commits of the namespace may name it.

        Who asks again, because the answer was lost, hears the same.

        Raises:
            IncompleteUpload: a part is missing, or is not the one of its tag.
            DigestMismatch: the parts make something else; nothing is kept.
            NotFound: the upload was given up.
            OverQuota: it does not fit into the room of the namespace (any more).
        """
        there = self.allowed(principal, repo, Verb.PROPOSE)
        space = sending_space(principal, there)
        self.quotas.require(paying_namespace(principal, there), {content.sha256: content.size_bytes})
        self._blobs.join_parts(content, tags)
        self._receipts.add(space, content.sha256)
