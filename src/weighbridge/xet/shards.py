"""Shards: which ranges of which xorbs make up each file, and what is in each new xorb.

    header     magic [32] | version u64 = 2 | footer bytes u64
    files      per file: hash [32] | flags u32 | n u32 | 0 [8]
               n times:  xorb hash [32] | flags u32 | unpacked bytes u32 | first chunk u32 | end u32
               n times, with flag 31:  range hash [32] | 0 [16]
               once, with flag 30:     sha256 [32] | 0 [16]
    end mark   0xff [32] | 0 [16]
    xorbs      per xorb: hash [32] | flags u32 | n u32 | unpacked bytes u32 | packed bytes u32
               n times:  chunk hash [32] | offset u32 | length u32 | flags u32 | 0 [4]
    end mark
    footer     only where the header says so; it repeats what stands above and is skipped

Numbers are little-endian (Xet specification, "MDB Shard File Format"). Reading checks form and
arithmetic. Whether a shard is true is for ``weighbridge.xet.claims``. What was read stays packed: 64 MiB
hold a million files, or terms, and as objects they would take ten times as much.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Generic, TypeVar, overload

from weighbridge.domain.invalid import Invalid
from weighbridge.xet.chunks import MAX_CHUNK_BYTES
from weighbridge.xet.hashes import HASH_BYTES, Buffer, XetHash, hash_text
from weighbridge.xet.xorbs import MAX_PACKED_XORB_BYTES, MAX_XORB_BYTES, MAX_XORB_CHUNKS

MAX_SHARD_BYTES = 64 << 20
"""The client begins another shard before it."""

_MAGIC = b"HFRepoMetaData\0" + bytes.fromhex("556967456a7b815783a5bdd95ccdd14aa9")
_VERSION = 2
_HEADER = struct.Struct("<32sQQ")
_RECORD = struct.Struct("<32sIIII")
_RECORD_BYTES = 48
_END_MARK = b"\xff" * HASH_BYTES
_FREE_CHUNKS, _LEAST_MEAN_BYTES = 8, 1024
"""A client cuts no chunk below 8 KiB but the last of a file. Without a bound, 96 bytes of shard
could ask for 8192 chunks of a byte each to be looked at."""
_WITH_RANGE_HASHES, _WITH_SHA256 = 1 << 31, 1 << 30
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Chunks ``start`` to ``end`` (exclusive) of one xorb: ``length`` bytes of a file.

    ``range_hash`` is None where the shard brings none.
    """

    xorb_hash: XetHash
    start: int
    end: int
    length: int
    range_hash: XetHash | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruction:
    """A file as its terms in their order; ``sha256`` (64 hex digits) is None where it is not said."""

    file_hash: XetHash
    terms: Sequence[Term]
    sha256: str | None

    @property
    def length(self) -> int:
        """The file's size in bytes."""
        return sum(term.length for term in self.terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a shard says of one xorb.

    Attributes:
        xorb_hash: its name.
        length: unpacked, in bytes.
        packed_length: in bytes, as the sender counts it.
        records: one record of 48 bytes per chunk.
    """

    xorb_hash: XetHash
    length: int
    packed_length: int
    records: bytes | memoryview

    @property
    def leaves(self) -> Iterator[tuple[XetHash, int]]:
        """Hash and unpacked length of each chunk."""
        for raw, _, length, _, _ in _RECORD.iter_unpack(self.records):
            yield XetHash(raw), length


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Files and xorbs that one client reports together; those of a parsed shard are made while one looks."""

    files: Iterable[Reconstruction]
    xorbs: Iterable[Listing]


def parse_shard(source: Buffer) -> Shard:
    """The shard that ``source`` holds.

    Raises:
        Invalid: it is none, one over its bounds, or its numbers contradict each other.
    """
    if len(source) > MAX_SHARD_BYTES:
        raise Invalid("shard of bytes:", len(source), f"has more than {MAX_SHARD_BYTES}")
    data = memoryview(bytes(source))
    records = _Records(data)
    footer_bytes = records.header()
    files = _Stretch(data, records.at, _files)
    for _ in _files(records):
        pass
    xorbs = _Stretch(data, records.at, _listings)
    for _ in _listings(records):
        pass
    records.require_end(footer_bytes)
    return Shard(files=files, xorbs=xorbs)


class _Stretch(Generic[_T]):
    """Files, or xorbs, that were found to be well formed: read anew each time that one asks."""

    def __init__(self, data: memoryview, at: int, read: Callable[[_Records], Iterator[_T]]) -> None:
        self._data, self._at, self._read = data, at, read

    def __iter__(self) -> Iterator[_T]:
        return self._read(_Records(self._data, self._at))


class _PackedTerms(Sequence[Term]):
    """Terms as their records, and those of their range hashes where there are any."""

    def __init__(self, records: memoryview, proofs: memoryview | None) -> None:
        self._records, self._proofs = records, proofs

    def __len__(self) -> int:
        return len(self._records) // _RECORD_BYTES

    def __iter__(self) -> Iterator[Term]:
        proofs = repeat(None) if self._proofs is None else _hashes(self._proofs)
        packed = zip(_RECORD.iter_unpack(self._records), proofs, strict=False)  # no proofs are endless
        for (xorb, _, length, start, end), proof in packed:
            yield Term(xorb_hash=XetHash(xorb), start=start, end=end, length=length, range_hash=proof)

    @overload
    def __getitem__(self, at: int) -> Term: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Term]: ...

    def __getitem__(self, at: int | slice) -> Term | Sequence[Term]:
        return tuple(self)[at]


class _Records:
    """The 48-byte records of a shard, one after the other."""

    def __init__(self, data: memoryview, at: int = 0) -> None:
        self._data = data
        self.at = at

    def header(self) -> int:
        """The size of the footer in bytes."""
        magic, version, footer_bytes = _HEADER.unpack(self.raw(1))
        if magic != _MAGIC:
            raise Invalid("shard", magic[:16], "does not begin as shards do")
        if version != _VERSION:
            raise Invalid("shard version", version, f"is not {_VERSION}")
        return int(footer_bytes)

    def raw(self, count: int) -> memoryview:
        """The next ``count`` records, unread."""
        end = self.at + count * _RECORD_BYTES
        if end > len(self._data):
            raise self.broken("ends too early")
        data, self.at = self._data[self.at : end], end
        return data

    def head(self) -> tuple[XetHash, int, int, int, int] | None:
        """The next record; None for the end mark."""
        raw, first, second, third, fourth = _RECORD.unpack(self.raw(1))
        return None if raw == _END_MARK else (XetHash(raw), first, second, third, fourth)

    def require_end(self, footer_bytes: int) -> None:
        """Refuse what lies behind the last record and is no footer.

        hf_xet 1.1 announces one of 200 bytes and sends none.
        """
        left = len(self._data) - self.at
        if left and not 0 < footer_bytes <= left:
            raise self.broken(f"has {left} bytes behind its end, its header says {footer_bytes}")

    def broken(self, why: str) -> Invalid:
        return Invalid("shard at byte", self.at, why)


def _files(records: _Records) -> Iterator[Reconstruction]:
    while head := records.head():
        name, flags, count, _, _ = head
        if flags & ~(_WITH_RANGE_HASHES | _WITH_SHA256):
            raise records.broken("has a file with unknown flags")
        terms = records.raw(count)
        _require_terms(records, terms)
        proofs = records.raw(count) if flags & _WITH_RANGE_HASHES else None
        sha256 = hash_text(bytes(records.raw(1)[:HASH_BYTES])) if flags & _WITH_SHA256 else None
        yield Reconstruction(file_hash=name, terms=_PackedTerms(terms, proofs), sha256=sha256)


def _require_terms(records: _Records, raw: memoryview) -> None:
    for _, _, length, start, end in _RECORD.iter_unpack(raw):
        if not start < end <= MAX_XORB_CHUNKS:
            raise records.broken(f"has a term of the chunks {start} to {end}")
        count = end - start
        if not count <= length <= min(count * MAX_CHUNK_BYTES, MAX_XORB_BYTES):
            raise records.broken(f"has a term of {count} chunks and {length} bytes")
        if count > _FREE_CHUNKS + length // _LEAST_MEAN_BYTES:
            raise records.broken(f"has a term of {count} chunks in {length} bytes, each too small")


def _hashes(raw: memoryview) -> Iterator[XetHash]:
    for name, *_ in _RECORD.iter_unpack(raw):
        yield XetHash(name)


def _listings(records: _Records) -> Iterator[Listing]:
    while head := records.head():
        name, _, count, length, packed = head
        if not 0 < count <= MAX_XORB_CHUNKS or length > MAX_XORB_BYTES or packed > MAX_PACKED_XORB_BYTES:
            raise records.broken(f"lists a xorb of {count} chunks, {length} bytes, packed to {packed}")
        raw, offset = records.raw(count), 0
        for _, start, size, _, _ in _RECORD.iter_unpack(raw):
            if start != offset or not 0 < size <= MAX_CHUNK_BYTES:
                raise records.broken(f"lists a chunk of {size} bytes at {start}, behind {offset}")
            offset += size
        if offset != length:
            raise records.broken(f"lists a xorb of {length} bytes, whose chunks have {offset}")
        yield Listing(xorb_hash=name, length=length, packed_length=packed, records=raw)
