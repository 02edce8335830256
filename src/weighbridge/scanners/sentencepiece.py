"""Reads a SentencePiece model: pieces with scores, and settings. Nothing in it can be run.

Format: ``sentencepiece_model.proto``.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from weighbridge.scanners.notes import UNSUPPORTED, Malformed, Notes
from weighbridge.scanners.protobuf import BYTES, FIXED32, VARINT, message

_PIECE = {1: BYTES, 2: FIXED32, 3: VARINT}
_NAMES = re.compile(r"tokenizer|sentencepiece|spiece|spm")
_SHORT_BYTES = 0x7F + 9
_PLAIN = re.compile(
    rb"\x0a(?:%s)\x15[\s\S]{4}(?:\x18[\x00-\x7f])?"
    % b"|".join(b"%s[\\s\\S]{%d}" % (re.escape(bytes([n])), n) for n in range(128))
)
"""A piece as the library writes it: its text, its score, perhaps its kind. Most of a file is these."""
_PIECES, _SETTINGS = 1, (2, 3, 4, 5)


def scan_sentencepiece(source: BinaryIO, size: int, name: str, notes: Notes) -> None:
    """Check that the file is nothing but a SentencePiece model.

    Raises:
        Malformed: it is not, although it is called as such models are.
        LimitExceeded: it holds too many fields.
    """
    try:
        _check(source, size)
    except Malformed:
        if _NAMES.search(name.rpartition("/")[2].lower()):
            raise
        # Others call their files .model too: XGBoost, word2vec, CoreML's compiler.
        notes.review(UNSUPPORTED, "no scanner for this kind of .model")


def _check(source: BinaryIO, size: int) -> None:
    pieces = 0
    for part in message(source, size).parts():
        if part.wire != BYTES or part.number not in (_PIECES, *_SETTINGS):
            raise Malformed(f"field {part.number} is none of a SentencePiece model", part.body.start)
        if part.number == _PIECES:
            pieces += 1
            if part.stop - part.start <= _SHORT_BYTES and _PLAIN.fullmatch(part.body.raw(_SHORT_BYTES)):
                continue
            for field in part.body.parts():
                if _PIECE.get(field.number) != field.wire:
                    raise Malformed(f"a piece with a field {field.number}", part.body.start)
        elif part.number in (2, 3, 5):
            for _ in part.body.parts():
                pass
    if not pieces:
        raise Malformed("has no pieces")
