"""The key by which this registry knows the addresses and tokens that it has signed.

    <home>/signing.key          32 random bytes, mode 0600

It is made by whoever asks first, and one home has one: several processes on it honour what each
other has signed, and so does the next one after a restart. Without the file all that was signed
is void, and nothing else is lost.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from weighbridge.errors import StoreDown

KEY_BYTES = 32


def signing_key(home: Path) -> bytes:
    """The home's key.

    Raises:
        StoreDown: it cannot be read or made, is none, or others may read it.
    """
    place = home / "signing.key"
    try:
        if not place.exists():
            _make(place)
        with place.open("rb") as file:
            mode, key = os.fstat(file.fileno()).st_mode, file.read(KEY_BYTES + 1)
    except OSError as error:
        raise StoreDown(f"the key at '{place}' cannot be used: {error.strerror or error}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise StoreDown(
            f"the key at '{place}' may be read by others than its owner",
            hint="remove it: a new one is made, and uploads that are under way begin again",
        )
    if len(key) != KEY_BYTES:
        raise StoreDown(
            f"what stands at '{place}' is no key", hint="remove it: a new one is made in its place"
        )
    return key


def _make(place: Path) -> None:
    made = place.with_name(f"{place.name}.{secrets.token_hex(8)}")
    file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            os.write(file, secrets.token_bytes(KEY_BYTES))
            os.fsync(file)
        finally:
            os.close(file)
        with suppress(FileExistsError):
            os.link(made, place)  # whoever comes second takes the first one's
    finally:
        made.unlink(missing_ok=True)
