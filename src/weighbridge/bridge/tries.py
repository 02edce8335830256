"""Slows the guessing of passwords down."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock

from weighbridge.errors import NotAuthenticated

TRIES = 5
"""Wrong passwords in a row after which a name has to wait."""
WAIT = timedelta(seconds=30)


class Tries:
    """Slows guessing down: after ``TRIES`` failures in a row a name waits, known or not.

    Kept in memory: a restart forgets, and two servers count apart. A few tries run at once, so
    a burst can go past the limit by no more than those.
    """

    _NAMES = 10_000

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._failed: OrderedDict[str, tuple[int, datetime]] = OrderedDict()
        self._lock, self._at_once = Lock(), BoundedSemaphore(4)

    @contextmanager
    def one(self, name: str) -> Iterator[None]:
        """A try; NotAuthenticated out of the block is a failure.

        Raises:
            NotAuthenticated: the name has to wait.
        """
        with self._at_once:
            count, last = self._failed.get(name, (0, self._now()))
            left = last + WAIT - self._now()
            if count >= TRIES and left > timedelta():
                raise NotAuthenticated(
                    "too many wrong passwords for this name",
                    hint=f"wait {left.seconds + 1} seconds, then try again",
                )
            try:
                yield
            except NotAuthenticated:
                self._note(name, count + 1)
                raise
            with self._lock:
                self._failed.pop(name, None)

    def _note(self, name: str, count: int) -> None:
        with self._lock:
            known = self._failed.pop(name, (0, self._now()))[0]
            self._failed[name] = (max(count, known + 1), self._now())
            while len(self._failed) > self._NAMES:
                self._failed.popitem(last=False)
