"""The engine of one process: jobs are performed in the thread that asks, or in a few of their own.

A kill loses the run, not what its steps made: asked again, the flow finds everything that was
fetched and goes on from there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

from weighbridge.domain.json_values import JsonObject
from weighbridge.ports import Checkpoint

log = logging.getLogger(__name__)


class InlineEngine:
    """``threads`` 0: whoever submits a job performs it, and has it done when ``submit`` returns."""

    def __init__(self, threads: int = 0) -> None:
        self.worker = f"inline-{uuid4()}"
        self._perform: Callable[[str, Checkpoint], None] | None = None
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="job") if threads else None
        self._guard, self._active = threading.Lock(), set[str]()

    def start(self, perform: Callable[[str, Checkpoint], None]) -> None:
        """See ``Engine.start``."""
        self._perform = perform

    def submit(self, *jobs: str) -> None:
        """See ``Engine.submit``."""
        for job in jobs:
            with self._guard:
                if job in self._active:
                    continue
                self._active.add(job)
            if self._pool is None:
                self._run(job)
                continue
            try:
                self._pool.submit(self._run, job).add_done_callback(_tell)
            except RuntimeError:  # closing; whoever opens the catalogue next finds the job
                self._active.discard(job)

    def recover(self, is_dead: Callable[[str], bool]) -> None:
        """Nothing: no run of another process is known here."""

    def close(self) -> None:
        """See ``Engine.close``."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, job: str) -> None:
        try:
            if self._perform is not None:
                self._perform(job, _at_once)
        finally:
            with self._guard:
                self._active.discard(job)


def _at_once(_name: str, work: Callable[[], JsonObject]) -> JsonObject:
    return work()


def _tell(future: Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        log.error("a job failed: %r", error, exc_info=error)
