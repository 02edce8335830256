"""A second file with the same bytes that shares them on the disk, where the file system can do that."""

from __future__ import annotations

import sys
from pathlib import Path

_FICLONE = 0x40049409
"""The ioctl that lets two files share their extents (linux/fs.h)."""


def clone(source: Path, target: str) -> bool:
    """Make ``target``, which does not exist, a reflink of ``source``; False, and nothing, where that fails.

    Writing into one of the two changes nothing in the other.
    """
    if sys.platform != "linux":
        return False
    import fcntl

    with source.open("rb") as file, Path(target).open("xb") as made:
        try:
            fcntl.ioctl(made.fileno(), _FICLONE, file.fileno())
        except OSError:
            Path(target).unlink()
            return False
    return True
