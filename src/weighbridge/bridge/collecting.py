"""``gc``: what the store holds and nothing names any more.

    look    which contents packages, refusals, commits, scans, jobs and locks name, in one transaction
    sweep   one by one: neither named, nor used since the limit, which is the earliest of
            now - grace, and the moment when the oldest job that is not over was asked for

Whoever relies on a content marks it as used first (see ``ports.BlobStore.discard``), so that whatever
begins after the look finds its contents too young, and whatever began before it is an active job, or
has its grace. ``weighbridge sync`` waits meanwhile, as it does for ``clean``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.lock_file import LockRegister
from weighbridge.adapters.manifests import ManifestShelf
from weighbridge.adapters.xorb_files import XorbFiles
from weighbridge.bridge.access import require
from weighbridge.domain.access import AuditLine, Permission, Principal
from weighbridge.domain.json_values import JsonObject
from weighbridge.errors import BadInput
from weighbridge.ports import BlobStore, Reporter

LEAST_GRACE_S = 3600.0
"""What was sent but not yet committed is named by nothing: nobody may clear it away at once."""
_ABANDONED_AFTER_S = 24 * 3600.0
_SLACK_S = 60.0
"""Clocks of several machines, and of their file systems, differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What went, or would go; ``kept`` counts contents that stay, ``idle_since`` was the limit.

    ``zip_bytes`` are the zips in a bucket of packages that are not served any more.
    """

    removed: int
    removed_bytes: int
    kept: int
    kept_bytes: int
    unfinished_bytes: int
    zip_bytes: int
    manifests: int
    idle_since: datetime
    dry_run: bool

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "removed": self.removed,
            "removed_bytes": self.removed_bytes,
            "kept": self.kept,
            "kept_bytes": self.kept_bytes,
            "unfinished_bytes": self.unfinished_bytes,
            "zip_bytes": self.zip_bytes,
            "manifests": self.manifests,
            "idle_since": self.idle_since.isoformat(),
            "dry_run": self.dry_run,
        }


class Collecting:
    """The verb asks for ``admin``. ``forget`` removes what of the audit need not be kept."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        blobs: BlobStore,
        shelf: ManifestShelf,
        xorbs: XorbFiles,
        register: LockRegister,
        needless_zips: Callable[..., int],
        forget: Callable[[], int],
        now: Callable[[], datetime],
    ) -> None:
        self._catalog, self._blobs, self._shelf, self._xorbs = catalog, blobs, shelf, xorbs
        self._register, self._needless_zips = register, needless_zips
        self._now, self._forget = now, forget

    def run(
        self, principal: Principal, reporter: Reporter, *, grace_s: float, dry_run: bool = False
    ) -> Collected:
        """Remove every content that nothing names and nobody used for ``grace_s`` seconds.

        Killed at any moment it leaves what the next run removes.

        Raises:
            NotAuthenticated, NotPermitted: without ``admin``.
            BadInput: the grace is too short, or a lock that uses this home cannot be read.
            StoreDown: the store or the catalogue fails.
        """
        require(principal, Permission.ADMIN)
        if not grace_s >= LEAST_GRACE_S:
            raise BadInput(
                "contents stay for an hour at least: what was sent and not yet committed is named by nothing",
                hint="give --older-than 0.05 days or more",
            )
        if dry_run:
            return self._collected(grace_s, dry_run=True)
        if self._register.is_used():
            reporter.waiting("another process is syncing with this home")
        with self._register.alone():
            done = self._collected(grace_s, dry_run=False)
        self._forget()
        detail = f"removed={done.removed} bytes={done.removed_bytes} kept={done.kept}"
        line = AuditLine(at=self._now(), by=principal.name, verb="gc", target="store", detail=detail)
        self._catalog.add_audit(line)
        return done

    def _collected(self, grace_s: float, *, dry_run: bool) -> Collected:
        began = self._now()  # before the look: what begins after it is younger
        named = self._catalog.named()
        kept = set(named.contents)
        for _, lock in self._register.others():
            for entry in lock.entries.values():
                kept.update(file.sha256 for file in entry.manifest.files if file.sha256)
        limit = began.timestamp() - grace_s
        if named.active_since is not None:
            limit = min(limit, named.active_since.timestamp())
        limit -= _SLACK_S
        gone, gone_bytes, left, left_bytes = 0, 0, 0, 0
        for sha256, size in self._blobs.walk():
            if sha256 not in kept and self._goes(sha256, limit, dry_run=dry_run):
                gone, gone_bytes = gone + 1, gone_bytes + size
            else:
                left, left_bytes = left + 1, left_bytes + size
        return Collected(
            removed=gone,
            removed_bytes=gone_bytes,
            kept=left,
            kept_bytes=left_bytes,
            unfinished_bytes=0 if dry_run else self._tidied(grace_s),
            zip_bytes=self._needless_zips(dry_run=dry_run),
            manifests=0 if dry_run else self._shelf.sweep(named.commits, limit),
            idle_since=datetime.fromtimestamp(limit, began.tzinfo),
            dry_run=dry_run,
        )

    def _goes(self, sha256: str, limit: float, *, dry_run: bool) -> bool:
        if dry_run:
            return self._blobs.is_idle(sha256, limit)
        return self._blobs.discard(sha256, limit) is not None

    def _tidied(self, grace_s: float) -> int:
        """What was begun and left alone for long; xorbs have the time that their clients are told."""
        return self._blobs.sweep(max(grace_s, _ABANDONED_AFTER_S)) + self._xorbs.sweep()
