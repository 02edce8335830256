"""What a process does that works for others: it beats, and sees to it that no job is forgotten."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from weighbridge.adapters.catalog import Catalog
from weighbridge.errors import StoreDown
from weighbridge.ports import Engine

log = logging.getLogger(__name__)
BEAT_S = 2.0
SILENT_S = 15.0
"""How long a worker on another machine may be silent before it counts as dead."""


class Lives(Protocol):
    """Which workers live: by locks on one machine, by heartbeats where there are many."""

    def begin(self, worker: str) -> None:
        """This process is that worker."""

    def beat(self, worker: str) -> None:
        """It still is."""

    def end(self, worker: str) -> None:
        """It is not any more."""

    def is_dead(self, worker: str) -> bool:
        """Whether nobody is that worker."""

    def living(self) -> int:
        """How many there are."""


class BeatingLives:
    """Workers of several machines, by their heartbeats in the catalogue."""

    def __init__(self, catalog: Catalog, now: Callable[[], datetime]) -> None:
        self._catalog, self._now = catalog, now

    def begin(self, worker: str) -> None:
        """See ``Lives.begin``."""
        self.beat(worker)

    def beat(self, worker: str) -> None:
        """See ``Lives.beat``."""
        self._catalog.beat(worker, socket.gethostname(), os.getpid(), self._now())

    def end(self, worker: str) -> None:
        """See ``Lives.end``."""
        self._catalog.forget_worker(worker)

    def is_dead(self, worker: str) -> bool:
        """See ``Lives.is_dead``."""
        return worker not in self._catalog.living_workers(SILENT_S, self._now())

    def living(self) -> int:
        """See ``Lives.living``."""
        return len(self._catalog.living_workers(SILENT_S, self._now()))


class Keeper:
    """A thread that beats every two seconds and submits what is due and what others died over.

    ``give_back`` lets go of what is this worker's and is not worked on.

    A database that does not answer is waited for: the next beat tries again.
    """

    def __init__(
        self,
        catalog: Catalog,
        engine: Engine,
        lives: Lives,
        give_back: Callable[[], None],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog, self._engine, self._lives, self._now = catalog, engine, lives, now
        self._give_back = give_back
        self._closing = threading.Event()
        self.is_down = False
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def close(self) -> None:
        """Beat no more."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _keep(self) -> None:
        while not self._closing.is_set():
            try:
                self._round()
                self.is_down = False
            except StoreDown as error:
                if not self.is_down:
                    log.warning("jobs wait: %s", error.message)
                self.is_down = True
            except Exception:  # it must go on: else no job that others died over is ever found
                if not self.is_down:
                    log.exception("a round of the keeper failed; the next one follows")
                self.is_down = True
            self._closing.wait(BEAT_S)

    def _round(self) -> None:
        self._lives.beat(self._engine.worker)
        self._give_back()
        self._engine.recover(self._lives.is_dead)
        waiting = [job.id for job in self._catalog.due_jobs(self._now())]
        running = self._catalog.running_jobs()
        dead = {worker for worker in {job.worker for job in running} if self._lives.is_dead(worker)}
        self._engine.submit(*waiting, *(job.id for job in running if job.worker in dead))
