"""When the Hub was last heard of: kept by every question, so that nobody must ask to know."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from threading import Lock


class Contact:
    """The last answer and the last silence of one Hub; safe for many threads."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._answered_at: datetime | None = None
        self._silent_at: datetime | None = None
        self._failures: Counter[str] = Counter()
        self._is_silent = False

    def answered(self) -> None:
        """It answered, be it with a no."""
        with self._guard:
            self._answered_at, self._is_silent = datetime.now(UTC), False

    def failed(self, code: str) -> None:
        """It did not answer, asked for a pause, or is down; ``code`` is the error's."""
        with self._guard:
            self._silent_at, self._is_silent = datetime.now(UTC), True
            self._failures[code] += 1

    @property
    def answered_at(self) -> datetime | None:
        """When it last answered; None: not since this process began."""
        return self._answered_at

    @property
    def silent_at(self) -> datetime | None:
        """When it last did not; None: not since this process began."""
        return self._silent_at

    @property
    def is_silent(self) -> bool:
        """Whether the last question got no answer."""
        return self._is_silent

    def failures(self) -> dict[str, int]:
        """How often it failed since this process began, by the code of the error."""
        with self._guard:
            return dict(self._failures)
