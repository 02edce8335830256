"""Large contents come in before the commit that names them: what is missing, and taking it in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from weighbridge.bridge.pulls import sending_space
from weighbridge.bridge.repo_refs import RepoRefs
from weighbridge.domain.access import Principal, Verb
from weighbridge.domain.manifest import sha256 as sha256_digest
from weighbridge.domain.ref import RepoId
from weighbridge.errors import SizeMismatch
from weighbridge.flows.push import check_size


class RepoLfs(RepoRefs):
    """Repositories as those who send large contents see them; see ``bridge.repos.Repos``."""

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
            StoreDown: what is missing would not fit.
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
            StoreDown: the disk is full.
            Whatever ``pieces`` raises; nothing is kept.
        """
        there = self.allowed(principal, repo, Verb.PROPOSE)
        check_size(self._limit, sha256_digest(sha256).value, size_bytes)
        self._blobs.take(sha256, size_bytes, pieces)
        self._receipts.add(sending_space(principal, there), sha256)
