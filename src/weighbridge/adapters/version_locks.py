"""The pins of an application's models: a lock beside each folder.

    <cache_dir>/<org>/<name>/<version>/         the files
    <cache_dir>/<org>/<name>/<version>.lock     what the version meant when it was first asked for

The lock is one of ``domain.lock``, with one entry. To let a branch mean something newer, delete it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import quote

from weighbridge.adapters.lock_file import LockRegister, read_lock, write_lock
from weighbridge.domain.lock import Lock, LockEntry
from weighbridge.domain.ref import ModelRef
from weighbridge.errors import StoreDown

_ENTRY = "model"


class VersionLocks:
    """The locks below one folder; ``register`` is that of the store which they use."""

    def __init__(self, cache_dir: Path, register: LockRegister) -> None:
        self._root, self._register = cache_dir, register

    def folder(self, ref: ModelRef) -> str:
        """Where the files of a version lie, below the folder: no two versions share one."""
        return f"{ref.repo.full_name}/{quote(ref.revision, safe='+')}"

    def get(self, ref: ModelRef) -> LockEntry | None:
        """What a version means, or None where it was never asked for.

        Raises:
            BadInput: the lock cannot be read.
            StoreDown: the folder cannot be.
        """
        path = self._path(ref)
        try:
            is_there = path.exists()
        except OSError as error:
            raise self._down(error) from error
        lock = read_lock(path) if is_there else None
        entry = lock.entries.get(_ENTRY) if lock else None
        same = entry is not None and entry.manifest.repo == ref.repo and entry.revision == ref.revision
        return entry if same else None

    def put(self, ref: ModelRef, entry: LockEntry, *, anew: bool = False) -> LockEntry:
        """Remember what a version means, with the files that were pinned of it before.

        Where somebody else was first with another commit, that one stands and is given back; not so
        if it is to be ``anew``.

        Raises:
            StoreDown: the folder cannot be written.
        """
        path = self._path(ref)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._down(error) from error
        with self.alone(ref):
            earlier = None if anew else self.get(ref)
            if earlier is not None and earlier.manifest.commit != entry.manifest.commit:
                return earlier
            whole = entry if earlier is None else entry.joined(earlier)
            write_lock(path, Lock(entries={_ENTRY: whole}))
        self._register.note(path)
        return whole

    def using(self) -> AbstractContextManager[None]:
        """Nobody removes what is stored meanwhile.

        Raises:
            StoreDown: the home cannot be written.
        """
        return self._register.using()

    @contextmanager
    def alone(self, ref: ModelRef) -> Iterator[None]:
        """One process at a time, for all versions of a repository; no lock file is left behind.

        Raises:
            StoreDown: the folder cannot be opened.
        """
        if sys.platform == "win32":
            yield
            return
        import fcntl

        try:
            descriptor = os.open(self._path(ref).parent, os.O_RDONLY)
        except OSError as error:
            raise self._down(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _down(self, error: OSError) -> StoreDown:
        told = f"cannot use {self._root}: {error.strerror or error}"
        return StoreDown(told, hint="CACHE_DIR names the place")

    def _path(self, ref: ModelRef) -> Path:
        return self._root / f"{self.folder(ref)}.lock"
