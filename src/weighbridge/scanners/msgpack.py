"""Walks MessagePack, in which Flax keeps its weights: plain values and three kinds of arrays.

Format: ``msgpack/spec.md``; the extension types 1 to 3 are those of ``flax.serialization``. Nothing
is built: values are stepped over, and what is held is a count per open container.
"""

from __future__ import annotations

from typing import BinaryIO

from weighbridge.scanners.cursor import Cursor
from weighbridge.scanners.notes import LimitExceeded, Malformed, Notes

_MAX_DEPTH = 256
_MAX_VALUES = 1_000_000
_MAX_SIDES = 64
_PLAIN = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8,
          0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}  # fmt: skip
_SIZED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_FIXED_EXT = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_SIZED_EXT = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_ARRAYS, _MAPS = {0xDC: 2, 0xDD: 4}, {0xDE: 2, 0xDF: 4}
_FLAX = {1, 2, 3}
_TIMESTAMP = 255


def scan_msgpack(source: BinaryIO, size: int, name: str, notes: Notes) -> None:
    """Note extension types that are not Flax's, and arrays that another library would unpickle.

    Raises:
        Malformed: the bytes are not one whole value.
        LimitExceeded: it is nested too deep or has too many values.
    """
    cursor = Cursor(source, 0, size)
    values = _walk(cursor, notes)
    if cursor.at != size:
        raise Malformed("bytes follow the value", cursor.at)
    if values < 2:
        raise Malformed("holds a single plain value", 0)


def _walk(cursor: Cursor, notes: Notes) -> int:
    """Step over one value; gives how many it held with all inner ones."""
    waiting, values, key = [1], 0, b""
    while waiting:
        if not waiting[-1]:
            waiting.pop()
            continue
        waiting[-1] -= 1
        values += 1
        start = cursor.at
        inner = _step(cursor, notes)
        text = _short(cursor, start)
        if key == b"kind" and text == b"O":
            notes.block("msgpack.pickle", "an array of objects, which msgpack-numpy unpickles", start)
        key = text
        if inner:
            waiting.append(inner)
        if values > _MAX_VALUES or len(waiting) > _MAX_DEPTH:
            raise LimitExceeded(f"more than {_MAX_VALUES} values, or nested more than {_MAX_DEPTH} deep")
    return values


def _short(cursor: Cursor, start: int) -> bytes:
    """The last bytes of what was stepped over since ``start``, where they may be a short key."""
    length = cursor.at - start
    if length not in (2, 3, 5, 6):
        return b""
    cursor.seek(start)
    return cursor.take(length)[1 if length in (2, 5) else 2 :]


def _step(cursor: Cursor, notes: Notes) -> int:
    """Step over one head and its bytes; gives the number of values that it opens."""
    at, code = cursor.at, cursor.number(1)
    cursor.order = "big"
    if code < 0x80 or code >= 0xE0:
        return 0
    if code < 0x90:
        return 2 * (code & 15)
    if code < 0xA0:
        return code & 15
    if code in _PLAIN or code < 0xC0:
        cursor.skip(_PLAIN[code] if code >= 0xC0 else code & 31)
    elif code in _SIZED:
        cursor.skip(cursor.number(_SIZED[code]))
    elif code in _FIXED_EXT or code in _SIZED_EXT:
        length = _FIXED_EXT[code] if code in _FIXED_EXT else cursor.number(_SIZED_EXT[code])
        _extension(cursor, length, notes)
    elif code in _ARRAYS:
        return cursor.number(_ARRAYS[code])
    elif code in _MAPS:
        return 2 * cursor.number(_MAPS[code])
    else:
        raise Malformed("a byte that begins no value", at)
    return 0


def _extension(cursor: Cursor, length: int, notes: Notes) -> None:
    at, kind = cursor.at, cursor.number(1)
    end = cursor.at + length
    if kind in (1, 3):
        # Flax packs an array as one more value inside: its shape, the name of its dtype, its bytes.
        if cursor.number(1) != 0x93:
            raise Malformed("an array that is not (shape, dtype, bytes)", at)
        for _ in range(3):
            _plain(cursor, notes)
        if cursor.at != end:
            raise Malformed("an array does not end where it says", at)
    elif kind not in _FLAX and kind != _TIMESTAMP:
        notes.review(
            "msgpack.extension", f"a value of extension type {kind}, which is not Flax's", at, str(kind)
        )
    cursor.seek(end)


def _plain(cursor: Cursor, notes: Notes) -> None:
    """A value inside an array: a list of numbers at most."""
    sides = _step(cursor, notes)
    if sides > _MAX_SIDES:
        raise Malformed("an array of too many dimensions", cursor.at)
    for _ in range(sides):
        if _step(cursor, notes):
            raise Malformed("an array whose shape is nested", cursor.at)
