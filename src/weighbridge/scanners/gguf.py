"""Reads the header of a GGUF file: metadata, chat templates, and where each tensor stands.

Format: ``ggml/docs/gguf.md``, versions 2 and 3, both byte orders. Nothing is allocated that a count claims:
an array is walked item by item, and every count is bounded by the bytes that are there.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import BinaryIO

from weighbridge.scanners.cursor import Cursor
from weighbridge.scanners.notes import LimitExceeded, Malformed, Notes, shown
from weighbridge.scanners.templates import MAX_TEMPLATE_BYTES, find_escape, lint_template

_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_BOOL, _STRING, _ARRAY = 7, 8, 9
_MAX_ENTRIES = 1 << 16
_MAX_ITEMS = 3_000_000
"""Texts in all arrays: the largest vocabularies have 256,000 pieces and twice as many merges."""
_TENSOR_BYTES, _ENTRY_BYTES = 24, 13
"""What one takes at least: its name's length and its numbers."""
_MAX_DEPTH = 4
_MAX_KEY_BYTES = 65_535
_MAX_SIDES = 4
_MAX_ALIGNMENT = 1 << 20
_TEMPLATE_KEY = re.compile(r"tokenizer\.chat_template(\..*)?")
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110),
    22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8),
    29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36),
    41: (128, 18),
}  # fmt: skip
"""Tensor type to (items, bytes) of one block: ``GGML_QUANT_SIZES`` of gguf 0.19."""


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    offset: int
    size_bytes: int | None


def scan_gguf(source: BinaryIO, size: int, name: str, notes: Notes) -> None:
    """Note what is wrong with the header and its templates.

    Raises:
        Malformed: the header breaks the format, or a tensor lies outside the file.
        LimitExceeded: it is larger than any real one.
    """
    cursor = Cursor(source, 0, size)
    if cursor.take(4) != b"GGUF":
        raise Malformed("does not begin with GGUF", 0)
    version = cursor.take(4)
    if version[:2] == b"\0\0" and version != bytes(4):
        cursor.order = "big"
    number = int.from_bytes(version, cursor.order)
    if number not in (2, 3):
        raise Malformed(f"is of version {number}, and 2 and 3 are read", 4)
    tensors, entries = cursor.number(8), cursor.number(8)
    if tensors * _TENSOR_BYTES + entries * _ENTRY_BYTES > size:
        raise Malformed(f"lists {tensors} tensors and {entries} entries of metadata in {size} bytes", 8)
    if max(tensors, entries) > _MAX_ENTRIES:
        raise LimitExceeded(f"lists {tensors} tensors and {entries} entries of metadata")
    metadata = _Metadata(cursor, notes)
    for _ in range(entries):
        metadata.entry()
    alignment = metadata.alignment
    listed = [_tensor(cursor, notes) for _ in range(tensors)]
    _check_places(listed, -(-cursor.at // alignment) * alignment, alignment, size, notes)


class _Metadata:
    def __init__(self, cursor: Cursor, notes: Notes) -> None:
        self.cursor, self.notes = cursor, notes
        self.keys: set[str] = set()
        self.items = 0
        self.alignment = 32

    def entry(self) -> None:
        at = self.cursor.at
        key = self.cursor.text(self.cursor.number(8), _MAX_KEY_BYTES)
        if key in self.keys:
            raise Malformed(f"the key {shown(key)!r} stands twice", at)
        self.keys.add(key)
        kind = self.cursor.number(4)
        if kind == _STRING and _TEMPLATE_KEY.fullmatch(key):
            self.template(key)
        elif kind == _STRING:
            self.text(key)
        elif key == "general.alignment":
            self.alignment = self.cursor.number(4) if kind == 4 else 0
            if not 8 <= self.alignment <= _MAX_ALIGNMENT or self.alignment % 8:
                raise Malformed("general.alignment is no multiple of 8", at)
        else:
            if kind == _ARRAY and _TEMPLATE_KEY.fullmatch(key):
                self.notes.review("gguf.template", "a chat template that is a list was not read", key)
            self.value(kind, 0)

    def template(self, key: str) -> None:
        length = self.cursor.number(8)
        if length > MAX_TEMPLATE_BYTES:
            self.notes.block("template.size", f"a chat template of {length} bytes", key)
            self.cursor.skip(length)
        else:
            lint_template(self.cursor.text(length, MAX_TEMPLATE_BYTES), self.notes, key)

    def text(self, key: str) -> None:
        """Any other text: templates stand under keys of some loader's own too."""
        length = self.cursor.number(8)
        if length > MAX_TEMPLATE_BYTES:
            self.cursor.skip(length)
        else:
            find_escape(self.cursor.take(length).decode("utf-8", "replace"), self.notes, key)

    def value(self, kind: int, depth: int) -> None:
        cursor = self.cursor
        if kind == _STRING:
            cursor.skip(cursor.number(8))
        elif kind == _ARRAY:
            self.array(depth)
        elif kind == _BOOL:
            if cursor.number(1) > 1:
                raise Malformed("a truth value is neither 0 nor 1", cursor.at - 1)
        elif kind in _WIDTHS:
            cursor.skip(_WIDTHS[kind])
        else:
            raise Malformed(f"a value of unknown type {kind}", cursor.at)

    def array(self, depth: int) -> None:
        cursor = self.cursor
        if depth >= _MAX_DEPTH:
            raise LimitExceeded(f"arrays are nested more than {_MAX_DEPTH} deep")
        kind, count = cursor.number(4), cursor.number(8)
        if kind in _WIDTHS:
            cursor.skip(count * _WIDTHS[kind])
            return
        self.items += count
        if count > cursor.stop - cursor.at:
            raise Malformed(f"an array of {count} items in {cursor.stop - cursor.at} bytes", cursor.at)
        if self.items > _MAX_ITEMS:
            raise LimitExceeded(f"its arrays have more than {_MAX_ITEMS} items")
        if kind == _STRING:
            for _ in range(count):
                cursor.skip(cursor.number(8))
        else:
            for _ in range(count):
                self.value(kind, depth + 1)


def _tensor(cursor: Cursor, notes: Notes) -> _Tensor:
    at = cursor.at
    name = cursor.text(cursor.number(8), _MAX_KEY_BYTES)
    sides = cursor.number(4)
    if sides > _MAX_SIDES:
        raise Malformed(f"tensor {shown(name)!r} has {sides} dimensions", at)
    shape = [cursor.number(8) for _ in range(sides)]
    kind, offset = cursor.number(4), cursor.number(8)
    elements = math.prod(shape)
    if kind not in BLOCKS:
        notes.review("gguf.unknown_type", f"tensors are of type {kind}, which is not known", at, str(kind))
        return _Tensor(name, offset, None)
    block, block_bytes = BLOCKS[kind]
    if elements >= 1 << 63 or (shape and shape[0] % block):
        raise Malformed(f"tensor {shown(name)!r} has an impossible shape", at)
    return _Tensor(name, offset, elements // block * block_bytes)


def _check_places(tensors: list[_Tensor], start: int, alignment: int, size: int, notes: Notes) -> None:
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise Malformed("two tensors have one name")
    at = 0
    for tensor in sorted(tensors, key=lambda t: (t.offset, t.size_bytes or 0)):
        label = f"tensor {shown(tensor.name)!r}"
        end = tensor.offset + (tensor.size_bytes or 0)
        if tensor.offset % alignment or start + end > size:
            raise Malformed(f"{label} is not aligned, or ends behind the file", start)
        if tensor.offset < at:
            raise Malformed(f"{label} overlaps another", start)
        if tensor.offset - at >= alignment and tensor.size_bytes is not None:
            notes.review(
                "gguf.hidden", f"{tensor.offset - at} bytes before {label} belong to nothing", start + at
            )
        at = end
    known = all(tensor.size_bytes is not None for tensor in tensors)
    if known and size - start - at >= alignment:
        notes.review("gguf.hidden", f"{size - start - at} bytes behind the last tensor", start + at)
