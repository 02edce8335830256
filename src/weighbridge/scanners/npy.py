"""Reads the header of an ``.npy`` array; one of Python objects is a pickle in disguise.

Format: ``numpy.lib.format`` 1.0 to 3.0.
"""

from __future__ import annotations

import ast
import math
import re
from typing import BinaryIO

from weighbridge.scanners.notes import Malformed, Notes, shown
from weighbridge.scanners.pickle_stream import scan_pickles
from weighbridge.scanners.streams import skip

MAGIC = b"\x93NUMPY"
MAX_HEADER_BYTES = 10_000
"""What ``numpy.load`` itself accepts from a file that it does not trust."""
_PLAIN = re.compile(r"[<>|=]?([biufcSUVmM?])(\d*)(?:\[[\w/]+\])?")
_LONG = re.compile(r"\b(\d+)L\b")
_CHAR_WIDTH = {"U": 4}


def scan_npy(source: BinaryIO, notes: Notes, where: str = "") -> None:
    """Note what is wrong with one array, which must end where ``source`` ends.

    Raises:
        Malformed: the header or the length is wrong.
    """
    header = _header(source)
    descr, shape = header.get("descr"), header.get("shape")
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise Malformed("the shape of the array is not a tuple of counts")
    if _has_objects(descr):
        notes.block("numpy.object", "an array of Python objects, which only unpickling can load", where)
        scan_pickles(source, notes, where)
        return
    width = _width(descr)
    if width is not None:
        skip(source, math.prod(shape) * width)
        if source.read(1):
            raise Malformed("bytes follow the array", source.tell() - 1)


def _header(source: BinaryIO) -> dict[object, object]:
    lead = source.read(8)
    if lead[:6] != MAGIC or lead[6:] not in (b"\x01\0", b"\x02\0", b"\x03\0"):
        raise Malformed("not an .npy header of version 1 to 3", 0)
    length = int.from_bytes(source.read(2 if lead[6] == 1 else 4), "little")
    if length > MAX_HEADER_BYTES:
        raise Malformed(f"an .npy header of {length} bytes (the limit is {MAX_HEADER_BYTES})", 8)
    raw = source.read(length)
    try:
        text = raw.decode("utf-8" if lead[6] == 3 else "latin1")
        # Python 2 wrote long numbers with an L, and numpy still reads them.
        header = ast.literal_eval(_LONG.sub(r"\1", text) if lead[6] < 3 else text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise Malformed(f"the .npy header is not a literal: {shown(str(error))}", 10) from error
    if (
        len(raw) != length
        or not isinstance(header, dict)
        or set(header) != {"descr", "fortran_order", "shape"}
    ):
        raise Malformed("the .npy header does not hold descr, fortran_order and shape", 10)
    return header


def _has_objects(descr: object) -> bool:
    if isinstance(descr, str):
        has = "O" in re.sub(r"\[.*\]", "", descr)
        # numpy takes words too, and "object" is one of them.
        if not has and _PLAIN.fullmatch(descr) is None:
            raise Malformed(f"an unknown dtype {shown(descr)!r}", 10)
        return has
    if isinstance(descr, list):
        return any(_has_objects(f[1]) for f in descr if isinstance(f, tuple) and len(f) > 1)
    if isinstance(descr, tuple):
        return any(map(_has_objects, descr[:1]))
    raise Malformed("the dtype of the array is neither a string nor a list", 10)


def _width(descr: object) -> int | None:
    """Bytes per item; None where the dtype is of a shape that is left to numpy."""
    if isinstance(descr, list):
        widths = [_width(_field(field)) for field in descr]
        return None if None in widths else sum(width for width in widths if width is not None)
    if isinstance(descr, tuple) and len(descr) == 2:
        width, shape = _width(descr[0]), descr[1]
        sides = shape if isinstance(shape, tuple) else (shape,)
        if width is None or not all(isinstance(n, int) and n >= 0 for n in sides):
            return None
        return width * math.prod(sides)
    match = _PLAIN.fullmatch(descr) if isinstance(descr, str) else None
    if match is None:
        return None
    if match[1] == "?":
        return 1
    return int(match[2] or 0) * _CHAR_WIDTH.get(match[1], 1)


def _field(field: object) -> object:
    """The dtype of a field of a record, with its shape where it has one."""
    if not isinstance(field, tuple) or len(field) not in (2, 3):
        return None
    return field[1] if len(field) == 2 else (field[1], field[2])
