"""Reads a binary header from front to back, never past its end and never as much as it claims at once."""

from __future__ import annotations

from typing import BinaryIO, Literal

from weighbridge.scanners.notes import LimitExceeded, Malformed

_PIECE = 1 << 18


class Cursor:
    """A place in ``[start, stop)`` of a file; numbers are little endian unless ``order`` says otherwise."""

    def __init__(self, file: BinaryIO, start: int, stop: int, order: Literal["little", "big"] = "little"):
        self._file, self.start, self.stop, self.order = file, start, stop, order
        self._data, self._base, self._at = b"", start, 0

    @property
    def at(self) -> int:
        """The offset in the file of the next byte."""
        return self._base + self._at

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes, at most a piece of 256 KiB.

        Raises:
            Malformed: there are not so many.
        """
        end = self._at + count
        if end > len(self._data):
            self._fill(count)
            end = count
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def number(self, width: int) -> int:
        """The next ``width`` bytes as an unsigned number."""
        return int.from_bytes(self.take(width), self.order)

    def text(self, count: int, limit: int) -> str:
        """The next ``count`` bytes as UTF-8; what is not UTF-8 is escaped.

        Raises:
            LimitExceeded: more than ``limit`` bytes.
            Malformed: there are not so many.
        """
        if count > self.stop - self.at:
            raise Malformed(f"ends where {count} more bytes should be", self.at)
        if count > limit:
            raise LimitExceeded(f"a text of {count} bytes where {limit} are read")
        pieces = []
        while count:
            pieces.append(self.take(min(count, _PIECE)))
            count -= len(pieces[-1])
        return b"".join(pieces).decode("utf-8", "backslashreplace")

    def skip(self, count: int) -> None:
        """Move on without reading.

        Raises:
            Malformed: there are not so many bytes.
        """
        self.seek(self.at + count)

    def seek(self, place: int) -> None:
        """Move to an offset of the file.

        Raises:
            Malformed: it lies outside.
        """
        if not self.start <= place <= self.stop:
            raise Malformed(f"points to byte {place}, which is outside", self.at)
        inside = place - self._base
        if 0 <= inside <= len(self._data):
            self._at = inside
        else:
            self._data, self._base, self._at = b"", place, 0

    def _fill(self, count: int) -> None:
        place = self.at
        if count > _PIECE or place + count > self.stop:
            raise Malformed(f"ends where {count} more bytes should be", place)
        self._file.seek(place)
        self._data = self._file.read(min(_PIECE, self.stop - place))
        self._base, self._at = place, 0
        if len(self._data) < count:
            raise Malformed(f"ends where {count} more bytes should be", place)
