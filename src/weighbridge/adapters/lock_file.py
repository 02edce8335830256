"""The lock of a model list (models.lock): read whole, written in one rename.

    <home>/locks-in-use/<sha256 of the path>      holds the path of one lock

Which locks use a store is noted there, one file each, so that two processes cannot lose each
other's note, and ``clean`` knows what somebody else still wants. Who brings something into the store
for a lock, or lays it out, shares a flock on that folder; who removes has it alone, so that nothing
goes between the look that found it and the link that needs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from weighbridge.adapters.flocks import take_flock
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import Lock
from weighbridge.errors import BadInput, StoreDown

_REGISTER = "locks-in-use"
MAX_LOCK_BYTES = 1 << 28
"""A million files have a lock of about this size."""


def read_lock(path: Path) -> Lock | None:
    """The lock in ``path``, or None where there is none.

    Raises:
        BadInput: the file is not a lock of this version.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_LOCK_BYTES + 1)
        if len(content) > MAX_LOCK_BYTES:
            raise BadInput(f"{path} is too long: a lock has at most {MAX_LOCK_BYTES} bytes")
        return Lock.loads(content.decode("utf-8"))
    except FileNotFoundError:
        return None
    except Invalid as error:
        raise BadInput(
            f"{path}: {error}", hint=error.hint or "restore it, or delete it and lock again"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from error


def write_lock(path: Path, lock: Lock) -> bool:
    """Put ``lock`` in place in one rename; False where it stood there already, byte for byte.

    Raises:
        StoreDown: the folder cannot be written.
    """
    spelled = lock.dumps().encode()
    fresh = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        if path.exists() and path.read_bytes() == spelled:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(spelled)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreDown(f"cannot write {path}: {error.strerror or error}") from error
    return True


def change_lock(path: Path, change: Callable[[Lock], Lock]) -> Lock:
    """Write what ``change`` makes of the lock as it is now, with no other process at it.

    The folder is locked and not a file in it, so that nothing is left behind. On Windows the
    last writer wins.

    Raises:
        BadInput: the file is not a lock of this version.
        StoreDown: the folder cannot be written.
        Whatever ``change`` raises; the lock is then as it was.
    """
    with _flocked(path.parent):
        changed = change(read_lock(path) or Lock())
        write_lock(path, changed)
        return changed


@contextmanager
def _flocked(folder: Path, *, shared: bool = False, wait: bool = True) -> Iterator[bool]:
    """Hold a flock on a folder; False where this system or file system has none.

    Raises:
        BlockingIOError: not to ``wait``, and somebody else holds it.
        StoreDown: the folder cannot be made or read.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = None if sys.platform == "win32" else os.open(folder, os.O_RDONLY)
    except OSError as error:
        hint = "WEIGHBRIDGE_HOME names another place" if folder.name == _REGISTER else ""
        raise StoreDown(f"cannot write below {folder}: {error.strerror or error}", hint=hint) from error
    if descriptor is None:
        yield False
        return
    try:
        yield take_flock(descriptor, shared=shared, wait=wait)
    finally:
        os.close(descriptor)


class LockRegister:
    """The locks that use the store of one home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / _REGISTER

    def note(self, path: Path) -> None:
        """Remember a lock; one that is known already costs a look.

        Raises:
            StoreDown: the home cannot be written.
        """
        path = path.absolute()
        note = self._note_of(path)
        if note.exists():
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh = self._folder / f".{os.urandom(8).hex()}"
            fresh.write_bytes(os.fsencode(path))
            fresh.replace(note)
        except OSError as error:
            raise StoreDown(
                f"cannot write below {self._folder}: {error.strerror or error}",
                hint="WEIGHBRIDGE_HOME names another place",
            ) from error

    @contextmanager
    def using(self) -> Iterator[None]:
        """Nobody removes anything meanwhile; many may do this at once.

        Raises:
            StoreDown: the home cannot be written.
        """
        with _flocked(self._folder, shared=True):
            yield

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Nobody is ``using`` the store, once they are done; False where that cannot be known.

        Raises:
            StoreDown: the home cannot be written.
        """
        with _flocked(self._folder) as is_held:
            yield is_held

    def is_used(self) -> bool:
        """Whether somebody is ``using`` the store now, so that ``alone`` would wait."""
        try:
            with _flocked(self._folder, wait=False):
                return False
        except BlockingIOError:
            return True

    def others(self, path: Path | None = None) -> Iterator[tuple[str, Lock]]:
        """Every lock that still stands but the one at ``path``, with its path.

        Raises:
            BadInput: one cannot be read; what it uses is then not known.
        """
        own = self._note_of(path.absolute()) if path is not None else None
        for note in sorted(self._folder.glob("[!.]*")):
            if note == own:
                continue
            place = os.fsdecode(note.read_bytes())
            lock = read_lock(Path(place))
            if lock is not None:
                yield place, lock

    def _note_of(self, path: Path) -> Path:
        return self._folder / sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()
