"""Reads LZ4 frames, bounded, so that a joblib file packed with LZ4 can be looked into.

Format: LZ4 Frame Format 1.6 and LZ4 Block Format (lz4/doc). Checksums are skipped, not checked:
a wrong one makes the real loader fail, it does not hide anything from this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from weighbridge.scanners.notes import LimitExceeded, Malformed

MAGIC = b"\x04\x22\x4d\x18"
MAX_UNPACKED_BYTES = 256 << 20
"""This reader is pure Python (some 20 MB/s); what unpacks to more is not read to its end."""
_BLOCK_BYTES = {4: 64 << 10, 5: 256 << 10, 6: 1 << 20, 7: 4 << 20}
_WINDOW = 64 << 10


def lz4_frames(source: BinaryIO) -> Iterator[bytes]:
    """The contents of one frame; anything behind it is refused.

    Raises:
        Malformed: the frame is broken or followed by other bytes.
        LimitExceeded: it unpacks to more than ``MAX_UNPACKED_BYTES``.
    """
    linked, block_bytes, block_sums, content_sum = _frame_header(source)
    window, total = b"", 0
    while size := int.from_bytes(_exactly(source, 4), "little"):
        length = size & 0x7FFFFFFF
        if length > block_bytes:
            raise Malformed("an LZ4 block is larger than its frame allows")
        data = _exactly(source, length)
        if block_sums:
            _exactly(source, 4)
        plain = data if size >> 31 else _block(data, window if linked else b"", block_bytes)
        total += len(plain)
        if total > MAX_UNPACKED_BYTES:
            raise LimitExceeded("an LZ4 frame unpacks to more than 256 MiB")
        window = (window + plain)[-_WINDOW:] if linked else b""
        yield plain
    if content_sum:
        _exactly(source, 4)
    if source.read(1):
        raise Malformed("bytes follow the LZ4 frame")


def _frame_header(source: BinaryIO) -> tuple[bool, int, bool, bool]:
    if _exactly(source, 4) != MAGIC:
        raise Malformed("not an LZ4 frame")
    flags, descriptor = _exactly(source, 2)
    if flags >> 6 != 1 or (descriptor >> 4) & 7 not in _BLOCK_BYTES:
        raise Malformed("an LZ4 frame of an unknown version")
    _exactly(source, (8 if flags & 8 else 0) + (4 if flags & 1 else 0) + 1)
    return not flags & 0x20, _BLOCK_BYTES[(descriptor >> 4) & 7], bool(flags & 0x10), bool(flags & 4)


def _exactly(source: BinaryIO, count: int) -> bytes:
    data = source.read(count)
    if len(data) != count:
        raise Malformed("the LZ4 frame is cut off")
    return data


def _block(data: bytes, window: bytes, limit: int) -> bytes:
    out, at, base = bytearray(window), 0, len(window)
    try:
        while at < len(data):
            token = data[at]
            literals, at = _length(data, at + 1, token >> 4)
            if at + literals > len(data):
                raise Malformed("an LZ4 block is cut off")
            out += data[at : at + literals]
            at += literals
            if at == len(data):
                break
            offset = data[at] | data[at + 1] << 8
            match, at = _length(data, at + 2, token & 15)
            _copy(out, offset, match + 4)
            if len(out) - base > limit:
                raise Malformed("an LZ4 block unpacks to more than its frame allows")
    except IndexError as error:
        raise Malformed("an LZ4 block is cut off") from error
    return bytes(out[base:])


def _length(data: bytes, at: int, nibble: int) -> tuple[int, int]:
    total = nibble
    if nibble == 15:
        while (byte := data[at]) == 255:
            total, at = total + 255, at + 1
        total, at = total + byte, at + 1
    return total, at


def _copy(out: bytearray, offset: int, count: int) -> None:
    start = len(out) - offset
    if offset == 0 or start < 0:
        raise Malformed("an LZ4 match points before the start")
    if count > _BLOCK_BYTES[7]:
        raise Malformed("an LZ4 match is too long")
    unit = out[start : start + count]
    out += (unit * (count // len(unit) + 1))[:count]
