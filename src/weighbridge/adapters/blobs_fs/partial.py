"""A file that is being fetched, and what of it is there.

The sidecar holds one byte for each block of a MiB, set after the block was written; the order
of writes within one machine is kept by a kill, not by a power cut. After that the digest tells,
and the fetch starts over (see ``FolderBlobs``).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Self

BLOCK_BYTES = 1 << 20


class Partial:
    """An open partial file of ``size`` bytes; the caller holds its turn."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size
        self._ranges = path.with_name(f"{path.name}.ranges")
        self.file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._marks = os.open(self._ranges, os.O_RDWR | os.O_CREAT, 0o600)
        except BaseException:
            os.close(self.file)
            raise
        self.done = self._read_marks()

    @property
    def kept_bytes(self) -> int:
        """How many bytes are there already."""
        blocks = self.done.count(1)
        short = -self.size % BLOCK_BYTES if self.done and self.done[-1] else 0
        return blocks * BLOCK_BYTES - short

    @property
    def prefix(self) -> int:
        """Everything before this offset is there."""
        gap = self.done.find(0)
        return self.size if gap < 0 else gap * BLOCK_BYTES

    def write(self, piece: memoryview, offset: int) -> None:
        """Write all of ``piece`` at ``offset``."""
        while piece:
            count = os.pwrite(self.file, piece, offset)
            piece, offset = piece[count:], offset + count

    def mark(self, block: int) -> None:
        """The block is written."""
        self.done[block] = 1
        os.pwrite(self._marks, b"\x01", block)

    def stop_of(self, block: int) -> int:
        """Where a block ends, in bytes."""
        return min((block + 1) * BLOCK_BYTES, self.size)

    def clear(self) -> None:
        """Begin anew."""
        os.ftruncate(self._marks, 0)
        os.ftruncate(self.file, 0)
        self.done = bytearray(len(self.done))

    def remove(self) -> None:
        """Take away what is left of both files; a published one has its new name already."""
        for path in (self.path, self._ranges):
            with suppress(FileNotFoundError):
                path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.file)
        os.close(self._marks)

    def _read_marks(self) -> bytearray:
        count = -(-self.size // BLOCK_BYTES)
        marks = os.pread(self._marks, count + 1, 0)
        written = os.fstat(self.file).st_size
        is_ours = len(marks) <= count and written <= self.size and set(marks) <= {0, 1}
        if not is_ours or (marks and written < self.stop_of(len(marks) - 1)):
            os.ftruncate(self._marks, 0)
            marks = b""
        return bytearray(marks.ljust(count, b"\x00"))
