"""Digests of bytes in order: inline, or following the finished part of a growing file.

sha256 is the wall of a fetch (about 1.4 GB/s a core). It releases the interpreter's lock, so for
large files it runs beside the download and reads back what was just written, from memory.
"""

from __future__ import annotations

import hashlib
import os
from threading import Condition, Thread

from weighbridge.domain.manifest import Digest, FileEntry, git_blob_header, git_sha1, sha256
from weighbridge.errors import DigestMismatch

PIECE_BYTES = 1 << 20


class ShorterThanSaid(OSError):
    """A file ended before the bytes that were to be hashed."""


class Digesting:
    """The sha256 of a content, and its git blob id where the entry carries one."""

    def __init__(self, entry: FileEntry) -> None:
        self._entry = entry
        self._sha256 = hashlib.sha256()
        self._git = None
        if entry.git_sha1:
            self._git = hashlib.sha1(git_blob_header(entry.size_bytes), usedforsecurity=False)

    def update(self, piece: bytes | bytearray | memoryview) -> None:
        """Take the next bytes in."""
        self._sha256.update(piece)
        if self._git is not None:
            self._git.update(piece)

    def checked(self) -> FileEntry:
        """The entry with every digest known.

        Raises:
            DigestMismatch: one of them is not what the entry says.
        """
        found = [sha256(self._sha256.hexdigest())]
        if self._git is not None:
            found.append(git_sha1(self._git.hexdigest()))
        for digest in found:
            wanted = self._entry.digest(digest.algorithm)
            if wanted is not None and wanted != digest.value:
                was = Digest(digest.algorithm, wanted)
                raise DigestMismatch(self._entry.path, wanted=str(was), got=str(digest))
        return self._entry.with_digests(found)


def digest_file(digesting: Digesting, file: int, start: int, stop: int) -> None:
    """Take the bytes ``[start, stop)`` of an open file in."""
    buffer = memoryview(bytearray(min(PIECE_BYTES, max(stop - start, 1))))
    while start < stop:
        count = os.preadv(file, [buffer[: min(len(buffer), stop - start)]], start)
        if not count:
            raise ShorterThanSaid("a file became shorter while it was read")
        digesting.update(buffer[:count])
        start += count


class Follower:
    """A thread that hashes a growing file up to where it is known to be finished."""

    def __init__(self, digesting: Digesting, file: int) -> None:
        self._digesting, self._file = digesting, file
        self._finished, self._is_over = 0, False
        self._error: OSError | None = None
        self._news = Condition()
        self._thread = Thread(target=self._run, name="weighbridge-hash", daemon=True)
        self._thread.start()

    def advance(self, finished: int) -> None:
        """The bytes before ``finished`` are written."""
        with self._news:
            if finished > self._finished:
                self._finished = finished
                self._news.notify()

    def finish(self) -> None:
        """Wait until everything that was announced is hashed.

        Raises:
            OSError: the file could not be read back.
        """
        with self._news:
            self._is_over = True
            self._news.notify()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        """Stop soon; the digests are worth nothing then."""
        with self._news:
            self._finished, self._is_over = 0, True
            self._news.notify()
        self._thread.join()

    def _run(self) -> None:
        hashed = 0
        try:
            while (stop := self._next(hashed)) > hashed:
                digest_file(self._digesting, self._file, hashed, stop)
                hashed = stop
        except OSError as error:
            self._error = error

    def _next(self, hashed: int) -> int:
        """How far to hash now: a few pieces at most, so that ``abandon`` is heard; 0 at the end."""
        with self._news:
            while self._finished <= hashed and not self._is_over:
                self._news.wait()
            return min(self._finished, hashed + 8 * PIECE_BYTES)
