"""Reads the index of a TensorFlow checkpoint: which tensor stands where in its data files.

Format: a table of LevelDB (``table_format.md``) without compression; the values are those of
``tensor_bundle.proto``. The data files beside it are nothing but numbers and text.
"""

from __future__ import annotations

import io
from typing import BinaryIO

from weighbridge.scanners.notes import UNSUPPORTED, LimitExceeded, Malformed, Notes
from weighbridge.scanners.protobuf import message

MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_TRAILER_BYTES = 5
_MAX_BLOCK_BYTES = 8 << 20
_MAX_ENTRIES = 200_000


def scan_tf_checkpoint(source: BinaryIO, size: int, name: str, notes: Notes) -> None:
    """Check that the file is an index and nothing else.

    Raises:
        Malformed: it is not.
        LimitExceeded: it lists more than any real one.
    """
    source.seek(max(0, size - _FOOTER_BYTES))
    footer = source.read(_FOOTER_BYTES)
    if len(footer) < _FOOTER_BYTES or int.from_bytes(footer[40:], "little") != MAGIC:
        # Others call their files so too: FAISS, for one.
        notes.review(UNSUPPORTED, "no scanner for this index")
        return
    start, at = _varint(footer, 0)
    length, at = _varint(footer, at)
    _block(source, size, start, length)
    start, at = _varint(footer, at)
    length, at = _varint(footer, at)
    count = 0
    for _, handle in _entries(_block(source, size, start, length)):
        begin, next_at = _varint(handle, 0)
        held, _ = _varint(handle, next_at)
        for _, value in _entries(_block(source, size, begin, held)):
            count += 1
            if count > _MAX_ENTRIES:
                raise LimitExceeded(f"lists more than {_MAX_ENTRIES} tensors")
            for _ in message(io.BytesIO(value), len(value)).parts():
                pass
    if not count:
        raise Malformed("lists nothing")


def _block(source: BinaryIO, size: int, start: int, length: int) -> bytes:
    if length > _MAX_BLOCK_BYTES:
        raise LimitExceeded(f"a block of {length} bytes")
    if start + length + _TRAILER_BYTES > size:
        raise Malformed("a block ends behind the file", start)
    source.seek(start)
    block = source.read(length)
    if source.read(1) != b"\0":
        raise Malformed("a block is packed, which TensorFlow does not do", start + length)
    return block


def _entries(block: bytes) -> list[tuple[bytes, bytes]]:
    """Keys and values; a key shares its beginning with the one before."""
    restarts = int.from_bytes(block[-4:], "little")
    stop = len(block) - 4 - 4 * restarts
    if len(block) < 4 or stop < 0:
        raise Malformed("a block without an end")
    at, key, found = 0, b"", []
    while at < stop:
        shared, at = _varint(block, at)
        rest, at = _varint(block, at)
        length, at = _varint(block, at)
        if shared > len(key) or at + rest + length > stop or shared + rest > 1 << 16:
            raise Malformed("an entry is longer than its block")
        key = key[:shared] + block[at : at + rest]
        at += rest
        found.append((key, block[at : at + length]))
        at += length
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise Malformed("a number does not end")
