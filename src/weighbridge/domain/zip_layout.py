"""A zip archive that is never written: where each of its bytes comes from.

    for each member   a local header, the content as it is (stored, not packed)
    the directory     an entry for each member
    the end           in its zip64 form too where a number is too large for the plain one

As APPNOTE.TXT 6.3.10 of PKWARE has it: 4.3.7 local header, 4.3.12 directory, 4.3.14 to 4.3.16 the end,
4.5.3 zip64. Every time is the first one that a zip can say, so the same members make the same bytes.
"""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from weighbridge.domain.invalid import Invalid

_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_FULL, _MANY = 0xFFFFFFFF, 0xFFFF
_PLAIN, _ZIP64 = 20, 45
"""The version of a reader that is needed: 2.0 and 4.5."""
_UTF8 = 1 << 11
_DAY = 1 << 5 | 1
"""1980-01-01."""
_MADE_ON_UNIX, _MODE = 3 << 8 | _ZIP64, 0o100644 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of the archive; ``content`` is its bytes, or the sha256 of what a store holds."""

    name: str
    size_bytes: int
    crc32: int
    content: bytes | str

    def __post_init__(self) -> None:
        if not 0 < len(self.name.encode()) <= _MANY:
            raise Invalid("path", self.name[:80], "is too long for a zip")


@dataclass(frozen=True, slots=True)
class Span:
    """``[start, stop)`` of a content: of bytes that are here, or of what a store holds under a sha256."""

    content: bytes | str
    start: int
    stop: int


@dataclass(frozen=True)
class ZipLayout:
    """Where each byte of the archive of these members comes from."""

    members: Sequence[Member]

    @property
    def total_bytes(self) -> int:
        """The length of the archive."""
        return self._starts[-1]

    @cached_property
    def sha256(self) -> str:
        """A name for exactly these bytes, found without reading a content: no two archives share it."""
        digest = hashlib.sha256()
        for content, size in self._parts:
            digest.update(b"%d " % size)
            digest.update(content if isinstance(content, bytes) else content.encode())
        return digest.hexdigest()

    def spans(self, start: int, stop: int) -> Iterator[Span]:
        """What the bytes ``[start, stop)`` are made of, in their order."""
        number = bisect_right(self._starts, start) - 1
        while start < stop and number < len(self._parts):
            content, size = self._parts[number]
            begin = self._starts[number]
            end = min(stop, begin + size)
            if start < end:
                yield Span(content, start - begin, end - begin)
                start = end
            number += 1

    @cached_property
    def _parts(self) -> Sequence[tuple[bytes | str, int]]:
        parts: list[tuple[bytes | str, int]] = []
        directory, at = bytearray(), 0
        for member in self.members:
            header = _local_header(member)
            directory += _entry(member, at)
            parts += [(header, len(header)), (member.content, member.size_bytes)]
            at += len(header) + member.size_bytes
        end = bytes(directory) + _end(len(self.members), len(directory), at)
        return [*parts, (end, len(end))]

    @cached_property
    def _starts(self) -> Sequence[int]:
        """Where each part begins, and at last the length of all."""
        starts = [0]
        for _, size in self._parts:
            starts.append(starts[-1] + size)
        return starts


def papers_folder(paths: Sequence[str]) -> str:
    """The folder for what is not of the model: ``.weighbridge``, unless the model has one of its own."""
    taken, folder = {path.split("/", 1)[0].casefold() for path in paths}, ".weighbridge"
    while folder in taken:
        folder += "-"
    return folder


def _local_header(member: Member) -> bytes:
    name, large = member.name.encode(), member.size_bytes >= _FULL
    extra = struct.pack("<2H2Q", 1, 16, member.size_bytes, member.size_bytes) if large else b""
    size = _FULL if large else member.size_bytes
    needed = _ZIP64 if large else _PLAIN
    fixed = _LOCAL.pack(b"PK\3\4", needed, _UTF8, 0, 0, _DAY, member.crc32, size, size, len(name), len(extra))
    return fixed + name + extra


def _entry(member: Member, at: int) -> bytes:
    name, size, place, large = member.name.encode(), member.size_bytes, at, []
    if size >= _FULL:
        large, size = [size, size], _FULL
    if at >= _FULL:
        large, place = [*large, at], _FULL
    extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    needed = _ZIP64 if large else _PLAIN
    numbers = (_MADE_ON_UNIX, needed, _UTF8, 0, 0, _DAY, member.crc32, size, size, len(name), len(extra))
    return _ENTRY.pack(b"PK\1\2", *numbers, 0, 0, 0, _MODE, place) + name + extra


def _end(count: int, size: int, at: int) -> bytes:
    end = _END.pack(
        b"PK\5\6", 0, 0, min(count, _MANY), min(count, _MANY), min(size, _FULL), min(at, _FULL), 0
    )
    if count < _MANY and size < _FULL and at < _FULL:
        return end
    whole = _END64.pack(b"PK\6\6", _END64.size - 12, _MADE_ON_UNIX, _ZIP64, 0, 0, count, count, size, at)
    return whole + _LOCATOR.pack(b"PK\6\7", 0, at + size, 1) + end
