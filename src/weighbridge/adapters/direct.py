"""Large files past the page cache: what is written once and read much later need not be held in memory.

A write through the cache takes a page of memory for each page of the file. On a machine whose
unused memory belongs to its host that page must be had first, and writing 1 GiB costs 2 CPU
seconds; past the cache it costs 0.1, and files that are being served stay in memory.

Where the system or the filesystem has no direct I/O the same bytes go through the cache.
"""

from __future__ import annotations

import errno
import fcntl
import os
from mmap import mmap

PIECE_BYTES = 2 << 20
"""What is written at once. 1 MiB costs as much CPU and, on a busy machine, half again as much waiting."""
_BLOCK_BYTES = 4096
"""Direct I/O begins and ends at multiples of the disk's blocks, in the file and in memory."""
_DIRECT = getattr(os, "O_DIRECT", 0)


class DirectWriter:
    """Writes a file, or a stretch of one, in order from the byte ``at``.

    Every method raises OSError where the disk fails.
    """

    def __init__(self, file: int, at: int = 0) -> None:
        self._file, self._at = file, at
        self._buffer = memoryview(mmap(-1, PIECE_BYTES))  # begins at a page
        self._filled = 0
        self._is_direct = False

    def write(self, content: bytes | memoryview) -> None:
        """Append ``content``; what does not fill a piece waits for the next, or for ``finish``."""
        left = memoryview(content)
        while left:
            taken = left[: PIECE_BYTES - self._filled]
            self._buffer[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            left = left[len(taken) :]
            if self._filled == PIECE_BYTES:
                self._is_direct = self._is_direct or _set_direct(self._file, True)
                self._flush()

    def finish(self) -> None:
        """Write what still waits. Syncing is the caller's."""
        if self._is_direct:
            _set_direct(self._file, False)
            self._is_direct = False
        self._flush()

    def _flush(self) -> None:
        left, self._filled = self._buffer[: self._filled], 0
        while left:
            try:
                count = os.pwrite(self._file, left, self._at)
            except OSError as error:
                if error.errno != errno.EINVAL or not self._is_direct:
                    raise
                # other blocks than ours, or not at one's beginning: the rest of this piece by the cache
                _set_direct(self._file, False)
                self._is_direct = False
                continue
            left, self._at = left[count:], self._at + count


class DirectReader:
    """Reads stretches of a file. Every method raises OSError where the disk fails."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._buffer = memoryview(mmap(-1, PIECE_BYTES))
        self._is_direct = _set_direct(file, True)

    def read(self, start: int, stop: int) -> memoryview:
        """The bytes from ``start`` to ``stop``, fewer where the file ends; good until the next call."""
        begin = start - start % _BLOCK_BYTES
        size = -(-(stop - begin) // _BLOCK_BYTES) * _BLOCK_BYTES
        if size > len(self._buffer):
            self._buffer = memoryview(mmap(-1, size))
        came = self._fill(self._buffer[:size], begin)
        return self._buffer[start - begin : min(stop - begin, came)]

    def _fill(self, buffer: memoryview, begin: int) -> int:
        came = 0
        while came < len(buffer):
            try:
                count = os.preadv(self._file, [buffer[came:]], begin + came)
            except OSError as error:
                if error.errno != errno.EINVAL or not self._is_direct:
                    raise
                self._is_direct = not _set_direct(self._file, False)
                continue
            came += count
            if not count or (self._is_direct and count % _BLOCK_BYTES):
                break  # the file ends; going on from there would be no multiple of a block
        return came


def _set_direct(file: int, wanted: bool) -> bool:
    """Let an open file go past the cache, or through it again; whether it could be had."""
    if not _DIRECT:
        return False
    flags = fcntl.fcntl(file, fcntl.F_GETFL)
    try:
        fcntl.fcntl(file, fcntl.F_SETFL, flags | _DIRECT if wanted else flags & ~_DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False
    return True
