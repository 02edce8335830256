"""Walks protocol buffers without a schema and without trust: the wire format only.

Format: protobuf.dev/programming-guides/encoding. Nothing is allocated that a length claims; a long
message is read piece by piece from the file, a short one at once. Groups (wire types 3 and 4), which no
model format uses, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from weighbridge.scanners.notes import LimitExceeded, Malformed

MAX_PARTS = 5_000_000
"""Fields of one file, over all its messages."""
_LOADED_BYTES = 1 << 20
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_TEXT_BYTES = 4096


class Budget:
    """How many fields of a file may still be read."""

    def __init__(self, file: BinaryIO, parts: int = MAX_PARTS) -> None:
        self.file, self.left = file, parts

    def spend(self, count: int) -> None:
        """Count ``count`` fields.

        Raises:
            LimitExceeded: there were too many.
        """
        self.left -= count
        if self.left < 0:
            raise LimitExceeded(f"holds more than {MAX_PARTS} fields")


class Part(NamedTuple):
    """One field: its number, its wire type, its value (varint and fixed types) or its bytes."""

    number: int
    wire: int
    value: int
    body: Message


class Message:
    """A stretch ``[start, stop)`` of a file that is read as a message, a string or bytes."""

    __slots__ = ("_base", "_data", "budget", "start", "stop")

    def __init__(self, budget: Budget, start: int, stop: int, data: bytes | None = None, base: int = 0):
        self.budget, self.start, self.stop = budget, start, stop
        self._data, self._base = data, base

    @property
    def size(self) -> int:
        """In bytes."""
        return self.stop - self.start

    def parts(self) -> Iterator[Part]:
        """The fields, in their order.

        Raises:
            Malformed: the bytes are no message.
            LimitExceeded: the file holds too many fields.
        """
        if self._data is None and self.size <= _LOADED_BYTES:
            self._data, self._base = self.raw(_LOADED_BYTES), self.start
        at, count = self.start, 0
        while at < self.stop:
            part, at = self._part(at)
            count += 1
            if not count & 1023:
                self.budget.spend(1024)
            yield part
        self.budget.spend(count & 1023)

    def raw(self, limit: int) -> bytes:
        """The bytes themselves.

        Raises:
            LimitExceeded: there are more than ``limit``.
            Malformed: the file ends before.
        """
        if self.size > limit:
            raise LimitExceeded(f"a value of {self.size} bytes where {limit} are read")
        if self._data is not None:
            return self._data[self.start - self._base : self.stop - self._base]
        self.budget.file.seek(self.start)
        data = self.budget.file.read(self.size)
        if len(data) != self.size:
            raise Malformed("ends inside a field", self.start)
        return data

    def text(self, limit: int = _TEXT_BYTES) -> str:
        """The bytes as UTF-8, with what is not UTF-8 escaped; a name of this kind is never a known one.

        Raises:
            LimitExceeded: longer than ``limit`` bytes.
        """
        return self.raw(limit).decode("utf-8", "backslashreplace")

    def _part(self, at: int) -> tuple[Part, int]:
        if self._data is not None:
            data, here, stop = self._data, at - self._base, self.stop - self._base
        else:
            self.budget.file.seek(at)
            data, here = self.budget.file.read(min(20, self.stop - at)), 0
            stop = len(data)
        first = here
        tag, here = _varint(data, here, stop, at)
        number, wire = tag >> 3, tag & 7
        value, length = 0, 0
        if wire in (VARINT, BYTES):
            value, here = _varint(data, here, stop, at)
            length = value if wire == BYTES else 0
        elif wire == FIXED64:
            length = 8
        elif wire == FIXED32:
            length = 4
        else:
            raise Malformed(f"a field of wire type {wire}", at)
        begin = at + here - first
        end = begin + length
        if end > self.stop or not 0 < number < 1 << 29:
            raise Malformed("a field is longer than its message, or has no number", at)
        if wire in (FIXED64, FIXED32):
            value = int.from_bytes(data[here : here + length], "little")
        return Part(number, wire, value, Message(self.budget, begin, end, self._data, self._base)), end


def message(source: BinaryIO, size: int) -> Message:
    """The whole of ``source``, ``size`` bytes long, as one message."""
    return Message(Budget(source), 0, size)


def _varint(data: bytes, at: int, stop: int, place: int) -> tuple[int, int]:
    value = shift = 0
    while at < stop and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise Malformed("a number does not end", place)
