"""What failed for a reason outside is tried again, each time after a longer pause."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from itertools import count

log = logging.getLogger(__name__)
_LONGEST_S = 6 * 3600.0


class Later:
    """One thread that waits for all; it begins when there is something to wait for.

    The pause is ``first_s`` and doubles with every try of the same ``key``, up to ``longest_s``.
    """

    def __init__(self, first_s: float, longest_s: float = _LONGEST_S) -> None:
        self._first, self._longest = first_s, longest_s
        self._tries: dict[str, int] = {}
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def again(self, key: str, call: Callable[[], None], at_least_s: float = 0.0) -> float:
        """Call after the pause that is due (in seconds), and no sooner than asked; gives the pause."""
        with self._changed:
            tries = self._tries.get(key, 0)
            self._tries[key] = tries + 1
            pause = max(at_least_s, min(self._longest, self._first * 2.0 ** min(tries, 60)))
            if self._closed:
                return pause
            heapq.heappush(self._waiting, (time.monotonic() + pause, next(self._order), call))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="later", daemon=True)
                self._thread.start()
            self._changed.notify()
        return pause

    def done(self, key: str) -> None:
        """It need not be tried again; the next pause for this key is the first one."""
        with self._changed:
            self._tries.pop(key, None)

    def close(self) -> None:
        """Nothing more is called."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (not self._waiting or self._waiting[0][0] > time.monotonic()):
                    due = self._waiting[0][0] - time.monotonic() if self._waiting else None
                    self._changed.wait(due)
                if self._closed:
                    return
                call = heapq.heappop(self._waiting)[2]
            try:
                call()
            except Exception:  # it must go on: else nothing else is ever tried again
                log.exception("what was to be tried again failed as nobody foresaw")
