"""Xorbs and shards as clients write them: ours are only read."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import lz4.frame  # type: ignore[import-untyped]

from weighbridge.xet.chunks import Chunk, Scheme, unpack
from weighbridge.xet.hashes import HASH_BYTES, Buffer, XetHash, parse_hash
from weighbridge.xet.shards import Listing, Shard
from weighbridge.xet.xorbs import Xorb, parse_xorb, require_hash

_HEADER = struct.Struct("<32sQQ")
_MAGIC = b"HFRepoMetaData\0" + bytes.fromhex("556967456a7b815783a5bdd95ccdd14aa9")
_VERSION = 2
_RECORD = struct.Struct("<32sIIII")
_END_MARK = b"\xff" * HASH_BYTES
_WITH_RANGE_HASHES, _WITH_SHA256 = 1 << 31, 1 << 30


def write_xorb(chunks: Iterable[tuple[Buffer, Scheme]]) -> bytes:
    """The xorb of these chunks, each packed as asked unless that makes it longer."""
    parts = []
    for data, scheme in chunks:
        plain = bytes(data)
        packed = _packed_by(scheme, plain)
        if len(packed) >= len(plain):
            packed, scheme = plain, Scheme.RAW
        header = len(packed).to_bytes(3, "little") + bytes([scheme]) + len(plain).to_bytes(3, "little")
        parts.append(b"\0" + header + packed)
    return b"".join(parts)


def listing_of(xorb: Xorb) -> Listing:
    """What a truthful shard says of ``xorb``."""
    records = b"".join(_RECORD.pack(chunk.hash, chunk.offset, chunk.length, 0, 0) for chunk in xorb.chunks)
    return Listing(xorb_hash=xorb.hash, length=xorb.length, packed_length=xorb.packed_length, records=records)


def write_shard(shard: Shard) -> bytes:
    """The bytes of ``shard``, without a footer. A file has range hashes if all its terms have one."""
    parts = [_HEADER.pack(_MAGIC, _VERSION, 0)]
    for file in shard.files:
        hashes = [term.range_hash for term in file.terms if term.range_hash is not None]
        proven = bool(hashes) and len(hashes) == len(file.terms)
        flags = (_WITH_RANGE_HASHES if proven else 0) | (_WITH_SHA256 if file.sha256 else 0)
        parts.append(_RECORD.pack(file.file_hash, flags, len(file.terms), 0, 0))
        parts += [_RECORD.pack(t.xorb_hash, 0, t.length, t.start, t.end) for t in file.terms]
        if proven:
            parts += [_RECORD.pack(each, 0, 0, 0, 0) for each in hashes]
        if file.sha256:
            parts.append(_RECORD.pack(parse_hash(file.sha256), 0, 0, 0, 0))
    parts.append(_RECORD.pack(_END_MARK, 0, 0, 0, 0))
    for xorb in shard.xorbs:
        count = len(xorb.records) // _RECORD.size
        parts.append(_RECORD.pack(xorb.xorb_hash, 0, count, xorb.length, xorb.packed_length))
        parts.append(bytes(xorb.records))
    parts.append(_RECORD.pack(_END_MARK, 0, 0, 0, 0))
    return b"".join(parts)


def verify_xorb(source: Buffer, wanted: XetHash) -> Xorb:
    """The xorb in ``source``, which is the one that ``wanted`` names. Raises Invalid."""
    xorb = parse_xorb(source)
    require_hash(xorb, wanted)
    return xorb


def chunk_bytes(source: Buffer, chunk: Chunk) -> bytes | bytearray | memoryview:
    """The unpacked bytes of a chunk of a xorb that was read before. Raises Invalid."""
    return unpack(memoryview(source)[chunk.packed_offset :][: chunk.packed_length], chunk)


def _packed_by(scheme: Scheme, plain: bytes) -> bytes:
    """``plain`` as a chunk of this scheme holds it."""
    if scheme is Scheme.RAW:
        return plain
    if scheme is Scheme.GROUPED_LZ4:
        plain = b"".join(plain[place::4] for place in range(4))
    frame: bytes = lz4.frame.compress(plain)
    return frame
