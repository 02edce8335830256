"""``clean``: folders, stored contents that no lock names any more, and what was left unfinished."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.adapters.lock_file import LockRegister
from weighbridge.bridge.layouts import Spot
from weighbridge.bridge.model_results import Cleaned, Cleaning
from weighbridge.domain.lock import Lock, LockEntry, Spec
from weighbridge.domain.manifest import Manifest
from weighbridge.errors import BadInput, WeighbridgeError
from weighbridge.ports import Reporter

if TYPE_CHECKING:
    from weighbridge.adapters.blobs_fs import FolderBlobs

ABANDONED_AFTER_S = 3600.0
"""What is left in the store's tmp and was not touched for so long belongs to no living process."""


class Cleaner:
    """Cleans models of one list; ``lock`` is the list's, at ``lock_path``."""

    def __init__(self, lock_path: Path, lock: Lock, register: LockRegister, *, shares_store: bool) -> None:
        self._path, self._lock, self._register = lock_path, lock, register
        self._shares_store = shares_store
        self._others: Mapping[str, Lock] | None = None

    def run(
        self,
        specs: Sequence[Spec],
        spot: Callable[[Spec, Manifest | None], Spot],
        blobs: FolderBlobs,
        reporter: Reporter,
    ) -> Cleaning:
        """Clean, with nobody else at the store or at the folders meanwhile.

        Raises:
            StoreDown: the home cannot be written.
        """
        if self._register.is_used():
            reporter.waiting("another process is syncing with this home")
        with self._register.alone() as is_alone:
            lines = self._folders(specs, spot, dry_run=False)
            done, why = self._contents(lines, blobs, is_alone=is_alone, dry_run=False)
            for layout in {id(place.layout): place.layout for place in self._spots(specs, spot)}.values():
                layout.sweep()
            left = blobs.sweep(ABANDONED_AFTER_S)
        return Cleaning(models=done, unfinished_bytes=left, stored_stay=why)

    def preview(
        self, specs: Sequence[Spec], spot: Callable[[Spec, Manifest | None], Spot], blobs: FolderBlobs
    ) -> Cleaning:
        """What ``run`` would do now; nothing is waited for and nothing changes."""
        lines = self._folders(specs, spot, dry_run=True)
        done, why = self._contents(lines, blobs, is_alone=True, dry_run=True)
        left = blobs.sweep(ABANDONED_AFTER_S, dry_run=True)
        return Cleaning(models=done, unfinished_bytes=left, stored_stay=why)

    def _spots(self, specs: Sequence[Spec], spot: Callable[[Spec, Manifest | None], Spot]) -> list[Spot]:
        return [spot(spec, self._manifest(spec.id)) for spec in specs]

    def _manifest(self, id: str) -> Manifest | None:
        entry = self._lock.entries.get(id)
        return entry.manifest if entry else None

    def _folders(
        self, specs: Sequence[Spec], spot: Callable[[Spec, Manifest | None], Spot], *, dry_run: bool
    ) -> list[Cleaned]:
        try:
            self._others = dict(self._register.others(self._path))
        except BadInput:
            self._others = None
        ids, done, seen = {spec.id for spec in specs}, [], set()
        for spec, place in zip(specs, self._spots(specs, spot), strict=True):
            users = place.layout.users(place.folder) - {str(self._path.absolute())}
            here = [e for id, e in self._lock.entries.items() if id not in ids] if place.is_shared else []
            wanted = self._wanted(self._manifest(spec.id), users, here)
            try:
                size = place.layout.remove(place.folder, wanted, dry_run=dry_run)
                counted = 0 if place.path in seen else size
                seen.add(place.path)
                kept = (", ".join(sorted(users)) or "another model of the list") if wanted else ""
                done.append(Cleaned(id=spec.id, folder=place.path, removed_bytes=counted, kept=kept))
            except WeighbridgeError as error:
                done.append(Cleaned(id=spec.id, folder=place.path, error=error))
        return done

    def _wanted(
        self, manifest: Manifest | None, users: frozenset[str], here: Iterable[LockEntry]
    ) -> frozenset[str]:
        """The files of a laid out model that another lock, or another model (``here``), still wants."""
        if manifest is None:
            return frozenset()
        if self._others is None:
            return frozenset(manifest.by_path) if users else frozenset()
        entries = list(here)
        for user in users:
            other = self._others.get(user)
            entries += other.entries.values() if other else ()
        same = (entry.manifest for entry in entries if _is_same(entry.manifest, manifest))
        return frozenset(path for other in same for path in other.by_path)

    def _contents(
        self, lines: list[Cleaned], blobs: FolderBlobs, *, is_alone: bool, dry_run: bool
    ) -> tuple[tuple[Cleaned, ...], str]:
        """Drop stored contents that only the cleaned models use; in doubt they stay, and why is said."""
        if self._shares_store:
            return tuple(lines), "a registry lives in the same home"
        if self._others is None:
            return tuple(lines), "a lock that uses this home cannot be read"
        if not is_alone:
            return tuple(lines), "this file system has no locks, so others may be using them"
        cleaned = {line.id for line in lines if line.error is None}
        kept = [entry for id, entry in self._lock.entries.items() if id not in cleaned]
        used = _contents_of([*kept, *(e for other in self._others.values() for e in other.entries.values())])
        done = []
        for line in lines:
            entry = self._lock.entries.get(line.id)
            going = _contents_of([entry] if entry and line.id in cleaned else []) - used
            used |= going  # counted once, with the first model that names it
            sizes = [size for sha256 in going if (size := blobs.size(sha256)) is not None]
            for sha256 in () if dry_run else going:
                blobs.remove(sha256)
            done.append(replace(line, stored_bytes=sum(sizes)))
        return tuple(done), ""


def _is_same(one: Manifest, other: Manifest) -> bool:
    return one.repo == other.repo and one.commit == other.commit


def _contents_of(entries: Iterable[LockEntry]) -> set[str]:
    return {file.sha256 for entry in entries for file in entry.manifest.files if file.sha256}
