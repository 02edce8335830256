"""The verb of those who watch: how the catalogue, the store, the upstream and the jobs are."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from time import monotonic
from uuid import uuid4

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.hub_http import Contact
from weighbridge.bridge.jobs import Jobs
from weighbridge.domain.health import Component, Condition
from weighbridge.errors import StoreDown
from weighbridge.ports import BlobStore

log = logging.getLogger(__name__)
LOOKS_EVERY_S = 2.0
"""However often somebody asks, the parts are looked at no more often."""
LITTLE_BYTES = 1 << 30
"""With less room than this the next model may not fit."""


class Health:
    """Looks at every part. Whoever asks may be a stranger: no place, name or text of an error is told."""

    def __init__(self, home: Path, catalog: Catalog, blobs: BlobStore, contact: Contact, jobs: Jobs) -> None:
        self._home, self._catalog, self._blobs = home, catalog, blobs
        self._contact, self._jobs = contact, jobs
        self._guard = threading.Lock()
        self._seen: tuple[float, Sequence[Component]] = (-LOOKS_EVERY_S, ())
        self._down: set[str] = set()

    def look(self) -> Sequence[Component]:
        """Every part as it was within the last two seconds. The upstream is not asked."""
        with self._guard:
            if monotonic() - self._seen[0] >= LOOKS_EVERY_S or not self._seen[1]:
                seen = (*self._catalog_and_jobs(), self._store(), self._upstream())
                self._seen = (monotonic(), seen)
            return self._seen[1]

    def _catalog_and_jobs(self) -> tuple[Component, Component]:
        try:
            counts, workers = self._catalog.count_standing_jobs(), self._jobs.living_workers()
        except StoreDown as error:
            self._is_down("catalogue", error.message)
            gone = Component(
                name="catalogue", condition=Condition.DOWN, detail="the catalogue does not answer"
            )
            return gone, Component(name="jobs", condition=Condition.DOWN, detail="jobs are in the catalogue")
        self._is_up("catalogue")
        trouble = self._jobs.trouble
        if not trouble and counts["queued"] and not workers:
            trouble = "jobs wait and no worker lives"
        jobs = Component(
            name="jobs",
            condition=Condition.DEGRADED if trouble else Condition.OK,
            detail=trouble,
            figures={"begun": self._jobs.has_begun, "workers": workers, **counts},
        )
        return Component(name="catalogue"), jobs

    def _store(self) -> Component:
        try:
            _try_to_write(self._home)
            self._blobs.require_room(1)
            free = shutil.disk_usage(self._home).free
        except (StoreDown, OSError) as error:
            self._is_down("store", str(error))
            return Component(
                name="store",
                condition=Condition.DOWN,
                detail="the store cannot be written",
                figures={"writable": False},
            )
        self._is_up("store")
        little = free < LITTLE_BYTES
        return Component(
            name="store",
            condition=Condition.DEGRADED if little else Condition.OK,
            detail="there is little room left" if little else "",
            figures={"writable": True, "free_bytes": free},
        )

    def _upstream(self) -> Component:
        silent = self._contact.is_silent
        return Component(
            name="upstream",
            condition=Condition.DEGRADED if silent else Condition.OK,
            detail="the Hub did not answer the last question" if silent else "",
            figures={
                "answered_at": _spelled(self._contact.answered_at),
                "silent_at": _spelled(self._contact.silent_at),
            },
        )

    def _is_down(self, part: str, why: str) -> None:
        """The log tells it once, however often somebody asks meanwhile."""
        if part not in self._down:
            log.warning("the %s is down: %s", part, why)
            self._down.add(part)

    def _is_up(self, part: str) -> None:
        if part in self._down:
            log.warning("the %s is back", part)
            self._down.discard(part)


def _try_to_write(home: Path) -> None:
    """A few bytes, so that a full disk is noticed as well as one that cannot be written.

    Raises:
        OSError: they cannot be written.
    """
    folder = home / "tmp"
    folder.mkdir(mode=0o700, exist_ok=True)
    probe = folder / f"health-{os.getpid()}-{uuid4().hex}"
    try:
        probe.write_bytes(b"x" * 4096)
    finally:
        probe.unlink(missing_ok=True)


def _spelled(at: datetime | None) -> str | None:
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
