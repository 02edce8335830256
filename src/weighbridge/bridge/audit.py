"""Who did what: the audit as it is read, and downloads on their way into it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.access import require
from weighbridge.domain.access import AuditLine, Permission, Principal
from weighbridge.domain.audit import AuditQuery, Sent
from weighbridge.domain.ref import RepoId
from weighbridge.errors import StoreDown

log = logging.getLogger(__name__)
_EVERY_S = 2.0
_MOST = 50_000
"""How many lines wait at most for a database that does not answer; some ten megabytes."""
_FORGETS_EVERY_S = 3600.0

Key: TypeAlias = tuple[str, RepoId, str, str]


class Audit:
    """Downloads are written together every two seconds, so that serving a file does not wait for a disk.

    What one caller is sent of one file in that time is one line. A kill loses what was not written yet;
    where the database does not answer, lines wait for it, and those that are too many are counted in
    the log. ``days`` is how long downloads and failed log-ins are kept; 0: for ever.
    """

    def __init__(self, catalog: Catalog, now: Callable[[], datetime], days: int = 0) -> None:
        self._catalog, self._now, self._days = catalog, now, days
        self._sent: dict[Key, Sent] = {}
        self._lost = 0
        self._guard, self._closing = threading.Lock(), threading.Event()
        self._writer: threading.Thread | None = None

    def lines(
        self,
        principal: Principal,
        *,
        about: AuditQuery | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Sequence[AuditLine]:
        """What was done and downloaded, newest first.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            BadInput: ``after`` is not the id of a line.
        """
        require(principal, Permission.ADMIN)
        return self._catalog.audit_lines(limit=limit, after=after, about=about)

    def sent(self, by: str, repo: RepoId, commit: str, path: str, size: int) -> None:
        """An answer with ``size`` bytes of a file, or the way to them, has begun to leave."""
        key = (by, repo, commit, path)
        with self._guard:
            known = self._sent.get(key)
            if known is None:
                if len(self._sent) >= _MOST:
                    self._lost += 1
                    return
                known = self._sent[key] = Sent(at=self._now())
            known.requests += 1
            known.bytes += size
            if self._writer is None:
                self._writer = threading.Thread(target=self._run, name="audit", daemon=True)
                self._writer.start()

    def flush(self) -> None:
        """Write what waits; what cannot be written now is kept for the next time."""
        with self._guard:
            sent, self._sent = self._sent, {}
            lost, self._lost = self._lost, 0
        if lost:
            log.error("%d downloads are not in the audit: too many waited for the database", lost)
        try:
            self._catalog.add_audit(*(each.line(*key) for key, each in sent.items()))
        except StoreDown as error:
            log.warning("%d downloads wait to be in the audit: %s", len(sent), error.message)
            self._put_back(sent)

    def forget(self) -> int:
        """Remove lines of downloads and failed log-ins that are older than they need be; how many."""
        return self._catalog.forget_audit(self._now() - timedelta(days=self._days)) if self._days else 0

    def close(self) -> None:
        """Write the rest."""
        self._closing.set()
        if self._writer is not None:
            self._writer.join()
        self.flush()

    def _put_back(self, sent: dict[Key, Sent]) -> None:
        with self._guard:
            newer, self._sent = self._sent, sent
            for key, each in newer.items():
                known = self._sent.setdefault(key, each)
                if known is not each:
                    known.requests += each.requests
                    known.bytes += each.bytes

    def _run(self) -> None:
        rounds, due = 0, 0
        while not self._closing.wait(_EVERY_S):
            try:
                self.flush()
                if rounds >= due:
                    due = rounds + int(_FORGETS_EVERY_S / _EVERY_S)
                    self.forget()
            except StoreDown as error:
                log.warning("old lines of the audit stay for now: %s", error.message)
            except Exception:  # it must go on: else nothing more is written
                log.exception("a round of the audit failed; the next one follows")
            rounds += 1
