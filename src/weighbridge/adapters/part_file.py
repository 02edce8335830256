"""A file that has its name once it is whole, and that a power cut leaves with it.

.<name>.<random>.part      beside the file, flock of whoever writes it; swept by the next one
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from weighbridge.errors import StoreDown


@contextmanager
def part_of(place: Path, size_bytes: int, *, mode: int = 0o666) -> Iterator[tuple[Path, BinaryIO]]:
    """A file beside ``place`` that is gone at the end unless it was renamed; what a kill left is swept."""
    for left in place.parent.glob(f".{_literal(place.name)}.*.part"):
        with suppress(OSError), left.open("rb") as old:
            fcntl.flock(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()
    disk = os.statvfs(place.parent)
    if size_bytes > disk.f_bavail * disk.f_frsize:
        raise StoreDown(
            f"'{place.parent}' has {disk.f_bavail * disk.f_frsize} bytes free, but {size_bytes} are needed"
        )
    part = place.with_name(f".{place.name}.{secrets.token_hex(6)}.part")
    with open(part, "xb", opener=lambda path, flags: os.open(path, flags, mode)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield part, file
        finally:
            part.unlink(missing_ok=True)


def _literal(name: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
