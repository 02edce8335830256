"""Blocking work in threads of its own, few at once; whoever is cancelled does not wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Event, Lock
from typing import TypeVar

AT_ONCE = 8
T = TypeVar("T")


class Threads:
    """At most ``AT_ONCE`` threads; made when there is something to do, and again after ``close``."""

    def __init__(self, name: str) -> None:
        self._name, self._guard = name, Lock()
        self._pool: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[Event], T]) -> T:
        """What ``work`` gives. Where the caller is cancelled, the event that it was given is set."""
        given_up, loop = Event(), asyncio.get_running_loop()
        context = copy_context()
        future = loop.run_in_executor(self._ready(), lambda: context.run(work, given_up))
        try:
            return await future
        except asyncio.CancelledError:
            given_up.set()
            raise

    def close(self) -> None:
        """Take no more work; what runs ends by itself."""
        with self._guard:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)

    def _ready(self) -> ThreadPoolExecutor:
        with self._guard:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix=self._name)
            return self._pool
