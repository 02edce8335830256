"""Small text files of a folder, read within bounds."""

from __future__ import annotations

import json
from pathlib import Path

from weighbridge.domain.json_values import JsonObject, mended
from weighbridge.errors import CannotLoad

LIMIT_BYTES = 1 << 20


def text_in(path: Path) -> str:
    """The text of a file, cut at a megabyte; empty where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(LIMIT_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise CannotLoad(f"'{path.name}' cannot be read: {error.strerror or error}") from error


def json_in(path: Path) -> JsonObject:
    """The object in a JSON file.

    Raises:
        CannotLoad: it holds none.
    """
    try:
        parsed = mended(json.loads(text_in(path) or "{}"))
    except (ValueError, RecursionError) as error:
        raise CannotLoad(f"'{path.name}' is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise CannotLoad(f"'{path.name}' is not a JSON object")
    return parsed
