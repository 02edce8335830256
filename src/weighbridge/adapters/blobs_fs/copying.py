"""A file of somebody else's folder becomes a blob: shared on the disk where that is possible."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from weighbridge.adapters.blobs_fs.places import Places, medium
from weighbridge.adapters.blobs_fs.spool import spool
from weighbridge.adapters.clone import clone
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


def _pieces(places: Places, file: Path) -> Iterator[bytes]:
    with medium(places.home), file.open("rb") as source:
        while piece := source.read(_PIECE_BYTES):
            yield piece
