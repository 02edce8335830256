"""Counts downloads in memory, and writes them down now and then."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Protocol

from weighbridge.domain.ref import RepoId
from weighbridge.errors import StoreDown

_EVERY_S = 30.0
log = logging.getLogger(__name__)


class Ledger(Protocol):
    """Where the counts are kept."""

    def add_downloads(self, counted: Mapping[RepoId, int], day: date) -> None:
        """Add to the counts of a day, all or nothing."""


class Tally:
    """One addition for each download; what half a minute has counted is written at once.

    A kill loses what was not written yet.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger, self._now = ledger, now
        self._counted: Counter[RepoId] = Counter()
        self._guard, self._closing = threading.Lock(), threading.Event()
        self._writer: threading.Thread | None = None

    def add(self, repo: RepoId) -> None:
        """A download of a repository has begun."""
        with self._guard:
            self._counted[repo] += 1
            if self._writer is None:
                self._writer = threading.Thread(target=self._run, name="downloads", daemon=True)
                self._writer.start()

    def flush(self) -> None:
        """Write what was counted; what cannot be written now is kept for the next time."""
        with self._guard:
            counted, self._counted = self._counted, Counter()
        if not counted:
            return
        try:
            self._ledger.add_downloads(counted, self._now().date())
        except BaseException as error:
            with self._guard:
                self._counted.update(counted)
            if not isinstance(error, StoreDown):
                raise
            log.warning("%d downloads are not counted yet: %s", counted.total(), error.message)

    def close(self) -> None:
        """Write the rest."""
        self._closing.set()
        if self._writer is not None:
            self._writer.join()
        self.flush()

    def _run(self) -> None:
        while not self._closing.wait(_EVERY_S):
            try:
                self.flush()
            except Exception:  # it must go on: else no further download is counted
                log.exception("a round of the downloads failed; the next one follows")
