"""A range of an open file as a ``ports.ByteStream``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from weighbridge.errors import SizeMismatch
from weighbridge.ports import ByteStream


class FileStream:
    """The bytes ``[start, stop)`` of a seekable binary file, which it closes."""

    def __init__(self, file: BinaryIO, path: str, start: int, stop: int) -> None:
        self._file, self._path, self._stop = file, path, stop
        self._at = start
        file.seek(start)

    def readinto(self, buffer: memoryview) -> int:
        """Fill (a part of) ``buffer``; 0 at the end of the range.

        Raises:
            SizeMismatch: the file ends before the range does.
        """
        wanted = min(len(buffer), self._stop - self._at)
        if wanted <= 0:
            return 0
        got = cast("int", self._file.readinto(buffer[:wanted]))  # type: ignore[attr-defined]
        if not got:
            raise SizeMismatch(self._path, wanted=self._stop, got=self._at)
        self._at += got
        return got

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._file.close()


@contextmanager
def file_stream(file: BinaryIO, path: str, start: int, stop: int) -> Iterator[ByteStream]:
    """``file`` as a stream that is closed at the end; ``path`` names it in messages."""
    stream = FileStream(file, path, start, stop)
    try:
        yield stream
    finally:
        stream.close()
