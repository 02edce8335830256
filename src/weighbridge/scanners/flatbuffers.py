"""Reads tables of FlatBuffers without a schema, every offset held against the file.

Format: flatbuffers.dev/internals: a table begins with the (signed) distance back to its vtable, which
lists where each field stands; vectors and strings begin with their length.
"""

from __future__ import annotations

from typing import BinaryIO

from weighbridge.scanners.notes import LimitExceeded, Malformed

MAX_ITEMS = 2_000_000


class Buffer:
    """A whole file; ``left`` counts what may still be read of it."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source, self.size = source, size
        self._data, self._base = b"", 0
        self.left = MAX_ITEMS

    def at(self, place: int, count: int) -> bytes:
        """``count`` bytes at ``place``.

        Raises:
            Malformed: they are not in the file.
            LimitExceeded: too much was read already.
        """
        self.left -= 1
        if self.left < 0:
            raise LimitExceeded(f"more than {MAX_ITEMS} values")
        if place < 0 or place + count > self.size:
            raise Malformed(f"points to byte {place}, which is outside", place)
        inside = place - self._base
        if inside < 0 or inside + count > len(self._data):
            self._source.seek(place)
            self._data, self._base, inside = self._source.read(max(count, 1 << 16)), place, 0
            if len(self._data) < count:
                raise Malformed("ends inside a value", place)
        return self._data[inside : inside + count]

    def number(self, place: int, width: int = 4, *, signed: bool = False) -> int:
        """A little endian number."""
        return int.from_bytes(self.at(place, width), "little", signed=signed)

    def root(self) -> Table:
        """The table with which the file begins."""
        return Table(self, self.number(0))


class Table:
    """One table; fields are asked for by their number in the schema."""

    def __init__(self, buffer: Buffer, place: int) -> None:
        self.buffer, self.place = buffer, place
        self._vtable = place - buffer.number(place, 4, signed=True)
        self._bytes = buffer.number(self._vtable, 2)
        if self._bytes < 4 or self._bytes % 2:
            raise Malformed("a table without a layout", place)

    def field(self, number: int) -> int:
        """The place of a field, 0 where the table leaves it out."""
        at = 4 + 2 * number
        inside = self.buffer.number(self._vtable + at, 2) if at + 2 <= self._bytes else 0
        return self.place + inside if inside else 0

    def value(self, number: int, width: int, default: int = 0, *, signed: bool = False) -> int:
        """A number, or its default."""
        at = self.field(number)
        return self.buffer.number(at, width, signed=signed) if at else default

    def vector(self, number: int) -> tuple[int, int]:
        """The place and the length of a vector; (0, 0) where there is none."""
        at = self.field(number)
        if not at:
            return 0, 0
        start = at + self.buffer.number(at)
        return start + 4, self.buffer.number(start)

    def text(self, number: int, limit: int = 4096) -> str:
        """A string; empty where there is none."""
        start, length = self.vector(number)
        if length > limit:
            raise LimitExceeded(f"a text of {length} bytes where {limit} are read")
        return self.buffer.at(start, length).decode("utf-8", "backslashreplace") if length else ""

    def tables(self, number: int) -> list[Table]:
        """The tables of a vector of them."""
        start, count = self.vector(number)
        if count * 4 > self.buffer.size:
            raise Malformed(f"a vector of {count} tables", start)
        if count > self.buffer.left:
            raise LimitExceeded(f"a vector of {count} tables")
        places = range(start, start + 4 * count, 4)
        return [Table(self.buffer, place + self.buffer.number(place)) for place in places]
