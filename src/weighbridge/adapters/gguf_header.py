"""What the head of a GGUF file says of a model (ggml's docs/gguf.md): parameters and a few keys.

Only what discovery shows is read; whether the file is sound is the scanner's question. Everything is
bounded: a head that is longer, or holds more, than a real one says nothing here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from weighbridge.domain.json_values import Json

_HEAD_LIMIT_BYTES = 64 << 20
_ITEMS_LIMIT = 2_000_000
_STRING_LIMIT_BYTES = 1 << 20
_DIMENSIONS_LIMIT = 8
_PARAMETERS_LIMIT = 1 << 60
_STRING, _ARRAY = 8, 9
_PLAIN = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_SHOWN = {
    "general.architecture": "architecture",
    "tokenizer.chat_template": "chat_template",
    "tokenizer.ggml.pre": "tokenizer",
}
RUN_KEYS = {
    "general.architecture": "architecture",
    "general.name": "name",
    "general.license": "license",
    "tokenizer.ggml.model": "tokenizer",
}
"""What whoever is about to run a model asks for."""


class _NotRead(ValueError):
    """The head is none, or goes beyond a limit."""


def gguf_info(
    path: Path, shown: Mapping[str, str] = _SHOWN, *, either_order: bool = False
) -> dict[str, Json] | None:
    """``{"total": parameters, "architecture", "context_length", "chat_template"}``, as far as known.

    ``shown`` says which keys are read, and what they are called in the answer; the context's length
    always is. None for a file that cannot be read; one in big-endian order, which most machines do not
    run, is read with ``either_order``.
    """
    try:
        with path.open("rb") as file:
            return _Head(file, shown).read(either_order)
    except (OSError, struct.error, _NotRead):
        return None


class _Head:
    def __init__(self, file: BinaryIO, shown: Mapping[str, str]) -> None:
        self._file, self._shown = file, shown
        self._items, self._order = 0, "<"

    def read(self, either_order: bool) -> dict[str, Json]:
        if self._file.read(4) != b"GGUF":
            raise _NotRead
        version = self._bytes(4)
        if either_order and version[0] == 0:
            self._order = ">"
        if struct.unpack(self._order + "I", version)[0] not in (2, 3):
            raise _NotRead
        tensors, pairs = self._number("Q"), self._number("Q")
        known: dict[str, Json] = {}
        self._count(pairs)
        for _ in range(pairs):
            key = self._text()
            value = self._value(self._number("I"))
            if key in self._shown or key.endswith(".context_length"):
                known[self._shown.get(key, "context_length")] = value
        self._count(tensors)
        total = sum(self._parameters() for _ in range(tensors))
        if total > _PARAMETERS_LIMIT:
            raise _NotRead
        return {"total": total, **known}

    def _parameters(self) -> int:
        self._text()
        dimensions = self._number("I")
        if dimensions > _DIMENSIONS_LIMIT:
            raise _NotRead
        total = math.prod(self._number("Q") for _ in range(dimensions))
        self._skip(4 + 8)  # the type and the offset
        return total

    def _value(self, kind: int) -> Json:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            self._skip_array()
            return None
        if kind not in _PLAIN:
            raise _NotRead
        value = self._number(_PLAIN[kind])
        return value if math.isfinite(value) else None

    def _skip_array(self) -> None:
        kind, count = self._number("I"), self._number("Q")
        if kind in _PLAIN:
            self._skip(struct.calcsize("<" + _PLAIN[kind]) * count)
            return
        if kind != _STRING:  # arrays of arrays are in no model
            raise _NotRead
        self._count(count)
        for _ in range(count):
            self._skip(self._number("Q"))

    def _text(self) -> str:
        length = self._number("Q")
        if length > _STRING_LIMIT_BYTES:
            raise _NotRead
        return self._bytes(length).decode("utf-8", "replace")

    def _number(self, code: str) -> int:
        size = struct.calcsize("<" + code)
        value: int = struct.unpack(self._order + code, self._bytes(size))[0]
        return value

    def _bytes(self, count: int) -> bytes:
        content = self._file.read(count)
        if len(content) != count or self._file.tell() > _HEAD_LIMIT_BYTES:
            raise _NotRead
        return content

    def _skip(self, count: int) -> None:
        if self._file.tell() + count > _HEAD_LIMIT_BYTES:
            raise _NotRead
        self._file.seek(count, 1)

    def _count(self, items: int) -> None:
        self._items += items
        if self._items > _ITEMS_LIMIT:
            raise _NotRead
