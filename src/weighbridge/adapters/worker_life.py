"""Which workers of this home live: each holds a lock that the system lets go when it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from weighbridge.errors import StoreDown


class WorkerLives:
    """One file for each worker in ``<home>/locks``, locked for as long as the process lives."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "locks"
        self._held: dict[str, int] = {}

    def begin(self, worker: str) -> None:
        """This process is that worker, until it ends; to say so again changes nothing.

        Raises:
            StoreDown: the lock cannot be made.
        """
        if worker in self._held:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held = os.open(self._path(worker), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreDown(f"cannot lock {self._path(worker)}: {error.strerror}") from error
        self._held[worker] = held

    def beat(self, worker: str) -> None:
        """Nothing: the lock is enough."""

    def end(self, worker: str) -> None:
        """It is that worker no more."""
        held = self._held.pop(worker, None)
        if held is not None:
            self._path(worker).unlink(missing_ok=True)
            os.close(held)

    def is_dead(self, worker: str) -> bool:
        """Whether no process is that worker; its file is taken away then."""
        if worker in self._held:
            return False
        try:
            found = os.open(self._path(worker), os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return True
        try:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        else:
            self._path(worker).unlink(missing_ok=True)
            return True
        finally:
            os.close(found)

    def living(self) -> int:
        """How many processes work on jobs of this home."""
        names = [file.name.removeprefix("worker-") for file in self._folder.glob("worker-*")]
        return sum(not self.is_dead(name) for name in names)

    def _path(self, worker: str) -> Path:
        return self._folder / f"worker-{worker}"
