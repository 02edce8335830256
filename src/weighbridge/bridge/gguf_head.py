"""What the head of a GGUF file says to whoever is about to run it."""

from __future__ import annotations

from pathlib import Path

from weighbridge.adapters.gguf_header import RUN_KEYS, gguf_info
from weighbridge.domain.json_values import JsonObject
from weighbridge.errors import CannotLoad
from weighbridge.scanners.gguf import scan_gguf
from weighbridge.scanners.notes import LimitExceeded, Malformed, Notes


def gguf_head(path: Path) -> JsonObject:
    """``architecture``, ``context_length``, ``tokenizer``, ``name``, ``license`` and ``total`` (parameters).

    No library is needed for it, and none is asked.

    Raises:
        CannotLoad: it is no GGUF file of a version that is read, or a tensor lies outside the file.
    """
    try:
        with path.open("rb") as file:
            scan_gguf(file, path.stat().st_size, path.name, Notes(path.name))
    except (Malformed, LimitExceeded) as error:
        raise CannotLoad(
            f"'{path.name}' is no sound GGUF file: it {error}", hint="fetch it again, or ask whoever made it"
        ) from error
    except OSError as error:
        raise CannotLoad(f"'{path.name}' cannot be read: {error.strerror or error}") from error
    found = gguf_info(path, RUN_KEYS)
    if found is None:
        raise CannotLoad(f"the head of '{path.name}' cannot be read on this machine")
    return found
