"""The files of a folder that somebody wants to publish: listed, and hashed as they are now."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from weighbridge.domain.manifest import FileEntry, Storage, git_blob_header, git_sha1, sha256
from weighbridge.domain.publication import LeftOut, OwnFile
from weighbridge.errors import BadInput, Conflict, NotFound

FILES_LIMIT = 100_000
"""More files than this are no model but somebody's home."""
REGULAR_LIMIT_BYTES = 10 * 1000 * 1000
"""Of a smaller file the git id is computed too."""
_PIECE_BYTES = 1 << 20
_UNSEEN = ".git"


def list_files(folder: Path) -> tuple[dict[str, OwnFile], tuple[LeftOut, ...]]:
    """Every file below ``folder`` by its path, and what cannot be one; what git keeps is not looked at.

    A link is followed if it leads to a file in the folder.

    Raises:
        NotFound: there is no such folder, or a part of it cannot be read.
        BadInput: it holds more files than a model has.
    """
    root = Path(os.path.realpath(folder))
    if root.is_file():
        raise NotFound(f"'{folder}' is a file", hint=f"name the folder that it lies in: '{folder.parent}'")
    if not root.is_dir():
        raise NotFound(f"there is no folder '{folder}'")
    found: dict[str, OwnFile] = {}
    odd: list[LeftOut] = []
    pending = [""]
    try:
        while pending:
            below = pending.pop()
            with os.scandir(root / below) as listing:
                for item in listing:
                    path = f"{below}/{item.name}" if below else item.name
                    if item.is_dir(follow_symlinks=False):
                        pending += [path] * (item.name != _UNSEEN)
                    elif isinstance(one := _own_file(root, path, Path(item.path)), OwnFile):
                        found[path] = one
                    else:
                        odd.append(LeftOut(path=path, why=one))
            if len(found) > FILES_LIMIT:
                raise BadInput(
                    f"'{folder}' holds more than {FILES_LIMIT:,} files", hint="name the model's folder"
                )
    except OSError as error:
        raise NotFound(f"'{error.filename}' cannot be read: {error.strerror}") from error
    return found, tuple(odd)


def own_file(path: str, place: Path) -> OwnFile:
    """A file as it lies there now. Raises OSError."""
    status = place.stat()
    stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
    return OwnFile(path=path, place=place, size_bytes=status.st_size, stamp=stamp)


def _own_file(root: Path, path: str, place: Path) -> OwnFile | str:
    """The file, or why it is none."""
    # Not Path.resolve(), which has an error of its own for links that lead in a circle.
    if place.is_symlink() and not (place := Path(os.path.realpath(place))).is_relative_to(root):
        return "is a link that leads out of the folder"
    try:
        one, mode = own_file(path, place), place.stat().st_mode
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if stat.S_ISDIR(mode):
        return "is a link to a folder"
    return one if stat.S_ISREG(mode) else "is no regular file"


def hashed(one: OwnFile, moved: Callable[[int], None]) -> FileEntry:
    """The entry of a file, read once from its begin to its end.

    Raises:
        Conflict: it changed while it was read.
        NotFound: it cannot be read.
    """
    large = hashlib.sha256()
    small = hashlib.sha1(git_blob_header(one.size_bytes), usedforsecurity=False)
    is_small = one.size_bytes <= REGULAR_LIMIT_BYTES
    try:
        with one.place.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                large.update(piece)
                if is_small:
                    small.update(piece)
                moved(len(piece))
    except OSError as error:
        raise NotFound(f"'{one.path}' cannot be read: {error.strerror}") from error
    require_unchanged([one])
    return FileEntry(
        path=one.path,
        size_bytes=one.size_bytes,
        digests=(sha256(large.hexdigest()), *([git_sha1(small.hexdigest())] if is_small else [])),
        storage=Storage.REGULAR if is_small else Storage.LFS,
    )


def require_unchanged(files: Iterable[OwnFile]) -> None:
    """Nothing, if every file is still as it was listed.

    Raises:
        Conflict: one is another now, or is gone.
    """
    for one in files:
        try:
            same = own_file(one.path, one.place).stamp == one.stamp
        except OSError:
            same = False
        if not same:
            raise Conflict(
                f"'{one.path}' changed while it was being published",
                hint="wait for what writes it, then repeat",
            )
