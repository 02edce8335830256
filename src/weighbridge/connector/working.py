"""Blocking work in threads of its own, few at once; nobody waits for what was given up.

Not the pools of the standard library: a program that ends waits for their threads, and here that could
be a Hub that never answers. A thread that ends with the program leaves nothing wrong behind.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import Event, Lock, Thread
from typing import TypeAlias, TypeVar

AT_ONCE = 8
T = TypeVar("T")
_Task: TypeAlias = Callable[[], None]


class Threads:
    """At most ``AT_ONCE`` threads; each goes when there is nothing more to do."""

    def __init__(self, name: str) -> None:
        self._name, self._guard = name, Lock()
        self._waiting: deque[_Task] = deque()
        self._running = 0

    async def run(self, work: Callable[[Event], T]) -> T:
        """What ``work`` gives. Where the caller is cancelled, the event that it was given is set."""
        given_up, loop, context = Event(), asyncio.get_running_loop(), copy_context()
        future: asyncio.Future[T] = loop.create_future()

        def task() -> None:
            if given_up.is_set():
                return
            try:
                result = context.run(work, given_up)
            except BaseException as error:  # whoever waits must hear of it, whatever it is
                _tell(loop, future, partial(future.set_exception, error))
            else:
                _tell(loop, future, partial(future.set_result, result))

        self._begin(task)
        try:
            return await future
        except asyncio.CancelledError:
            given_up.set()
            raise

    def _begin(self, task: _Task) -> None:
        with self._guard:
            self._waiting.append(task)
            if self._running >= AT_ONCE:
                return
            self._running += 1
        Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._running -= 1
                    return
                task = self._waiting.popleft()
            task()


def _tell(loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], settle: Callable[[], None]) -> None:
    """Settle a future in its loop, if there is still somebody who waits there."""

    def settled() -> None:
        if not future.done():
            settle()

    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(settled)
