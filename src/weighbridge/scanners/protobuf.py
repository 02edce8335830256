"""Walks protocol buffers without a schema and without trust: the wire format only.

Format: protobuf.dev/programming-guides/encoding. Nothing is allocated that a length claims; a long
message is read piece by piece from the file. Groups (wire types 3 and 4), which no model format uses, are
refused.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import BinaryIO, NamedTuple

from weighbridge.scanners.notes import LimitExceeded, Malformed

MAX_PARTS = 2_000_000
"""Fields of one file, over all its messages: a vocabulary of 256,000 pieces has half as many."""
_SMALL_WINDOW, _LARGE_WINDOW = 1 << 12, 1 << 18
_HEAD_BYTES = 20
"""A tag and a length take ten bytes each at most."""
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
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
    """One field: its number, its wire type, its value (varint and fixed types) or where its bytes stand."""

    number: int
    wire: int
    value: int
    start: int
    stop: int
    window: _Window

    @property
    def body(self) -> Message:
        """The bytes of the field, to be read as a message or a string."""
        return Message(self.window, self.start, self.stop)


class _Window(NamedTuple):
    """What of a file is held: the bytes from ``base`` on."""

    budget: Budget
    data: bytes
    base: int


class Message:
    """A stretch ``[start, stop)`` of a file that is read as a message, a string or bytes."""

    __slots__ = ("_window", "start", "stop")

    def __init__(self, window: _Window, start: int, stop: int) -> None:
        self._window, self.start, self.stop = window, start, stop

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
        at, wanted = self.start, _SMALL_WINDOW
        while at < self.stop:
            window = self._held(at, wanted)
            # A head near the end of what is held may be cut there, and is read again from the file.
            whole = window.base + len(window.data)
            last = self.stop if whole >= self.stop else whole - _HEAD_BYTES
            at = yield from _fields(window, at, last, self.stop)
            # Where a field was jumped over, the next one may be as long: little is read ahead.
            wanted = _SMALL_WINDOW if at > whole else min(wanted * 8, _LARGE_WINDOW)

    def _held(self, at: int, wanted: int) -> _Window:
        budget, data, base = self._window
        if base <= at and self.stop <= base + len(data):
            return self._window
        budget.file.seek(at)
        wanted = min(wanted, self.stop - at)
        data = budget.file.read(wanted)
        if len(data) < wanted:
            raise Malformed("ends inside a field", at)
        return _Window(budget, data, at)

    def raw(self, limit: int) -> bytes:
        """The bytes themselves.

        Raises:
            LimitExceeded: there are more than ``limit``.
            Malformed: the file ends before.
        """
        if self.size > limit:
            raise LimitExceeded(f"a value of {self.size} bytes where {limit} are read")
        budget, held, base = self._window
        if base <= self.start and self.stop <= base + len(held):
            return held[self.start - base : self.stop - base]
        budget.file.seek(self.start)
        data = budget.file.read(self.size)
        if len(data) != self.size:
            raise Malformed("ends inside a field", self.start)
        return data

    def text(self, limit: int = _TEXT_BYTES) -> str:
        """The bytes as UTF-8, with what is not UTF-8 escaped; a name of this kind is never a known one.

        Raises:
            LimitExceeded: longer than ``limit`` bytes.
        """
        return self.raw(limit).decode("utf-8", "backslashreplace")


def _fields(window: _Window, at: int, last: int, stop: int) -> Generator[Part, None, int]:
    """The fields that begin in ``[at, last)`` of what is held; none may end behind ``stop``.

    Gives the end of the last one.
    """
    budget, data, base = window
    new = tuple.__new__  # half the time of calling Part
    count = 0
    while at < last:
        here = at - base
        tag = data[here]
        here += 1
        if tag > 0x7F:
            tag, here = _varint(data, here - 1, at)
        number, wire, value, length = tag >> 3, tag & 7, 0, 0
        if wire in (VARINT, BYTES):
            if here < len(data) and data[here] < 0x80:
                value, here = data[here], here + 1
            else:
                value, here = _varint(data, here, at)
            length = value if wire == BYTES else 0
        elif wire in _FIXED:
            length = _FIXED[wire]
            value = int.from_bytes(data[here : here + length], "little")
        else:
            raise Malformed(f"a field of wire type {wire}", at)
        begin = base + here
        if begin + length > stop or not 0 < number < 1 << 29:
            raise Malformed("a field is longer than its message, or has no number", at)
        count += 1
        if not count & 1023:
            budget.spend(1024)
        at = begin + length
        yield new(Part, (number, wire, value, begin, at, window))
    budget.spend(count & 1023)
    return at


def message(source: BinaryIO, size: int) -> Message:
    """The whole of ``source``, ``size`` bytes long, as one message."""
    return Message(_Window(Budget(source), b"", 0), 0, size)


def _varint(data: bytes, at: int, place: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise Malformed("a number does not end", place)
