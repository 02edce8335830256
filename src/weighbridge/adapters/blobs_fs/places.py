"""Paths, renames, locks, and a failing medium as StoreDown."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from threading import get_ident

from weighbridge.adapters.flocks import take_flock
from weighbridge.adapters.part_file import sync_folder
from weighbridge.domain.manifest import FileEntry
from weighbridge.errors import NotFound, StoreDown

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# Weighbridge's store; see bford.info/cachedir\n"
_HINTS = {
    errno.ENOSPC: "free some space there, or point WEIGHBRIDGE_HOME to a larger disk",
    errno.EDQUOT: "the quota is used up; point WEIGHBRIDGE_HOME elsewhere",
    errno.EACCES: "give yourself write permission there, or point WEIGHBRIDGE_HOME elsewhere",
    errno.EPERM: "give yourself write permission there, or point WEIGHBRIDGE_HOME elsewhere",
    errno.EROFS: "the disk is read-only; point WEIGHBRIDGE_HOME elsewhere",
}


@contextmanager
def medium(home: Path) -> Iterator[None]:
    """Turn what the file system raises into StoreDown that names the place and a remedy."""
    try:
        yield
    except OSError as error:
        place, cause = error.filename or home, error.strerror or str(error)
        hint = _HINTS.get(error.errno or 0, "")
        raise StoreDown(f"the store at '{home}' failed: {cause}: '{place}'", hint=hint) from error


class Places:
    """Where things lie in the home, and how a finished file gets its name."""

    def __init__(self, home: Path, *, durable: bool) -> None:
        self.home, self._durable = home, durable
        self._blobs = home / "blobs-v1" / "sha256"
        self._blobs_text, self._tmp_text = str(self._blobs), str(home / "tmp")
        self.partials, self.locks, self.tmp = home / "partial", home / "locks", home / "tmp"
        self._numbers = count()
        self._is_prepared = False

    def prepare(self) -> None:
        """Make the folders and the tag, once."""
        if self._is_prepared:
            return
        for folder in (self._blobs, self.partials, self.locks, self.tmp):
            folder.mkdir(parents=True, exist_ok=True)
        tag = self.home / "CACHEDIR.TAG"
        if not tag.exists():
            tag.write_bytes(_TAG)
        self._is_prepared = True

    def blob(self, sha256: str) -> str:
        """Where the content with this sha256 lies, if it is here.

        A text: making Path objects took a tenth of the time of a fetch of small files.

        Raises:
            NotFound: this is no sha256, so nothing can lie under it.
        """
        if not _SHA256.fullmatch(sha256):
            raise NotFound(f"{sha256[:80]!a} is not a sha256, so the store holds nothing under it")
        return f"{self._blobs_text}/{sha256[:2]}/{sha256}"

    def walk(self) -> Iterator[os.DirEntry[str]]:
        """Every blob, in the order of the names."""
        for folder in self._listed(self._blobs):
            for blob in self._listed(self._blobs / folder.name):
                if _SHA256.fullmatch(blob.name):
                    yield blob

    def _listed(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as found:
                return sorted(found, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def note_use(self, sha256: str) -> bool:
        """Mark a content as used now, so that ``discard`` leaves it; whether it is here.

        The time of its last reading is the mark: the time of writing is a part of receipts of folders
        that share the file. A store that nobody collects (``durable`` is false) is only looked at.
        """
        place = self.blob(sha256)
        try:
            if not self._durable:
                os.stat(place)  # noqa: PTH116
                return True
            with self._collecting(alone=False):
                _mark_used(place)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def discard(self, sha256: str, unused_since: float) -> int | None:
        """Remove a content that was neither written nor used since then (seconds since 1970); its size."""
        place = Path(self.blob(sha256))
        try:
            with self._collecting(alone=True):
                found = place.stat()
                if max(found.st_mtime, found.st_atime) >= unused_since:
                    return None
                place.unlink()
                return found.st_size
        except FileNotFoundError:
            return None

    @contextmanager
    def _collecting(self, *, alone: bool) -> Iterator[None]:
        """Nobody marks a content between the look at its mark and its removal.

        Held for one content, not for a run. Where nobody can lock, the age of what goes must do.
        """
        folder = os.open(self._blobs_text, os.O_RDONLY)
        try:
            take_flock(folder, shared=not alone)
            yield
        finally:
            os.close(folder)

    def unique(self) -> str:
        """A place for a file that nobody else among all processes and threads will use."""
        number = f"{os.getpid():x}-{get_ident():x}-{next(self._numbers):x}-{os.urandom(4).hex()}"
        return f"{self._tmp_text}/{number}"

    def write(self, content: bytes | bytearray, sha256: str) -> None:
        """Make ``content``, whose sha256 was checked, visible."""
        tmp = self.unique()
        file = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(file, left) :]
            self.publish(file, tmp, sha256)
        except BaseException:
            Path(tmp).unlink(missing_ok=True)
            raise
        finally:
            os.close(file)

    def publish(self, file: int, path: str, sha256: str) -> None:
        """Give the finished, checked file its name in the store, in one rename."""
        os.fchmod(file, 0o444)
        if not self._durable:
            self._name(path, sha256)
            return
        _mark_used(file)  # what another process began long ago was written long ago
        os.fsync(file)
        with self._collecting(alone=False):
            self._name(path, sha256)

    def _name(self, path: str, sha256: str) -> None:
        target = self.blob(sha256)
        try:
            os.replace(path, target)  # noqa: PTH105
        except FileNotFoundError:
            folder = Path(target).parent
            folder.mkdir(parents=True, exist_ok=True)
            Path(path).replace(target)
            if self._durable:
                sync_folder(folder.parent)
        if self._durable:
            sync_folder(Path(target).parent)


def _mark_used(file: str | int) -> None:
    os.utime(file, ns=(time.time_ns(), os.stat(file).st_mtime_ns))  # noqa: PTH116


def work_name(entry: FileEntry) -> str:
    """The name under which all who fetch this content meet: ``sha256-<hex>`` or ``git-sha1-<hex>``."""
    digest = entry.strongest
    return f"{digest.algorithm.value}-{digest.value}"


@contextmanager
def work_turn(locks: Path, name: str, waiting: Callable[[], None]) -> Iterator[bool]:
    """A turn on any name, among all processes; nobody's where this file system cannot lock.

    Gives whether somebody else had it before.
    """
    path, had = locks / f"turn-{sha256(name.encode()).hexdigest()}", False
    with ExitStack() as held:
        turn = None
        with medium(locks.parent):
            while turn is None or (turn.is_locked and not turn.is_current):
                held.close()
                try:
                    turn = held.enter_context(take_turn(path, wait=False, must=False))
                except BlockingIOError:
                    if not had:
                        waiting()
                    had = True
                    turn = held.enter_context(take_turn(path, must=False))
        try:
            yield had
        finally:
            if turn.is_locked:
                path.unlink(missing_ok=True)


class Turn:
    """The right to work on one name, among all threads and processes; see ``take_turn``."""

    def __init__(self, path: Path, file: int, *, is_locked: bool) -> None:
        self._path, self._file, self.is_locked = path, file, is_locked

    @property
    def note(self) -> str:
        """What the one before us left when it was done: the content's sha256; else nothing."""
        note = os.pread(self._file, 65, 0).decode("ascii", "replace")
        return note if _SHA256.fullmatch(note) else ""

    @property
    def is_current(self) -> bool:
        """Whether newcomers meet at our lock file; if not, take another turn before working."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def begin(self) -> None:
        """Drop an old note: there is work to do."""
        os.ftruncate(self._file, 0)

    def end(self, sha256: str = "") -> None:
        """Tell those who wait what the content's sha256 is, and take the lock file away."""
        os.pwrite(self._file, sha256.encode(), 0)
        self._path.unlink(missing_ok=True)


@contextmanager
def take_turn(path: Path, *, wait: bool = True, must: bool = True) -> Iterator[Turn]:
    """Hold the flock on ``path``; the kernel gives it back when this process dies.

    The file that was waited on may be gone by then: see ``Turn.note`` and ``Turn.is_current``.

    Unless it ``must`` be held, whoever works where nobody can lock is told so by ``Turn.is_locked``.

    Raises:
        BlockingIOError: somebody else holds it, and ``wait`` is false.
        OSError: this file system has no locks, and it ``must`` be held.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        is_locked = take_flock(file, wait=wait)
        if must and not is_locked:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK), str(path))
        yield Turn(path, file, is_locked=is_locked)
    finally:
        os.close(file)
