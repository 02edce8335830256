"""A file of somebody else's folder becomes a blob: shared on the disk where that is possible."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from weighbridge.adapters.blobs_fs.hashing import Digesting, ShorterThanSaid, digest_file
from weighbridge.adapters.blobs_fs.places import Places, medium
from weighbridge.adapters.blobs_fs.spool import spool
from weighbridge.adapters.clone import clone
from weighbridge.domain.manifest import FileEntry
from weighbridge.errors import DigestMismatch, SizeMismatch

_PIECE_BYTES = 4 << 20


def copy_in(places: Places, file: Path, sha256: str, size: int) -> None:
    """Make the content of ``file`` a blob; the file stays its owner's and may change afterwards.

    Raises:
        DigestMismatch, SizeMismatch: it holds something else by now; nothing is left behind.
        StoreDown: the medium fails.
    """
    with medium(places.home):
        place = places.unique()
        shared = clone(file, place)
    if not shared:
        spool(places, place, _pieces(places, file), sha256, size)
        return
    try:
        with medium(places.home), Path(place).open("rb") as made:  # nobody else can change this one
            if (got := os.fstat(made.fileno()).st_size) != size:
                raise SizeMismatch(file.name, wanted=size, got=got)
            found = hashlib.file_digest(made, "sha256").hexdigest()
            if found != sha256:
                raise DigestMismatch(file.name, wanted=f"sha256:{sha256}", got=f"sha256:{found}")
            places.publish(made.fileno(), place, sha256)
    except BaseException:
        Path(place).unlink(missing_ok=True)
        raise


def adopt(
    places: Places, entry: FileEntry, file: Path, require_room: Callable[[int, Path], None]
) -> FileEntry | None:
    """Make the content of ``file`` a blob if it is what ``entry`` says; None, and nothing, if not.

    Never a hard link: its owner may write into the file, and would write into the store.
    What is hashed is our copy, so that nothing can be changed between the look and the use.
    """
    place = Path(places.unique())
    try:
        if file.stat().st_size != entry.size_bytes:
            return None
        if not clone(file, str(place)):
            require_room(entry.size_bytes, place)
            shutil.copyfile(file, place)
        with place.open("rb") as made:
            digesting = Digesting(entry)
            digest_file(digesting, made.fileno(), 0, entry.size_bytes)
            checked = digesting.checked()
            if os.fstat(made.fileno()).st_size != entry.size_bytes:
                return None
            places.publish(made.fileno(), str(place), checked.sha256 or "")
        return checked
    except (DigestMismatch, FileNotFoundError, PermissionError, IsADirectoryError, ShorterThanSaid):
        return None
    finally:
        place.unlink(missing_ok=True)


def _pieces(places: Places, file: Path) -> Iterator[bytes]:
    with medium(places.home), file.open("rb") as source:
        while piece := source.read(_PIECE_BYTES):
            yield piece
