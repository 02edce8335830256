"""A secret of the home: made once by whoever asks first, and read by its owner alone."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from weighbridge.errors import StoreDown

LIMIT_BYTES = 10_000
"""No secret here is longer; of a longer file no more is read."""


def private_file(place: Path, make: Callable[[], bytes], *, remedy: str) -> bytes:
    """What stands at ``place`` (mode 0600); ``make`` gives it where nothing does.

    ``remedy`` is what to do about a file that others may read.

    Raises:
        StoreDown: it cannot be read or made, or others may read it.
    """
    try:
        if not place.exists():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(place, make())
        with place.open("rb") as file:
            mode, content = os.fstat(file.fileno()).st_mode, file.read(LIMIT_BYTES)
    except OSError as error:
        raise StoreDown(f"the key at '{place}' cannot be used: {error.strerror or error}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise StoreDown(f"the key at '{place}' may be read by others than its owner", hint=remedy)
    return content


def _write(place: Path, content: bytes) -> None:
    made = place.with_name(f"{place.name}.{secrets.token_hex(8)}")
    file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            os.write(file, content)
            os.fsync(file)
        finally:
            os.close(file)
        with suppress(FileExistsError):
            os.link(made, place)  # whoever comes second takes the first one's
    finally:
        made.unlink(missing_ok=True)
