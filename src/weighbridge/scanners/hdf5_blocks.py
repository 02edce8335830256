"""Places in an HDF5 file: addresses and lengths of the widths that its superblock names."""

from __future__ import annotations

from typing import BinaryIO

from weighbridge.scanners.cursor import Cursor
from weighbridge.scanners.notes import Malformed

_MAX_HEAP_OBJECTS = 65_536


class Reader:
    """The file as a whole. Widths are set once the superblock is read."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self.source, self.size = source, size
        self.offset_bytes = self.length_bytes = 8

    def set_widths(self, offset_bytes: int, length_bytes: int) -> None:
        """Take over the widths of addresses and lengths, in bytes.

        Raises:
            Malformed: they are none that HDF5 uses.
        """
        if not {offset_bytes, length_bytes} <= {2, 4, 8}:
            raise Malformed("addresses of an unknown width", 8)
        self.offset_bytes, self.length_bytes = offset_bytes, length_bytes

    @property
    def undefined(self) -> int:
        """The address that stands for "nowhere"."""
        return (1 << 8 * self.offset_bytes) - 1

    def place(self, address: int, length: int | None = None) -> Place:
        """From ``address`` on, ``length`` bytes or all that is left.

        Raises:
            Malformed: it lies outside the file.
        """
        stop = self.size if length is None else address + length
        if not 0 <= address <= stop <= self.size:
            raise Malformed(f"points to byte {address}, which is outside", address)
        return Place(self, address, stop)

    def heap_object(self, address: int, index: int, length: int) -> bytes:
        """``length`` bytes of one object of a global heap collection.

        Raises:
            Malformed: there is no such object.
        """
        at = self.place(address)
        if at.take(4) != b"GCOL":
            raise Malformed("a heap is broken", address)
        at.take(4)
        heap = self.place(address, at.length())
        heap.take(8 + self.length_bytes)
        for _ in range(_MAX_HEAP_OBJECTS):
            found = heap.number(2)
            heap.take(6)
            size = heap.length()
            if found == 0:
                break
            if found == index:
                if length > size:
                    break
                return heap.take(length)
            heap.skip(-(-size // 8) * 8)
        raise Malformed("a heap does not hold what is read from it", address)


class Place:
    """A cursor that knows how wide addresses are."""

    def __init__(self, reader: Reader, start: int, stop: int) -> None:
        self._reader = reader
        self._cursor = Cursor(reader.source, start, stop)

    @property
    def offset_in_file(self) -> int:
        """The offset of the next byte."""
        return self._cursor.at

    @property
    def left(self) -> int:
        """Bytes up to the end of this place."""
        return self._cursor.stop - self._cursor.at

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes.

        Raises:
            Malformed: there are not so many.
        """
        if count > self.left:
            raise Malformed(f"ends where {count} more bytes should be", self.offset_in_file)
        pieces = []
        while count:
            pieces.append(self._cursor.take(min(count, 1 << 18)))
            count -= len(pieces[-1])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def peek(self, count: int) -> bytes:
        """The next bytes, which stay to be read."""
        at = self._cursor.at
        data = self.take(min(count, self.left))
        self._cursor.seek(at)
        return data

    def skip(self, count: int) -> None:
        """Move on."""
        self._cursor.skip(count)

    def number(self, width: int) -> int:
        """An unsigned number of ``width`` bytes."""
        return self._cursor.number(width)

    def text(self, count: int) -> str:
        """A name of ``count`` bytes."""
        return self._cursor.text(count, 1 << 16)

    def offset(self) -> int:
        """An address."""
        return self._cursor.number(self._reader.offset_bytes)

    def length(self) -> int:
        """A length."""
        return self._cursor.number(self._reader.length_bytes)

    def sub(self, count: int, stop: int) -> Place:
        """The next ``count`` bytes as a place of their own; this one moves behind them.

        Raises:
            Malformed: they end behind ``stop``.
        """
        at = self._cursor.at
        if at + count > stop:
            raise Malformed("a message is longer than its header", at)
        self._cursor.skip(count)
        return Place(self._reader, at, at + count)
