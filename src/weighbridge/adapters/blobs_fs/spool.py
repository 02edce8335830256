"""What somebody sends, in order and once: hashed while it is written, named when it was right."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from weighbridge.adapters.blobs_fs.places import Places, medium
from weighbridge.adapters.direct import DirectWriter
from weighbridge.errors import DigestMismatch, SizeMismatch


def drain(pieces: Iterable[bytes | memoryview], sha256: str, size: int) -> None:
    """Read and check, and keep nothing.

    Raises:
        DigestMismatch, SizeMismatch: it is something else.
    """
    for _ in _checked(pieces, sha256, size):
        pass


def spool(places: Places, place: str, pieces: Iterable[bytes | memoryview], sha256: str, size: int) -> None:
    """Write to ``place``, check, and make it visible under its name.

    Raises:
        DigestMismatch, SizeMismatch: it is something else; nothing is left.
        StoreDown: the medium fails.
        Whatever ``pieces`` raises.
    """
    # The medium is ours, the pieces are not: an error of a connection must not read as one of a disk.
    with medium(places.home):
        file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        writer = DirectWriter(file)
        for piece in _checked(pieces, sha256, size):
            with medium(places.home):
                writer.write(piece)
        with medium(places.home):
            writer.finish()
            places.publish(file, place, sha256)
    except BaseException:
        Path(place).unlink(missing_ok=True)
        raise
    finally:
        os.close(file)


def _checked(pieces: Iterable[bytes | memoryview], sha256: str, size: int) -> Iterator[bytes | memoryview]:
    """The pieces; ends only if they were all of the content and nothing else."""
    digest, came = hashlib.sha256(), 0
    for piece in pieces:
        came += len(piece)
        if came > size:
            raise SizeMismatch(sha256, wanted=size, got=came)
        digest.update(piece)
        yield piece
    if came != size:
        raise SizeMismatch(sha256, wanted=size, got=came)
    if digest.hexdigest() != sha256:
        raise DigestMismatch(sha256, wanted=f"sha256:{sha256}", got=f"sha256:{digest.hexdigest()}")
