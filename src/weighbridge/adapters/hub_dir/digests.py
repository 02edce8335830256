"""The digests of files that stay where they are, each computed once.

A file is known by size, modification time and inode. What was hashed within a second of its
last change is hashed again the next time: within that second it could change once more and look
the same (git calls such an entry "racily clean").

    FOLDER/.weighbridge-hub/index.json     the digests, so that a restart hashes nothing again
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, text, whole
from weighbridge.domain.manifest import Digest, git_blob_header, git_sha1, sha256
from weighbridge.errors import BadListing

INDEX_FOLDER = ".weighbridge-hub"
_FORMAT = 1
_SETTLED_NS = 1_000_000_000
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Stamp:
    """How a file looked when it was hashed: bytes, nanoseconds, inode."""

    size_bytes: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """The stamp of what ``stat`` said."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class Known:
    """A file's digests; ``settled`` says that its stamp can be trusted from now on."""

    stamp: Stamp
    digests: tuple[Digest, ...]
    settled: bool


class DigestIndex:
    """Digests by path below ``folder``; safe for threads, best effort on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / INDEX_FOLDER / "index.json"
        self._lock = threading.Lock()
        self._known: dict[str, Known] = {}
        self._changed = False
        self._load()

    def digests(self, path: Path, stamp: Stamp, *, large: bool) -> Known:
        """The sha256 of a file, and of one that is not ``large`` also the git blob id.

        Raises:
            BadListing: the file cannot be read, or changes while it is read.
        """
        key = str(path)
        known = self._known.get(key)
        if known and known.settled and known.stamp == stamp and (large or len(known.digests) == 2):
            return known
        started_ns = time.time_ns()
        digests = _hashed(path, stamp.size_bytes, large=large)
        known = Known(stamp, digests, settled=stamp.mtime_ns + _SETTLED_NS < started_ns)
        with self._lock:
            self._known[key] = known
            self._changed = True
        return known

    def save(self) -> None:
        """Write the index if something changed; a folder that cannot be written is left as it is."""
        with self._lock:
            if not self._changed:
                return
            self._changed = False
            kept = {path: known for path, known in self._known.items() if known.settled}
        document = {"index_format": _FORMAT, "files": {path: _spell(known) for path, known in kept.items()}}
        temporary = self._file.with_name(f"index.{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            self._file.parent.mkdir(exist_ok=True)
            temporary.write_text(json.dumps(document))
            temporary.replace(self._file)
        except OSError:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _load(self) -> None:
        try:
            document = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return
        if not isinstance(document, dict) or document.get("index_format") != _FORMAT:
            return
        files = child(document, "files")
        for path in files:
            # a broken line of the cache costs one more hash, nothing else
            with suppress(Invalid, TypeError):
                self._known[path] = _read(child(files, path))


def _spell(known: Known) -> JsonObject:
    stamp = known.stamp
    digests = {digest.algorithm.value: digest.value for digest in known.digests}
    return {"size": stamp.size_bytes, "mtime_ns": stamp.mtime_ns, "inode": stamp.inode, **digests}


def _read(source: JsonObject) -> Known:
    size, mtime, inode = whole(source, "size"), whole(source, "mtime_ns"), whole(source, "inode")
    strong, git = text(source, "sha256"), text(source, "git-sha1")
    if size is None or mtime is None or inode is None or strong is None:
        raise Invalid("index line", dict(source), "lacks a field")
    digests = (git_sha1(git), sha256(strong)) if git else (sha256(strong),)
    return Known(Stamp(size, mtime, inode), digests, settled=True)


def _hashed(path: Path, size_bytes: int, *, large: bool) -> tuple[Digest, ...]:
    strong = hashlib.sha256()
    git = hashlib.sha1(git_blob_header(size_bytes), usedforsecurity=False)
    buffer = memoryview(bytearray(min(_BUFFER_BYTES, size_bytes + 1)))
    seen = 0
    try:
        with path.open("rb", buffering=0) as file:
            while got := file.readinto(buffer):
                strong.update(buffer[:got])
                if not large:
                    git.update(buffer[:got])
                seen += got
    except OSError as error:
        raise BadListing(f"'{path}' cannot be read: {error.strerror}") from error
    if seen != size_bytes:
        raise BadListing(f"'{path}' changes while it is read", hint="ask again when it is written")
    if large:
        return (sha256(strong.hexdigest()),)
    return (git_sha1(git.hexdigest()), sha256(strong.hexdigest()))
