"""Single files of a laid out folder: sharing bytes with the store, receipts, comparisons."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from weighbridge.adapters.clone import clone
from weighbridge.adapters.layout_dir.index import Receipt
from weighbridge.domain.manifest import FileEntry
from weighbridge.errors import DigestMismatch, NotFound, SizeMismatch, StoreDown, WeighbridgeError

_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


class Sharer:
    """Makes a second name for held bytes: a reflink, else a hard link, else a copy.

    A hard link shares the blob's read-only inode: writing through it (as root, or after chmod)
    damages the blob, which the receipts reveal.
    """

    def __init__(self) -> None:
        self._reflinks = True

    def share(self, blob: Path, target: str) -> None:
        """Make ``target``, which does not exist, show the bytes of ``blob``."""
        if self._reflinks:
            self._reflinks = clone(blob, target)
            if self._reflinks:
                return
        try:
            os.link(blob, target)
        except OSError:
            shutil.copyfile(blob, target)


def receipt_of(found: os.stat_result, sha256: str) -> Receipt:
    """The receipt of a file whose content is known to be right."""
    return (found.st_size, found.st_mtime_ns, found.st_ino, sha256)


def may_be_right(path: Path, entry: FileEntry, known: Receipt | None) -> bool:
    """Whether only reading the file can tell that it is wrong."""
    found = _regular(path)
    if found is None or found.st_size != entry.size_bytes:
        return False
    return known is None or known[:3] != receipt_of(found, "")[:3] or known[3] == entry.sha256


def right_receipt(path: Path, entry: FileEntry, known: Receipt | None) -> Receipt | None:
    """A receipt for the file if its content is what ``entry`` says; read unless ``known`` holds."""
    found = _regular(path)
    if found is None or entry.sha256 is None:
        return None
    fresh = receipt_of(found, entry.sha256)
    if fresh == known:
        return known
    try:
        return fresh if _sha256_of(path) == entry.sha256 else None
    except OSError:
        return None


def fault_of(path: Path, shown: str, entry: FileEntry, level: str) -> WeighbridgeError | None:
    """What is wrong with a laid out file at a level (``none``, ``size``, ``sha256``)."""
    found = _regular(path)
    if found is None:
        return NotFound(f"'{shown}' is missing", hint="run 'weighbridge sync'")
    if level == "none":
        return None
    if found.st_size != entry.size_bytes:
        return SizeMismatch(shown, wanted=entry.size_bytes, got=found.st_size)
    if level == "size" or entry.sha256 is None:
        return None
    try:
        got = _sha256_of(path)
    except OSError as error:
        return StoreDown(f"cannot read '{shown}': {error.strerror or error}")
    if got != entry.sha256:
        return DigestMismatch(shown, wanted=f"sha256:{entry.sha256}", got=f"sha256:{got}")
    return None


def walk(base: Path) -> Iterator[str]:
    """Every file below ``base`` as a relative posix path; links are files, litter is left out."""
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(base / prefix) as found:
                listed = sorted(found, key=lambda item: item.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        for item in listed:
            if item.is_dir(follow_symlinks=False):
                pending.append(f"{prefix}{item.name}/")
            elif item.name not in _LITTER:
                yield f"{prefix}{item.name}"


def _regular(path: Path) -> os.stat_result | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
