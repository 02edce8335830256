"""Reads a ZIP's directory without trust: what two readers could see differently is refused.

Format: PKWARE APPNOTE 6.3.10. The end record must end the file, the directory must stand right
before it, every member's local header must say what the directory says, and the members must fill the
file from its first byte to the directory without overlaps or gaps.
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from typing import BinaryIO

from weighbridge.domain.paths import path_faults
from weighbridge.scanners.notes import LimitExceeded, Malformed, Notes, shown
from weighbridge.scanners.streams import MAX_RATIO, RATIO_FLOOR_BYTES

MAX_MEMBERS = 200_000
MAX_DIRECTORY_BYTES = 64 << 20
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END_RECORD = struct.Struct("<4s4H2LH")
_ENCRYPTED, _STREAMED = 1 | 1 << 6 | 1 << 13, 1 << 3
_DESCRIPTOR_BYTES = 24
METHODS = {0: "", 8: "deflate", 12: "bz2"}
"""The packings of members that are read; ``""`` is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file in a ZIP: where its bytes stand in the archive, packed how, and how long."""

    name: str
    method: int
    start: int
    packed_bytes: int
    size_bytes: int

    @property
    def stop(self) -> int:
        """The offset behind the packed bytes."""
        return self.start + self.packed_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    name: bytes
    other_name: bytes
    flags: int
    method: int
    crc: int
    packed_bytes: int
    size_bytes: int
    offset: int
    mode: int


def ends_like_zip(file: BinaryIO, size: int, *, to_the_byte: bool = False) -> bool:
    """Whether a reader that looks from the end would take the file for a ZIP.

    Most readers overlook bytes that follow the end record, so these do not count, unless ``to_the_byte``.
    """
    file.seek(max(0, size - 65_557))
    tail = file.read(65_557)
    at = tail.rfind(_END)
    while at >= 0:
        ends = at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)
        whole = at + 22 <= len(tail) and (ends or not to_the_byte)
        if whole and _leads_to_directory(file, tail, at, size - len(tail) + at):
            return True
        at = tail.rfind(_END, 0, at)
    return False


def _leads_to_directory(file: BinaryIO, tail: bytes, at: int, place: int) -> bool:
    """Whether the end record at ``tail[at:]``, at ``place`` of the file, has a directory.

    Its offset may count from the file or from the archive. An empty archive has none.
    """
    length, start, comment = struct.unpack_from("<LLH", tail, at + 12)
    if length == 0xFFFFFFFF or (length == 0 and at + 22 + comment == len(tail)):
        return True
    for begin in (place - length, start):
        file.seek(max(0, begin))
        if begin >= 0 and file.read(4) == b"PK\x01\x02":
            return True
    return False


def read_members(file: BinaryIO, size: int, notes: Notes) -> list[Member]:
    """The members, in the order of their places; what is wrong with them is noted.

    Raises:
        Malformed: there is no directory to be read.
        LimitExceeded: there are too many members.
    """
    entries, directory = _directory(file, size)
    members: list[Member] = []
    at = 0
    for entry in sorted(entries, key=lambda e: e.offset):
        member = _member(file, entry, size, notes)
        gap = entry.offset - at
        if gap < 0:
            notes.block("archive.overlap", f"{shown(member.name)} overlaps another member", entry.offset)
        elif gap > _DESCRIPTOR_BYTES or (gap and not members):
            rule, what = ("archive.hidden", "hidden bytes") if members else ("archive.prepended", "bytes")
            notes.block(rule, f"{what} stand before {shown(member.name)}", at)
        at = member.stop
        members.append(member)
    if not 0 <= directory - at <= _DESCRIPTOR_BYTES:
        rule = "archive.hidden" if members else "archive.prepended"
        notes.block(rule, "the members do not end where the directory begins", at)
    _check_names(entries, notes)
    _check_ratio(members, notes)
    return members


def _directory(file: BinaryIO, size: int) -> tuple[list[_Entry], int]:
    at, (count, length, start) = _end_record(file, size)
    if start + length != at:
        raise Malformed("the directory of the archive does not stand right before its end record", at)
    if count > MAX_MEMBERS or length > MAX_DIRECTORY_BYTES:
        raise LimitExceeded(f"the archive lists {count} members")
    file.seek(start)
    raw, entries, here = file.read(length), [], 0
    for _ in range(count):
        entry, here = _entry(raw, here)
        entries.append(entry)
    if here != len(raw):
        raise Malformed("the directory of the archive is longer than its entries", start + here)
    return entries, start


def _end_record(file: BinaryIO, size: int) -> tuple[int, tuple[int, int, int]]:
    """Where the (zip64) end record stands, and the count, length and start of the directory."""
    file.seek(max(0, size - 65_557))
    tail = file.read(65_557)
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise Malformed("the archive has no end record")
    _, disk, first, here, count, length, start, comment = _END_RECORD.unpack_from(tail, at)
    if at + 22 + comment != len(tail) or (disk, first) not in ((0, 0), (0xFFFF, 0xFFFF)) or here != count:
        raise Malformed("bytes follow the archive, or it is one of several volumes")
    place = max(0, size - len(tail)) + at
    if at >= 20 and tail[at - 20 : at - 16] == _LOCATOR64:
        place64 = int.from_bytes(tail[at - 12 : at - 4], "little")
        file.seek(min(place64, size))
        record = file.read(56)
        if len(record) != 56 or record[:4] != _END64 or place64 + 56 != place - 20:
            raise Malformed("the zip64 end record is not where its locator says", place)
        count64, length64, start64 = struct.unpack_from("<QQQ", record, 32)
        same = ((count, count64, 0xFFFF), (length, length64, 0xFFFFFFFF), (start, start64, 0xFFFFFFFF))
        if any(small not in (big, top) for small, big, top in same):
            raise Malformed("the two end records of the archive disagree", place)
        return place64, (count64, length64, start64)
    return place, (count, length, start)


def _entry(raw: bytes, at: int) -> tuple[_Entry, int]:
    if raw[at : at + 4] != b"PK\x01\x02" or at + 46 > len(raw):
        raise Malformed("the directory of the archive is broken", at)
    fields = _CENTRAL.unpack_from(raw, at)
    flags, method, crc, packed, plain = fields[3], fields[4], fields[7], fields[8], fields[9]
    name_bytes, extra_bytes, comment_bytes, offset = fields[10], fields[11], fields[12], fields[16]
    name_at = at + 46
    end = name_at + name_bytes + extra_bytes + comment_bytes
    if end > len(raw):
        raise Malformed("the directory of the archive is cut off", at)
    name, extra = raw[name_at : name_at + name_bytes], raw[name_at + name_bytes : end - comment_bytes]
    plain, packed, offset = _zip64(extra, plain, packed, offset)
    entry = _Entry(
        name=name,
        other_name=_unicode_name(extra),
        flags=flags,
        method=method,
        crc=crc,
        packed_bytes=packed,
        size_bytes=plain,
        offset=offset,
        mode=fields[15] >> 16,
    )
    return entry, end


def _extra_field(extra: bytes, wanted: int) -> bytes:
    """The last extra field of one kind."""
    found, at = b"", 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == wanted:
            found = extra[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def _unicode_name(extra: bytes) -> bytes:
    """A second name of the member (APPNOTE 4.6.9), which some readers prefer to the first."""
    return _extra_field(extra, 0x7075)[5:]


def _zip64(extra: bytes, *values: int) -> list[int]:
    """``values`` (32 bits each) with those that are all ones replaced from the zip64 extra field."""
    wide = _extra_field(extra, 1)
    result, used = [], 0
    for value in values:
        if value == 0xFFFFFFFF and used + 8 <= len(wide):
            value = int.from_bytes(wide[used : used + 8], "little")
            used += 8
        result.append(value)
    return result


def _member(file: BinaryIO, entry: _Entry, size: int, notes: Notes) -> Member:
    name = entry.name.decode("utf-8" if entry.flags & 1 << 11 else "cp437", "backslashreplace")
    label = shown(name)
    file.seek(min(entry.offset, size))
    raw = file.read(_LOCAL.size)
    if len(raw) != _LOCAL.size or raw[:4] != b"PK\x03\x04":
        raise Malformed(f"no local header stands where the directory says for {label}", entry.offset)
    _, _, flags, method, _, _, crc, packed, plain, name_bytes, extra_bytes = _LOCAL.unpack(raw)
    local_name, extra = file.read(name_bytes), file.read(extra_bytes)
    plain, packed = _zip64(extra, plain, packed)
    for other in {entry.other_name, _unicode_name(extra)} - {b"", name.encode("utf-8", "replace")}:
        why = f"{label} has a second name, {shown(other.decode('utf-8', 'backslashreplace'))}"
        notes.block("archive.disagree", why, entry.offset)
    listed = (entry.crc, entry.packed_bytes, entry.size_bytes)
    told = (crc, packed, plain)
    silent = bool(flags & _STREAMED) and all(
        here in (0, 0xFFFFFFFF, there) for here, there in zip(told, listed, strict=True)
    )
    if local_name != entry.name or (flags, method) != (entry.flags, entry.method):
        notes.block("archive.disagree", f"local and central header of {label} disagree", entry.offset)
    elif told != listed and not silent:
        notes.block("archive.disagree", f"local and central size of {label} disagree", entry.offset)
    if (flags | entry.flags) & _ENCRYPTED:
        notes.block("archive.encrypted", f"{label} is encrypted", entry.offset)
    if stat.S_ISLNK(entry.mode):
        notes.block("archive.link", f"{label} is a symbolic link", entry.offset)
    start = entry.offset + _LOCAL.size + name_bytes + extra_bytes
    if start + entry.packed_bytes > size:
        raise Malformed(f"{label} is cut off", entry.offset)
    return Member(
        name=name,
        method=entry.method,
        start=start,
        packed_bytes=entry.packed_bytes,
        size_bytes=entry.size_bytes,
    )


def _check_names(entries: list[_Entry], notes: Notes) -> None:
    seen: set[bytes] = set()
    for entry in entries:
        label = shown(entry.name.decode("utf-8", "backslashreplace"))
        if entry.name in seen:
            notes.block("archive.duplicate", f"{label} is listed twice", entry.offset)
        seen.add(entry.name)
        for fault in path_faults(entry.name.decode("utf-8", "backslashreplace").removesuffix("/")):
            notes.block("archive.path", f"the member name {label} {fault.why}", entry.offset, fault.rule)


def _check_ratio(members: list[Member], notes: Notes) -> None:
    packed, plain = sum(m.packed_bytes for m in members), sum(m.size_bytes for m in members)
    if plain > RATIO_FLOOR_BYTES and plain > MAX_RATIO * max(packed, 1):
        notes.block("archive.ratio", f"unpacks {packed} bytes to {plain}, more than {MAX_RATIO} times")
