"""Reads a TensorFlow Lite model: its operators, and that its tables and buffers lie within the file.

Format: ``tensorflow/compiler/mlir/lite/schema/schema.fbs``, version 3. Built-in operators calculate; a custom
one is code that somebody has to bring along, and ``Flex`` ones run TensorFlow's own.
"""

from __future__ import annotations

from typing import BinaryIO

from weighbridge.scanners.flatbuffers import Buffer, Table
from weighbridge.scanners.notes import Malformed, Notes, shown
from weighbridge.scanners.tf_table import CALCULATING, FOREIGN
from weighbridge.scanners.zip_directory import ends_like_zip

_VERSION, _CODES, _SUBGRAPHS, _BUFFERS = 0, 1, 2, 4
_CUSTOM = 32
_LAST_BUILTIN = 255


def scan_tflite(source: BinaryIO, size: int, name: str, notes: Notes) -> None:
    """Note operators that are not built in.

    Raises:
        Malformed: a table or a buffer lies outside the file.
        LimitExceeded: there are more parts than in any real model.
    """
    buffer = Buffer(source, size)
    if buffer.at(4, 4) != b"TFL3":
        raise Malformed("does not carry the mark of version 3", 4)
    model = buffer.root()
    if model.value(_VERSION, 4) != 3:
        raise Malformed("is not of version 3", model.place)
    codes = model.tables(_CODES)
    for code in codes:
        _judge(code, notes)
    for subgraph in model.tables(_SUBGRAPHS):
        for operator in subgraph.tables(3):
            if operator.value(0, 4) >= len(codes):
                raise Malformed("an operator is not in the model's list", operator.place)
    for held in model.tables(_BUFFERS):
        start, length = held.vector(0)
        far, far_bytes = held.value(1, 8), held.value(2, 8)
        if start + length > size or (far > 1 and far + far_bytes > size):
            raise Malformed("a buffer ends behind the file", held.place)
    if ends_like_zip(source, size):
        notes.review("tflite.appended", "a ZIP of further files follows the model")


def _judge(code: Table, notes: Notes) -> None:
    number = max(code.value(0, 1), code.value(3, 4))
    custom = code.text(1)
    if number > _LAST_BUILTIN:
        notes.review(
            "tflite.unknown_operator", f"the operator {number} is not known", code.place, str(number)
        )
    if number != _CUSTOM and not custom:
        return
    flex = custom.removeprefix("Flex") if custom.startswith("Flex") else ""
    if flex in FOREIGN:
        why = f"the model runs TensorFlow's {shown(flex)}, which reaches outside of it"
        notes.block("tf.operator", why, code.place, custom)
    else:
        what = "an operator of TensorFlow's own" if flex in CALCULATING else "a custom operator"
        notes.review("tflite.custom_operator", f"{shown(custom)} is {what}", code.place, custom)
