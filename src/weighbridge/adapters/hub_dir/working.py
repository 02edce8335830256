"""The plain files of a repository that is written through the Hub: read, put and taken away.

A file is written beside the repositories and renamed into its place, so that whoever reads the
folder sees the old file or the new one. What somebody else changed since it was looked at is left
as it is: it is a change by hand, and is noticed with the next look.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from weighbridge.adapters.clone import clone
from weighbridge.adapters.hub_dir.digests import DigestIndex, Stamp
from weighbridge.adapters.hub_dir.record import Receipt, Record
from weighbridge.adapters.hub_dir.tree import UNSERVED, Found, files_of, is_large, large_patterns
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import Digest, FileEntry, Manifest, Storage
from weighbridge.domain.manifest import sha256 as sha256_digest
from weighbridge.errors import BadListing, StoreDown

_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Lying:
    """A file as it lies there. ``entry`` is what a commit would list; ``file`` is where its bytes are."""

    entry: FileEntry
    file: Path
    receipt: Receipt

    @property
    def sha256(self) -> str:
        """The digest of the content."""
        return self.receipt.sha256


@dataclass(frozen=True, slots=True)
class Look:
    """What lies there, by path; ``busy`` are paths that somebody writes at this moment."""

    lies: Mapping[str, Lying]
    busy: frozenset[str]


def shown(manifest: Manifest) -> Mapping[str, FileEntry]:
    """The files of a commit that its folder shows: all but those that git and the client keep there."""
    return {entry.path: entry for entry in manifest.files if not _is_unserved(entry.path)}


class WorkingCopy:
    """The folder ``root`` of one repository below ``folder``; ``work`` is on the same file system.

    Every method raises StoreDown where the disk fails.
    """

    def __init__(self, root: Path, folder: Path, work: Path, index: DigestIndex) -> None:
        self._root, self._folder, self._work, self._index = root, folder, work, index

    def look(self, record: Record, busy: Set[str] = frozenset()) -> Look:
        """Every file by its path; one that looks as ``record`` says is not read.

        A file that somebody writes at this moment, or that is said to be ``busy``, is as the
        record says, or not there yet: the next look will see it.

        Raises:
            BadListing: a name that no listing may hold, a link that leads elsewhere, a file that
                cannot be read.
        """
        try:
            found = files_of(self._root, self._folder)
        except OSError as error:
            raise BadListing(f"'{self._root}' cannot be read: {error.strerror or error}") from error
        patterns, lies, changing = large_patterns(self._root), dict[str, Lying](), set(busy)
        for each in found:
            known = record.files.get(each.path)
            lying = None
            if each.path not in busy:
                lying = self._lying(each, patterns, known)
            if lying is None:
                changing.add(each.path)
                lying = _as_known(each, known) if known else None
            if lying is not None:
                lies[each.path] = lying
        return Look(lies, frozenset(changing))

    def _lying(self, found: Found, patterns: Sequence[str] | None, known: Receipt | None) -> Lying | None:
        """A file with its digests; None where it changes while it is read."""
        if known is not None and known.stamp == found.stamp:
            return _as_known(found, known)
        large = is_large(found, patterns)
        try:
            hashed = self._index.digests(found.file, found.stamp, large=large)
        except BadListing:
            if _stamp(found.file) == found.stamp:
                raise
            return None
        receipt = Receipt(found.stamp, hashed.digests[-1].value)
        receipt = receipt if hashed.settled else receipt.in_doubt
        digests = hashed.digests[-1:] if large else hashed.digests
        return Lying(_entry(found, digests, Storage.LFS if large else Storage.REGULAR), found.file, receipt)

    def make(self) -> None:
        """Make the folder, if it is not there."""
        with self._medium():
            self._root.mkdir(parents=True, exist_ok=True)

    def put(self, entry: FileEntry, blob: Path, seen: Receipt | None) -> Receipt | None:
        """Put a file there, whose content is ``blob``, if all is as it was ``seen`` (None: nothing there).

        Gives None where somebody else was faster.
        """
        target = self._root / entry.path
        with self._medium():
            made = self._copied(blob)
            stamp = Stamp.of(made.stat())
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if not _is_as_seen(target, seen):
                    return None
                if target.is_dir() and not target.is_symlink():
                    _remove_empty(target)
                made.replace(target)
            finally:
                made.unlink(missing_ok=True)
        return Receipt(stamp, entry.sha256 or "")

    def take_away(self, path: str, seen: Receipt) -> bool:
        """Take a file away, and the folders that are empty then; False where somebody changed it."""
        target = self._root / path
        with self._medium():
            if not _is_as_seen(target, seen):
                return False
            target.unlink(missing_ok=True)
            for folder in target.parents:
                if folder == self._root:
                    break
                with suppress(OSError):
                    folder.rmdir()
        return True

    def _copied(self, blob: Path) -> Path:
        self._work.mkdir(parents=True, exist_ok=True)
        made = self._work / f"copy-{os.getpid():x}-{next(_NUMBERS):x}-{os.urandom(4).hex()}"
        try:
            if not clone(blob, str(made)):
                shutil.copyfile(blob, made)
                with made.open("rb") as file:
                    os.fsync(file.fileno())
            # a time that no clock tick will give to a change of the same size a moment later
            now_ns = time.time_ns()
            os.utime(made, ns=(now_ns, now_ns))
        except BaseException:
            made.unlink(missing_ok=True)
            raise
        return made

    @contextmanager
    def _medium(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreDown(
                f"the folder '{self._root}' cannot be written: {error.strerror or error}",
                hint="check its owner, its permissions and the room on its disk",
            ) from error


def _as_known(found: Found, known: Receipt) -> Lying:
    return Lying(_entry(found, (sha256_digest(known.sha256),), Storage.LFS), found.file, known)


def _entry(found: Found, digests: Sequence[Digest], storage: Storage) -> FileEntry:
    try:
        return FileEntry(
            path=found.path, size_bytes=found.stamp.size_bytes, digests=tuple(digests), storage=storage
        )
    except Invalid as error:
        raise BadListing(f"'{found.file}': {error}") from error


def _stamp(file: Path) -> Stamp | None:
    try:
        return Stamp.of(file.stat())
    except OSError:
        return None


def _is_as_seen(target: Path, seen: Receipt | None) -> bool:
    try:
        found = target.stat()
    except OSError:
        return seen is None and not target.is_symlink()
    if seen is None:
        return target.is_dir() and not target.is_symlink()
    stamp = Stamp.of(found)
    return (stamp.size_bytes, stamp.inode) == (seen.stamp.size_bytes, seen.stamp.inode) and (
        seen.stamp.mtime_ns < 0 or stamp.mtime_ns == seen.stamp.mtime_ns
    )


def _remove_empty(folder: Path) -> None:
    for below, _, _ in os.walk(folder, topdown=False):
        Path(below).rmdir()


def _is_unserved(path: str) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in UNSERVED)
