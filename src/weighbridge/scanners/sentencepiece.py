"""Reads a SentencePiece model: pieces with scores, and settings. Nothing in it can be run.

Format: ``sentencepiece_model.proto``.
"""

from __future__ import annotations

from typing import BinaryIO

from weighbridge.scanners.notes import Malformed, Notes
from weighbridge.scanners.protobuf import BYTES, FIXED32, VARINT, message

_PIECE = {1: BYTES, 2: FIXED32, 3: VARINT}
_PIECES, _SETTINGS = 1, (2, 3, 4, 5)


def scan_sentencepiece(source: BinaryIO, size: int, name: str, notes: Notes) -> None:
    """Check that the file is nothing but a SentencePiece model.

    Raises:
        Malformed: it is not.
        LimitExceeded: it holds too many fields.
    """
    pieces = 0
    for part in message(source, size).parts():
        if part.wire != BYTES or part.number not in (_PIECES, *_SETTINGS):
            raise Malformed(f"field {part.number} is none of a SentencePiece model", part.body.start)
        if part.number == _PIECES:
            pieces += 1
            for field in part.body.parts():
                if _PIECE.get(field.number) != field.wire:
                    raise Malformed(f"a piece with a field {field.number}", part.body.start)
        elif part.number in (2, 3, 5):
            for _ in part.body.parts():
                pass
    if not pieces:
        raise Malformed("has no pieces")
