"""Who fetches a file that is too small to be worth a lock file: turns among the threads of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class SmallTurn:
    """The turn for one name; ``sha256`` tells what the one before found, if any."""

    def __init__(self) -> None:
        self.lock, self.users, self.sha256 = Lock(), 0, ""


class SmallTurns:
    """Turns among the threads of this process, for files too small to be worth a lock file."""

    def __init__(self) -> None:
        self._turns: dict[str, SmallTurn] = {}
        self._lock = Lock()

    @contextmanager
    def turn(self, name: str) -> Iterator[SmallTurn]:
        """Hold the turn for ``name``."""
        with self._lock:
            turn = self._turns.setdefault(name, SmallTurn())
            turn.users += 1
        try:
            with turn.lock:
                yield turn
        finally:
            with self._lock:
                turn.users -= 1
                if not turn.users:
                    del self._turns[name]
