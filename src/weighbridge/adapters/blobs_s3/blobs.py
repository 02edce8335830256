"""The store's methods over a bucket and a folder of this machine."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import BinaryIO

from weighbridge.adapters.blobs_s3.bucket import Bucket
from weighbridge.adapters.blobs_s3.uses import Uses
from weighbridge.domain.manifest import FileEntry
from weighbridge.domain.manifest import sha256 as sha256_digest
from weighbridge.domain.parts import PartedContent
from weighbridge.errors import NotFound, SizeMismatch
from weighbridge.ports import BlobStore, Source

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PREFIX = "blobs-v1/sha256"
_SPARED_S = 6 * 3600.0
"""What was used since is never dropped: somebody may be about to open it."""
_AIM = 0.9


class S3Blobs:
    """Implements ``ports.BlobStore``: ``bucket`` holds, ``local`` is where work is done and read.

    ``local`` keeps what was used last, ``kept_bytes`` of it, and all that was used within six hours.
    Several processes may share it; each machine has its own.
    """

    def __init__(
        self, bucket: Bucket, local: BlobStore, *, kept_bytes: int, uses: Uses | None = None
    ) -> None:
        self._bucket, self._local, self._kept_bytes = bucket, local, kept_bytes
        self._uses = uses or Uses(bucket)
        self._guard = threading.Lock()
        self._used: int | None = None

    def holds(self, sha256: str) -> bool:
        """Whether this content is in the bucket. Asking is using: see ``uses``."""
        return self._size(sha256) is not None

    def fetch(
        self, entry: FileEntry, source: Source, moved: Callable[[int], None] | None = None
    ) -> FileEntry:
        """Take a file in; a broken fetch is gone on with on this machine."""
        if entry.sha256 and (size := self._size(entry.sha256)) is not None:
            if size != entry.size_bytes:
                raise SizeMismatch(entry.path, wanted=entry.size_bytes, got=size)
            return entry.with_digests([sha256_digest(entry.sha256)])
        known = self._local.fetch(entry, source, moved)
        self._send(known.sha256 or "", entry.size_bytes)
        return known

    def adopt(self, entry: FileEntry, file: Path) -> FileEntry | None:
        """Take in the content of a file of this machine; see ``ports.BlobStore.adopt``."""
        known = self._local.adopt(entry, file)
        if known is not None:
            self._send(known.sha256 or "", entry.size_bytes)
        return known

    def turn(self, name: str, waiting: Callable[[], None]) -> AbstractContextManager[bool]:
        """The right to work on ``name``, among the processes of this machine."""
        return self._local.turn(name, waiting)

    def add(self, content: bytes) -> str:
        """Take a content in and give its sha256."""
        name = new_sha256(content).hexdigest()
        if not self.holds(name):
            self._local.add(content)
            self._uses.settle(name)
            self._bucket.put(_key(name), content)
        return name

    def sweep(self, older_than_s: float) -> int:
        """Remove what was left on this machine, and old marks and unfinished uploads in the bucket."""
        self._uses.sweep(older_than_s)
        self._bucket.abort_unfinished(older_than_s)
        return self._local.sweep(older_than_s)

    def require_room(self, size_bytes: int) -> None:
        """Refuse what does not fit on this machine, and all while the bucket does not answer."""
        self._bucket.look(_PREFIX)  # there is no such object: only that it is told counts
        self._local.require_room(size_bytes)

    def take(self, sha256: str, size_bytes: int, pieces: Iterable[bytes | memoryview]) -> None:
        """Take in what somebody sends; see ``ports.BlobStore.take``."""
        self._local.take(sha256, size_bytes, pieces)
        self._send(sha256, size_bytes)

    def take_part(self, content: PartedContent, number: int, pieces: Iterable[bytes | memoryview]) -> str:
        """Take in a part of what somebody sends, on this machine: all parts must come to it."""
        return self._local.take_part(content, number, pieces)

    def join_parts(self, content: PartedContent, tags: Sequence[str]) -> None:
        """Make the parts one content; see ``ports.BlobStore.join_parts``."""
        self._local.join_parts(content, tags)
        self._send(content.sha256, content.size_bytes)

    def open(self, sha256: str) -> BinaryIO:
        """A content, seekable; brought here whole if it is not here."""
        return self.path(sha256).open("rb")

    def path(self, sha256: str) -> Path:
        """Where a content can be read; brought here whole if it is not here."""
        self._bring(sha256)
        path = self._local.path(sha256)
        with suppress(OSError):  # a memory of what was used last, and no more
            os.utime(path)
        return path

    def address(self, sha256: str) -> str | None:
        """Where a client can read a content by itself for an hour; see ``ports.BlobStore.address``."""
        return self._bucket.address(_key(sha256)) if _SHA256.fullmatch(sha256) else None

    def remove(self, sha256: str) -> None:
        """Drop a content; one that is not here is fine."""
        if _SHA256.fullmatch(sha256):
            self._bucket.remove(_key(sha256))
            self._local.remove(sha256)

    def discard(self, sha256: str, unused_since: float) -> int | None:
        """Remove a content from the bucket that nobody used since then; see ``uses``.

        Copies on the disks of machines go when there is too much there.
        """
        if not self.is_idle(sha256, unused_since):
            return None
        with self._uses.removing(sha256) as is_in_time:
            found = self._bucket.look(_key(sha256))
            if found is None or self._uses.used_at(sha256, found.at) >= unused_since or not is_in_time():
                return None
            self._bucket.remove(_key(sha256))
        self._uses.forget(sha256)
        return found.size

    def is_idle(self, sha256: str, unused_since: float) -> bool:
        """Whether ``discard`` would remove it now."""
        found = self._bucket.look(_key(sha256)) if _SHA256.fullmatch(sha256) else None
        return found is not None and self._uses.used_at(sha256, found.at) < unused_since

    def walk(self) -> Iterator[tuple[str, int]]:
        """Every content: its sha256 and its size in bytes."""
        for key, found in self._bucket.walk(_PREFIX):
            name = key.rpartition("/")[2]
            if _SHA256.fullmatch(name):
                yield name, found.size

    def _size(self, sha256: str) -> int | None:
        """The size of a content, which whoever asks may rely on; None where it is not here."""
        while _SHA256.fullmatch(sha256) and (found := self._bucket.look(_key(sha256))):
            if self._uses.note(sha256, found.at):
                return found.size
        return None

    def _send(self, sha256: str, size: int) -> None:
        """Make what was checked here an object; nothing is sent that is there."""
        with self._local.turn(f"send-{sha256}", _nobody):
            if not self.holds(sha256):
                self._uses.settle(sha256)
                self._bucket.put_large(_key(sha256), self._local.path(sha256), size)
        self._keep_within(size)

    def _bring(self, sha256: str) -> None:
        if self._local.holds(sha256):
            return
        if not _SHA256.fullmatch(sha256):
            raise NotFound(f"{sha256[:80]!a} is not a sha256, so the store holds nothing under it")
        with self._local.turn(f"bring-{sha256}", _nobody):
            if self._local.holds(sha256):
                return
            size, pieces = self._bucket.read(_key(sha256))
            self._local.take(sha256, size, pieces)
        self._keep_within(size)

    def _keep_within(self, more: int) -> None:
        """Drop what was not used for longest once there is too much of it here."""
        with self._guard:
            used = (
                more + self._used if self._used is not None else sum(size for _, size in self._local.walk())
            )
            if used > self._kept_bytes:
                used = self._trimmed()
            self._used = used

    def _trimmed(self) -> int:
        there = []
        for name, size in self._local.walk():
            with suppress(NotFound, FileNotFoundError):  # another process was faster
                there.append((self._local.path(name).stat().st_mtime, name, size))
        used, limit = sum(size for _, _, size in there), time.time() - _SPARED_S
        for at, name, size in sorted(there):
            if used <= self._kept_bytes * _AIM or at > limit:
                break
            self._local.remove(name)
            used -= size
        return used


def _key(sha256: str) -> str:
    return f"{_PREFIX}/{sha256[:2]}/{sha256}"


def _nobody() -> None:
    """Hears that somebody else is at it."""
