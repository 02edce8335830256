"""The key by which this registry knows the addresses and tokens that it has signed.

    <home>/signing.key          32 random bytes, mode 0600

It is made by whoever asks first, and one home has one: several processes on it honour what each
other has signed, and so does the next one after a restart. Without the file all that was signed
is void, and nothing else is lost.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from weighbridge.adapters.private_file import private_file
from weighbridge.errors import StoreDown

KEY_BYTES = 32


def signing_key(home: Path) -> bytes:
    """The home's key.

    Raises:
        StoreDown: it cannot be read or made, is none, or others may read it.
    """
    place = home / "signing.key"
    remedy = "remove it: a new one is made, and uploads that are under way begin again"
    key = private_file(place, lambda: secrets.token_bytes(KEY_BYTES), remedy=remedy)
    if len(key) != KEY_BYTES:
        raise StoreDown(
            f"what stands at '{place}' is no key", hint="remove it: a new one is made in its place"
        )
    return key
