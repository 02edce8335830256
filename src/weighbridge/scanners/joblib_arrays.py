"""Where joblib puts an array: raw, in the middle of the pickle, behind its wrapper's BUILD opcode.

Layout: ``joblib/numpy_pickle.py``, ``NumpyArrayWrapper.read_array``: with
``numpy_array_alignment_bytes`` one byte that says how much padding follows, then the items; an
array of objects is a pickle of its own instead.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from weighbridge.scanners.notes import Malformed
from weighbridge.scanners.pickle_record import Stub
from weighbridge.scanners.streams import skip

_ITEM = re.compile(r"[<>|=]?([biufcmMSUVO?])(\d*)")
_CHAR_WIDTH = {"U": 4, "?": 1}
_MAX_ITEMS = 1 << 48


def skip_array(state: object, source: BinaryIO) -> bool:
    """Move ``source`` behind the array; True where a pickle of objects stands there instead.

    Raises:
        Malformed: the wrapper's state does not say how long the array is, or the file is too short.
    """
    if not isinstance(state, dict):
        raise Malformed("a joblib array without a state", source.tell())
    dtype, shape = state.get("dtype"), state.get("shape")
    if not isinstance(shape, tuple):
        raise Malformed("a joblib array without a shape", source.tell())
    if has_objects(dtype):
        return True
    count = item_bytes(dtype, source)
    for side in shape:
        if not isinstance(side, int) or side < 0 or count > _MAX_ITEMS:
            raise Malformed("a joblib array of an impossible shape", source.tell())
        count *= side
    if state.get("numpy_array_alignment_bytes") is not None:
        padding = source.read(1)
        count += padding[0] if padding else 1
    skip(source, count)
    return False


def item_bytes(dtype: object, source: BinaryIO) -> int:
    """The size of one item of an inert ``numpy.dtype``.

    Raises:
        Malformed: the dtype is not one that says its size.
    """
    spelled = dtype.args[0] if isinstance(dtype, Stub) and dtype.args else None
    match = _ITEM.fullmatch(spelled) if isinstance(spelled, str) else None
    if match is None or (not match[2] and match[1] != "?"):
        raise Malformed("a joblib array of an unknown dtype", source.tell())
    return int(match[2] or 1) * _CHAR_WIDTH.get(match[1], 1)


def has_objects(dtype: object, depth: int = 0) -> bool:
    """Whether an inert ``numpy.dtype`` holds Python objects, itself or in a field."""
    if depth > 32 or not isinstance(dtype, Stub):
        return False
    if dtype.args and isinstance(dtype.args[0], str) and dtype.args[0].lstrip("<>|=")[:1] == "O":
        return True
    parts: list[object] = list(dtype.state) if isinstance(dtype.state, tuple) else []
    inner: list[object] = []
    for part in parts:
        if isinstance(part, tuple):
            inner.extend(part)
        elif isinstance(part, dict):
            for value in part.values():
                inner.extend(value if isinstance(value, tuple) else (value,))
    return any(has_objects(part, depth + 1) for part in inner)
