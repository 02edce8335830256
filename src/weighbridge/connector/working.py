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
from typing import TypeVar

AT_ONCE = 8
MOST_LEFT = 56
"""So many threads more may still be busy with what was given up; a silent Hub holds them for a while."""
T = TypeVar("T")


class _Task:
    """Some work; ``is_left``: it was begun, nobody waits for it, and its thread takes nothing else."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.work = work
        self.is_begun = self.is_over = self.is_left = False


class Threads:
    """At most ``AT_ONCE`` threads; each goes when there is nothing more to do."""

    def __init__(self, name: str) -> None:
        self._name, self._guard = name, Lock()
        self._waiting: deque[_Task] = deque()
        self._running = self._left = 0

    async def run(self, work: Callable[[Event], T]) -> T:
        """What ``work`` gives. Where the caller is cancelled, the event that it was given is set."""
        given_up, loop, context = Event(), asyncio.get_running_loop(), copy_context()
        future: asyncio.Future[T] = loop.create_future()

        def done() -> None:
            if given_up.is_set():
                return
            try:
                result = context.run(work, given_up)
            except BaseException as error:  # whoever waits must hear of it, whatever it is
                _tell(loop, future, partial(future.set_exception, error))
            else:
                _tell(loop, future, partial(future.set_result, result))

        task = _Task(done)
        self._begin(task)
        try:
            return await future
        except asyncio.CancelledError:
            given_up.set()
            self._leave(task)
            raise

    def _begin(self, task: _Task) -> None:
        with self._guard:
            self._waiting.append(task)
            self._start()

    def _leave(self, task: _Task) -> None:
        """Another thread may take the place of the one that is busy with this."""
        with self._guard:
            if task.is_begun and not task.is_over and self._left < MOST_LEFT:
                task.is_left = True
                self._running -= 1
                self._left += 1
                self._start()

    def _start(self) -> None:
        """One more thread, if one may be and there is something for it; only with the guard."""
        if self._waiting and self._running < AT_ONCE:
            Thread(target=self._work, name=self._name, daemon=True).start()
            self._running += 1

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._running -= 1
                    return
                task = self._waiting.popleft()
                task.is_begun = True
            task.work()
            with self._guard:
                task.is_over = True
                if task.is_left:
                    self._left -= 1
                    return


def _tell(loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], settle: Callable[[], None]) -> None:
    """Settle a future in its loop, if there is still somebody who waits there."""

    def settled() -> None:
        if not future.done():
            settle()

    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(settled)
