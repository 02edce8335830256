"""Single files of a laid out folder: sharing bytes with the store, receipts, comparisons."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from weighbridge.adapters.clone import clone
from weighbridge.adapters.layout_index import Receipt
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.errors import DigestMismatch, NotFound, SizeMismatch, StoreDown, WeighbridgeError

Plan: TypeAlias = list[tuple[str, int, int, int]]
"""Path, size in bytes, mtime in ns, inode."""

Look: TypeAlias = Callable[[str], os.stat_result]
"""``os.lstat`` where a link is a fault, ``os.stat`` where it is how a file is shown."""

_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


class Sharer:
    """Makes a second name for held bytes: a reflink, else a hard link, else a copy.

    A hard link shares the blob's read-only inode: writing through it (as root, or after chmod)
    damages the blob, which the receipts reveal. Without ``links`` nothing is shared but what the
    file system itself keeps apart (a reflink), and the owner may write the file.
    """

    def __init__(self, *, links: bool = True) -> None:
        self._reflinks, self._links = True, links

    def share(self, blob: Path, target: str) -> None:
        """Make ``target``, which does not exist, show the bytes of ``blob``."""
        if self._reflinks:
            self._reflinks = clone(blob, target)
            if self._reflinks:
                return
        if self._links:
            with suppress(OSError):
                os.link(blob, target)
                return
        shutil.copyfile(blob, target)


def is_doubtful(blob: Path, made: os.stat_result, entry: FileEntry, known: Mapping[int, Receipt]) -> bool:
    """Whether the blob that a file was made of may have been written through another name.

    Its names are the store's and, where it was linked, the new one. One more may be anybody's,
    unless the receipt that was taken of the inode still holds.
    """
    if made.st_size != entry.size_bytes:
        return True
    source = blob.lstat()
    if source.st_nlink <= 1 + (source.st_ino == made.st_ino):
        return False
    return known.get(source.st_ino) != receipt_of(source, entry.sha256 or "")


def was_edited(path: Path, receipt: Receipt) -> bool:
    """Whether a file holds other bytes than it did; one that is gone was not edited."""
    try:
        found = path.lstat()
        return receipt_of(found, "")[:3] != receipt[:3] and _sha256_of(path) != receipt[3]
    except FileNotFoundError:
        return False


def receipt_of(found: os.stat_result, sha256: str) -> Receipt:
    """The receipt of a file whose content is known to be right."""
    return (found.st_size, found.st_mtime_ns, found.st_ino, sha256)


def compared(plan: Plan, look: Look) -> str:
    """``held``, ``partial`` or ``tampered``, by one ``look`` per file."""
    absent = tampered = False
    for path, size, mtime, inode in plan:
        try:
            # By text and not by Path: this line is the whole cost of a warm check.
            found = look(path)
        except OSError:
            absent = True
            continue
        if found.st_mtime_ns != mtime or found.st_size != size or found.st_ino != inode:
            tampered = True
    return "tampered" if tampered else "partial" if absent else "held"


def may_be_right(path: Path, entry: FileEntry, known: Receipt | None, look: Look = os.lstat) -> bool:
    """Whether only reading the file can tell that it is wrong."""
    found = _regular(path, look)
    if found is None or found.st_size != entry.size_bytes:
        return False
    return known is None or known[:3] != receipt_of(found, "")[:3] or known[3] == entry.sha256


def right_receipt(
    path: Path, entry: FileEntry, known: Receipt | None, look: Look = os.lstat
) -> Receipt | None:
    """A receipt for the file if its content is what ``entry`` says; read unless ``known`` holds."""
    found = _regular(path, look)
    if found is None or entry.sha256 is None or found.st_size != entry.size_bytes:
        return None
    fresh = receipt_of(found, entry.sha256)
    if fresh == known:
        return known
    try:
        return fresh if _sha256_of(path) == entry.sha256 else None
    except OSError:
        return None


_HEALS = "run 'weighbridge sync', which puts the right one in its place"


def fault_of(
    path: Path, shown: str, entry: FileEntry, level: str, look: Look = os.lstat
) -> WeighbridgeError | None:
    """What is wrong with a laid out file at a level (``none``, ``size``, ``sha256``).

    Where a byte is wrong although the file looks as it did (bits rot, times can be set) the file gets
    the present time, so that no receipt of it holds any more: of any folder, in any process.
    """
    found = _regular(path, look)
    if found is None:
        return NotFound(f"'{shown}' is missing", hint="run 'weighbridge sync'")
    if level == "none":
        return None
    if found.st_size != entry.size_bytes:
        return SizeMismatch(shown, wanted=entry.size_bytes, got=found.st_size, hint=_HEALS)
    if level == "size" or entry.sha256 is None:
        return None
    try:
        got = _sha256_of(path)
    except OSError as error:
        return StoreDown(f"cannot read '{shown}': {error.strerror or error}")
    if got != entry.sha256:
        with suppress(OSError):  # who may not write may look all the same
            os.utime(path)
        return DigestMismatch(shown, wanted=f"sha256:{entry.sha256}", got=f"sha256:{got}", hint=_HEALS)
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


def faults_of(
    base: Path, folder: str, manifest: Manifest, level: str, look: Look = os.lstat
) -> tuple[WeighbridgeError, ...]:
    """Everything that is wrong with the files below ``base``; every file is looked at."""
    from concurrent.futures import ThreadPoolExecutor

    def fault(entry: FileEntry) -> WeighbridgeError | None:
        return fault_of(base / entry.path, f"{folder}/{entry.path}", entry, level, look)

    # Hashing gives the interpreter's lock up; the largest goes first so that it is not last.
    largest_first = sorted(manifest.files, key=lambda entry: -entry.size_bytes)
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        found = dict(zip((e.path for e in largest_first), pool.map(fault, largest_first), strict=True))
    return tuple(error for path in manifest.by_path if (error := found[path]) is not None)


def _regular(path: Path, look: Look) -> os.stat_result | None:
    try:
        found = look(str(path))
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
