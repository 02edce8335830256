"""The store's methods over a folder."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import BinaryIO

from weighbridge.adapters.blobs_fs.copying import adopt, copy_in
from weighbridge.adapters.blobs_fs.hashing import Digesting, Follower
from weighbridge.adapters.blobs_fs.partial import Partial
from weighbridge.adapters.blobs_fs.parts import Parts
from weighbridge.adapters.blobs_fs.places import Places, medium, take_turn, work_name, work_turn
from weighbridge.adapters.blobs_fs.small_turns import SmallTurns
from weighbridge.adapters.blobs_fs.spool import drain, spool
from weighbridge.adapters.blobs_fs.spread import Spread
from weighbridge.adapters.blobs_fs.straight import check_end, fetch_straight, fill
from weighbridge.domain.manifest import FileEntry
from weighbridge.domain.manifest import sha256 as sha256_digest
from weighbridge.domain.parts import PartedContent
from weighbridge.errors import DigestMismatch, IntegrityError, NotFound, SizeMismatch, StoreDown
from weighbridge.ports import Source

SMALL_BYTES = 1 << 20
"""Up to this size a file is read whole: no partial, no lock file, one rename."""
LARGE_BYTES = 32 << 20
"""From this size on the hash has its own thread, and several connections may be used."""


class FolderBlobs:
    """Blobs under ``home``; several processes and threads may use one folder at once.

    With ``durable`` a content and its name are on the disk before ``fetch`` and ``add`` return.
    ``connections`` is how many may be used beyond the first one of each file, over all files,
    where one connection is slow.
    """

    def __init__(self, home: Path, *, durable: bool = False, connections: int = 15) -> None:
        self._home, self._places = home, Places(home, durable=durable)
        self._helpers = BoundedSemaphore(connections)
        self._small = SmallTurns()
        self._parts = Parts(self._places, self._require_room)

    def holds(self, sha256: str) -> bool:
        """Whether this content is here, whole. Asking is using: see ``ports.BlobStore.discard``."""
        with medium(self._home), suppress(NotFound):
            return self._places.note_use(sha256)
        return False

    def size(self, sha256: str) -> int | None:
        """How many bytes a content has; None where it is not here."""
        return self._size(sha256)

    def fetch(
        self, entry: FileEntry, source: Source, moved: Callable[[int], None] | None = None
    ) -> FileEntry:
        """Take a file in; what an earlier try left of it counts as moved at once."""
        with medium(self._home):
            if entry.sha256 and (found := self._found(entry, entry.sha256)):
                return found
            self._places.prepare()
            if entry.size_bytes <= SMALL_BYTES:
                return self._fetch_small(entry, source, moved or _nobody)
            return self._fetch_kept(entry, source, _Told(moved, entry.size_bytes) if moved else _nobody)

    def adopt(self, entry: FileEntry, file: Path) -> FileEntry | None:
        """Take in the content of a file of this machine; see ``ports.BlobStore.adopt``."""
        with medium(self._home):
            self._places.prepare()
            return adopt(self._places, entry, file, self._require_room)

    def turn(self, name: str, waiting: Callable[[], None]) -> AbstractContextManager[bool]:
        """The right to work on ``name``; see ``ports.BlobStore.turn``."""
        with medium(self._home):
            self._places.prepare()
        return work_turn(self._places.locks, name, waiting)

    def add(self, content: bytes) -> str:
        """Take a content in and give its sha256."""
        name = hashlib.sha256(content).hexdigest()
        with medium(self._home):
            if not self.holds(name):
                self._places.prepare()
                self._places.write(content, name)
        return name

    def require_room(self, size_bytes: int) -> None:
        """Refuse before it is sent what cannot fit; see ``ports.BlobStore.require_room``."""
        with medium(self._home):
            self._places.prepare()  # a store that nothing was ever put into has room all the same
            self._require_room(size_bytes, self._places.tmp)

    def take(self, sha256: str, size_bytes: int, pieces: Iterable[bytes | memoryview]) -> None:
        """Take in what somebody sends; see ``ports.BlobStore.take``."""
        held = self._size(sha256) if self.holds(sha256) else None
        if held is not None:
            if held != size_bytes:
                raise SizeMismatch(sha256, wanted=size_bytes, got=held)
            drain(pieces, sha256, size_bytes)
            return
        # A place of its own and no partial: strangers must not go on from each other's bytes.
        with medium(self._home):
            self._places.prepare()
            place = self._places.unique()
            self._require_room(size_bytes, Path(place))
        spool(self._places, place, pieces, sha256, size_bytes)

    def take_part(self, content: PartedContent, number: int, pieces: Iterable[bytes | memoryview]) -> str:
        """Take in a part of what somebody sends; see ``ports.BlobStore.take_part``."""
        with medium(self._home):
            self._places.prepare()
        return self._parts.take(content, number, pieces)

    def join_parts(self, content: PartedContent, tags: Sequence[str]) -> None:
        """Make the parts one content; see ``ports.BlobStore.join_parts``."""
        self._parts.join(content, tags)

    def copy_in(self, file: Path, sha256: str, size_bytes: int) -> None:
        """Take in the content of a file that stays where it is; shared on the disk where possible.

        Raises:
            DigestMismatch, SizeMismatch: it holds something else by now.
        """
        if self.holds(sha256) and self._size(sha256) == size_bytes:
            return
        with medium(self._home):
            self._places.prepare()
        copy_in(self._places, file, sha256, size_bytes)

    def open(self, sha256: str) -> BinaryIO:
        """A content, seekable."""
        with medium(self._home):
            try:
                return Path(self._places.blob(sha256)).open("rb")
            except FileNotFoundError:
                raise NotFound(f"the store does not hold sha256:{sha256}") from None

    def path(self, sha256: str) -> Path:
        """Where a content can be read as a local file."""
        if self._size(sha256) is None:
            raise NotFound(f"the store does not hold sha256:{sha256}")
        return Path(self._places.blob(sha256))

    def address(self, sha256: str) -> str | None:
        """None: a folder is not reached by clients; see ``ports.BlobStore.address``."""
        return None

    def remove(self, sha256: str) -> None:
        """Drop a content; one that is not here is fine."""
        with medium(self._home), suppress(FileNotFoundError, NotFound):
            Path(self._places.blob(sha256)).unlink()

    def discard(self, sha256: str, unused_since: float) -> int | None:
        """Remove a content that nobody used since then; see ``ports.BlobStore.discard``."""
        with medium(self._home):
            return self._places.discard(sha256, unused_since)

    def is_idle(self, sha256: str, unused_since: float) -> bool:
        """Whether ``discard`` would remove it now."""
        with medium(self._home), suppress(FileNotFoundError):
            found = Path(self._places.blob(sha256)).stat()
            return max(found.st_mtime, found.st_atime) < unused_since
        return False

    def walk(self) -> Iterator[tuple[str, int]]:
        """Every content in the order of the names: its sha256 and its size in bytes."""
        with medium(self._home):
            for blob in self._places.walk():
                with suppress(FileNotFoundError):  # removed meanwhile
                    yield blob.name, blob.stat().st_size

    def sweep(self, older_than_s: float, *, dry_run: bool = False) -> int:
        """Remove what abandoned fetches left and nobody has touched for so long; bytes freed.

        With ``dry_run`` nothing is removed, and the bytes are those that would be.

        Raises:
            StoreDown: the medium fails.
        """
        limit, freed = time.time() - older_than_s, 0
        with medium(self._home):
            if dry_run:
                left = [*_aged(self._places.tmp, limit), *_aged(self._places.partials, limit)]
                return sum(path.lstat().st_size for path in left)
            for tmp in _aged(self._places.tmp, limit):
                freed += _unlink(tmp)
            # The sidecar is younger than its file, or has lost it. Where nobody can lock, nobody is here.
            for partial in _aged(self._places.partials, limit):
                name = partial.name.removesuffix(".ranges")
                with (
                    suppress(BlockingIOError),
                    take_turn(self._places.locks / name, wait=False, must=False) as turn,
                ):
                    freed += _unlink(partial)
                    turn.end()
            for lock in _aged(self._places.locks, limit):
                with suppress(BlockingIOError), take_turn(lock, wait=False, must=False) as turn:
                    turn.end()
        return freed

    def _size(self, sha256: str) -> int | None:
        try:
            return os.stat(self._places.blob(sha256)).st_size  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError, NotFound):
            return None
        except OSError as error:
            raise StoreDown(f"the store at '{self._home}' failed: {error.strerror}") from error

    def _found(self, entry: FileEntry, sha256: str) -> FileEntry | None:
        size = self._size(sha256) if self.holds(sha256) else None
        if size is None:
            return None
        if size != entry.size_bytes:
            raise SizeMismatch(entry.path, wanted=entry.size_bytes, got=size)
        return entry.with_digests([sha256_digest(sha256)])

    def _fetch_small(self, entry: FileEntry, source: Source, moved: Callable[[int], None]) -> FileEntry:
        """Read whole, hash, write, rename: nothing is kept of a broken try, it was small."""
        with self._small.turn(work_name(entry)) as turn:
            known = turn.sha256 or entry.sha256  # by now somebody else may have taken it in
            if known and (found := self._found(entry, known)):
                return found
            content = bytearray(entry.size_bytes)
            if content:
                with source(0, None) as stream:
                    fill(stream, memoryview(content), entry.path, at=0, size=len(content))
                    check_end(stream, entry.path, len(content))
            digesting = Digesting(entry)
            digesting.update(content)
            checked = digesting.checked()
            turn.sha256 = checked.sha256 or ""
            self._places.write(content, turn.sha256)
        moved(len(content))
        return checked

    def _fetch_kept(self, entry: FileEntry, source: Source, moved: Callable[[int], None]) -> FileEntry:
        name = work_name(entry)
        while True:
            with take_turn(self._places.locks / name, must=False) as turn:
                known = turn.note or entry.sha256
                if known and (found := self._found(entry, known)):
                    return found
                if turn.is_locked and not turn.is_current:
                    continue
                turn.begin()
                # Where nobody can lock, a place of its own: two must not write into one file.
                place = self._places.partials / name if turn.is_locked else Path(self._places.unique())
                self._require_room(entry.size_bytes, place)
                with Partial(place, entry.size_bytes) as partial:
                    try:
                        checked = _bring_in(entry, partial, source, moved, self._helpers)
                        self._places.publish(partial.file, str(partial.path), checked.sha256 or "")
                    except IntegrityError:
                        partial.remove()
                        turn.end()
                        raise
                    partial.remove()
                    turn.end(checked.sha256 or "")
                    return checked

    def _require_room(self, size: int, partial: Path) -> None:
        """Refuse what cannot fit before anything is made for it; a listing may claim any size."""
        disk = os.statvfs(self._home)
        free = disk.f_bavail * disk.f_frsize
        kept = partial.stat().st_blocks * 512 if partial.exists() else 0
        if size - kept > free:
            raise StoreDown(
                f"the store at '{self._home}' has {free} bytes free, but {size - kept} are needed",
                hint="free some space there, or point WEIGHBRIDGE_HOME to a larger disk",
            )


def _bring_in(
    entry: FileEntry,
    partial: Partial,
    source: Source,
    moved: Callable[[int], None],
    helpers: BoundedSemaphore,
) -> FileEntry:
    """Complete the partial file and check it.

    A mismatch in a file that an earlier try had begun proves nothing against the source (a
    power cut may have spoilt what was kept), so that such a file is fetched once more, whole.
    """
    was_begun = partial.kept_bytes > 0
    while True:
        try:
            return _try_once(entry, partial, source, moved, helpers)
        except DigestMismatch:
            if not was_begun:
                raise
            was_begun = False
            partial.clear()


def _try_once(
    entry: FileEntry,
    partial: Partial,
    source: Source,
    moved: Callable[[int], None],
    helpers: BoundedSemaphore,
) -> FileEntry:
    digesting = Digesting(entry)
    if entry.size_bytes < LARGE_BYTES:
        fetch_straight(partial, source, digesting, moved, entry.path)
        return digesting.checked()
    follower = Follower(digesting, partial.file)
    try:
        Spread(partial, source, follower, moved, entry.path, helpers).run()
        follower.finish()
    except BaseException:
        follower.abandon()
        raise
    return digesting.checked()


class _Told:
    """Tells how much has come in, never more than the file holds; several threads may tell."""

    def __init__(self, moved: Callable[[int], None], size: int) -> None:
        self._moved, self._left, self._lock = moved, size, Lock()

    def __call__(self, count: int) -> None:
        with self._lock:
            count = min(count, self._left)
            self._left -= count
        if count:
            self._moved(count)


def _nobody(count: int) -> None:
    """Hears of bytes that came in, where nobody asked to."""


def _aged(folder: Path, limit: float) -> list[Path]:
    """The files of a folder that were last written before ``limit`` (seconds since 1970)."""
    found = []
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.is_file(follow_symlinks=False) and entry.stat().st_mtime <= limit:
                    found.append(Path(entry.path))
    return found


def _unlink(path: Path) -> int:
    try:
        size = path.lstat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size
