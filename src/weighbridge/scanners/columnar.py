"""Reads the frame of Parquet and Arrow files: tables of data, framed by a mark on both ends.

Formats: ``parquet-format``, "File format"; Arrow "Columnar format", IPC file and stream. The columns are not
read. A schema may carry a pickled type of pyarrow's, which versions before 14 unpickle.
"""

from __future__ import annotations

import base64
import io
import re
from typing import BinaryIO

from weighbridge.scanners.flatbuffers import Buffer
from weighbridge.scanners.notes import LimitExceeded, Malformed, Notes

_MAX_FOOTER_BYTES = 256 << 20
_PICKLED = b"arrow.py_extension_type"
_SCHEMA = re.compile(rb"[A-Za-z0-9+/]{64,}")
_MAX_MESSAGES = 1_000_000


def scan_columnar(source: BinaryIO, size: int, name: str, notes: Notes) -> None:
    """Check the frame and look through the schema.

    Raises:
        Malformed: the frame is broken.
        LimitExceeded: the footer is larger than any real one.
    """
    source.seek(0)
    lead = source.read(6)
    if lead[:4] == b"\xff\xff\xff\xff":
        _scan_stream(source, size, notes)
        return
    mark = b"PAR1" if lead[:4] == b"PAR1" else b"ARROW1"
    if not lead.startswith(mark):
        raise Malformed("begins like neither Parquet nor Arrow", 0)
    tail_bytes = 4 + len(mark)
    source.seek(max(0, size - tail_bytes))
    tail = source.read(tail_bytes)
    if size < 2 * len(mark) + 4:
        raise Malformed("is too short", 0)
    if mark == b"PAR1" and tail[4:] == b"PARE":
        notes.block("archive.encrypted", "the table is encrypted")
        return
    if tail[4:] != mark:
        raise Malformed(f"does not end with {mark.decode()}", size - len(mark))
    length = int.from_bytes(tail[:4], "little")
    if length < 4 or length > size - tail_bytes - len(mark):
        raise Malformed(f"claims a footer of {length} bytes", size - tail_bytes)
    if length > _MAX_FOOTER_BYTES:
        raise LimitExceeded(f"a footer of {length} bytes")
    source.seek(size - tail_bytes - length)
    footer = source.read(length)
    spelled = (_unspelled(found[0]) for found in _SCHEMA.finditer(footer))
    # An Arrow file keeps its schema behind its first mark as well.
    source.seek(0)
    if (
        _PICKLED in footer
        or _PICKLED in source.read(min(size, 1 << 20))
        or any(_PICKLED in s for s in spelled)
    ):
        _note_pickled(notes)


def _unspelled(text: bytes) -> bytes:
    return base64.b64decode(text[: len(text) // 4 * 4])


def _scan_stream(source: BinaryIO, size: int, notes: Notes) -> None:
    """An Arrow stream: messages one behind the other, each with the length of its body."""
    at = 0
    for _ in range(_MAX_MESSAGES):
        source.seek(at)
        lead = source.read(8)
        length = int.from_bytes(lead[4:], "little")
        if not lead or (len(lead) == 8 and lead[:4] == b"\xff" * 4 and not length):
            if at + len(lead) != size:
                raise Malformed("bytes follow the end of the stream", at + len(lead))
            return
        if len(lead) != 8 or lead[:4] != b"\xff" * 4 or not 8 <= length <= _MAX_FOOTER_BYTES:
            raise Malformed("a message does not begin where the one before ends", at)
        head = source.read(length)
        if len(head) != length:
            raise Malformed("ends inside a message", at)
        if _PICKLED in head:
            _note_pickled(notes)
        body = Buffer(io.BytesIO(head), length).root().value(3, 8)
        at += 8 + length + body
        if at > size:
            raise Malformed("a message is longer than the file", at)
    raise LimitExceeded(f"more than {_MAX_MESSAGES} messages")


def _note_pickled(notes: Notes) -> None:
    notes.block("arrow.pickle", "the schema carries a pickled type, which old versions of pyarrow load")
