"""An entry as the bytes that are kept of it: JSON, compressed where it is long."""

from __future__ import annotations

import json
import zlib

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.model_entry import ModelEntry

_LONG_BYTES = 1024
_LARGEST_BYTES = 64 << 20
_JSON = b"{"
_SPELLED = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def written(entry: ModelEntry) -> bytes:
    """The entry as bytes."""
    body = _SPELLED(entry.to_json()).encode()
    return body if len(body) < _LONG_BYTES else zlib.compress(body, 1)


def read(body: object) -> ModelEntry | None:
    """The entry that ``written`` wrote; None where the bytes are no such entry."""
    if not isinstance(body, bytes):
        return None
    try:
        spelled = body if body.startswith(_JSON) else zlib.decompressobj().decompress(body, _LARGEST_BYTES)
        document = json.loads(spelled)
        return ModelEntry.from_json(document) if isinstance(document, dict) else None
    except (ValueError, RecursionError, zlib.error, Invalid):
        return None
