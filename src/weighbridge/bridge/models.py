"""The verbs of a model list: lock, sync, verify, list, clean.

A verb over many models never stops at the first that fails: it gives one result each, with the
error in it. What is wrong with the question itself (a bad list, an unknown id) is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.adapters.layout_dir import DirLayout
from weighbridge.adapters.lock_file import LockRegister, read_lock, write_lock
from weighbridge.adapters.manifests import ManifestShelf
from weighbridge.adapters.model_list import ModelList, read_model_list, write_example
from weighbridge.adapters.progress import SilentReporter
from weighbridge.adapters.unchanged import Unchanged
from weighbridge.bridge.model_results import Checked, Cleaned, Failure, Listed, Locked, Moved, Synced
from weighbridge.bridge.pins import answers, is_kept, pin_all, side_by_side
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import Lock, LockEntry, Spec
from weighbridge.errors import BadInput, LockStale, NotFound, WeighbridgeError
from weighbridge.flows.ensure import as_found, ensure, require_license
from weighbridge.ports import Hub, Reporter
from weighbridge.settings import Settings

if TYPE_CHECKING:
    from weighbridge.adapters.blobs_fs import FolderBlobs

ABANDONED_AFTER_S = 3600.0
"""What is left in the store's tmp and was not touched for so long belongs to no living process."""


class Models:
    """One method per verb. Hub and store are made when something is to be asked of them."""

    def __init__(
        self,
        *,
        hub: Callable[[], Hub],
        blobs: Callable[[], FolderBlobs],
        shelf: ManifestShelf,
        register: LockRegister,
        connections: int,
        lists: Path | None = None,
        shares_store: bool = False,
    ) -> None:
        self._make_hub, self._make_blobs = hub, blobs
        self._shelf, self._register = shelf, register
        self._read_list = Unchanged(lambda path: read_model_list(path, lists))
        self._read_lock = Unchanged(read_lock)
        self._layouts: dict[Path, DirLayout] = {}
        self._connections, self._shares_store = connections, shares_store

    @cached_property
    def _hub(self) -> Hub:
        return self._make_hub()

    @cached_property
    def _blobs(self) -> FolderBlobs:
        return self._make_blobs()

    def read(self, path: Path) -> ModelList:
        """The model list in a file. Raises NotFound, BadConfig."""
        return self._read_list(path)

    def init(self, path: Path) -> None:
        """Write a commented example. Raises BadInput where something stands already."""
        write_example(path)

    def lock(
        self, models: ModelList, *, upgrade: Sequence[str] = (), reporter: Reporter | None = None
    ) -> tuple[Locked, ...]:
        """Pin what is new, changed or to be upgraded; keep every other pin; drop what is gone.

        What could be pinned is written even where another model failed.
        """
        _chosen(models, upgrade)
        old = self._read_lock(models.lock_path) or Lock()
        again = {spec.id for spec in models.specs if spec.id in upgrade or not is_kept(old, spec)}
        pins = self._pinned([spec for spec in models.specs if spec.id in again], reporter)
        self._write(models, old, pins)
        done = [_locked(spec.id, old.entries.get(spec.id), pins.get(spec.id)) for spec in models.specs]
        wanted = {spec.id for spec in models.specs}
        gone = [
            Locked(id=id, change="removed", was=entry.manifest.commit)
            for id, entry in old.entries.items()
            if id not in wanted
        ]
        return (*done, *gone)

    def moved(self, models: ModelList) -> tuple[Moved, ...]:
        """What every locked revision means upstream now; nothing is written.

        Raises:
            LockStale: the lock does not answer the list.
        """
        lock, hub = self._current(models), self._hub

        def ask(spec: Spec) -> Moved:
            pinned = lock.entries[spec.id].manifest.commit
            asked = Moved(id=spec.id, revision=spec.ref.revision, commit=pinned, now=pinned)
            if spec.ref.is_pinned:
                return asked
            try:
                return replace(asked, now=hub.info(spec.ref).commit)
            except (WeighbridgeError, Invalid) as error:
                return replace(asked, now="", error=error)

        return tuple(side_by_side(ask, models.specs, self._connections))

    def sync(
        self,
        models: ModelList,
        ids: Sequence[str] = (),
        *,
        frozen: bool = False,
        reporter: Reporter | None = None,
    ) -> tuple[Synced, ...]:
        """Lay out what the lock names, fetching what is not held. What is not locked is locked first.

        Raises:
            LockStale: ``frozen``, and the lock does not answer the list.
            NotFound: an id that the list does not have.
        """
        specs = _chosen(models, ids)
        lock = self._current(models) if frozen else self._read_lock(models.lock_path) or Lock()
        pins = self._pinned([spec for spec in specs if not answers(lock, spec)], reporter)
        if pins:
            self._write(models, lock, pins)
        self._register.note(models.lock_path)
        entries: Mapping[str, LockEntry | Failure] = {**lock.entries, **pins}
        layout = self._layout(models)
        return tuple(self._synced(spec, entries[spec.id], layout, reporter) for spec in specs)

    def verify(
        self, models: ModelList, ids: Sequence[str] = (), *, level: str | None = None
    ) -> tuple[Checked, ...]:
        """Compare the folders with the lock at a level (``none``, ``size``, ``sha256``).

        Raises:
            NotFound: an id that the list does not have.
        """
        layout, lock = self._layout(models), self._read_lock(models.lock_path) or Lock()
        return tuple(
            self._checked(models, spec, lock, layout, level or models.verify) for spec in _chosen(models, ids)
        )

    def list(self, models: ModelList, ids: Sequence[str] = ()) -> tuple[Listed, ...]:
        """Every model and its state: ``held``, ``partial``, ``missing``, ``stale`` or ``tampered``.

        Raises:
            NotFound: an id that the list does not have.
        """
        layout, lock = self._layout(models), self._read_lock(models.lock_path) or Lock()

        def listed(spec: Spec) -> Listed:
            folder = layout.path(spec.folder)
            if not answers(lock, spec):
                return Listed(spec=spec, folder=folder, state="stale" if folder.exists() else "missing")
            entry = lock.entries[spec.id]
            return Listed(
                spec=spec, folder=folder, state=layout.state(spec.folder, entry.manifest), entry=entry
            )

        return tuple(map(listed, _chosen(models, ids)))

    def clean(
        self, models: ModelList, ids: Sequence[str] = (), *, dry_run: bool = False
    ) -> tuple[Cleaned, ...]:
        """Remove laid out folders, stored files that no other lock names, and what was left unfinished.

        Raises:
            NotFound: an id that the list does not have.
        """
        specs, layout = _chosen(models, ids), self._layout(models)
        done = []
        for spec in specs:
            line = Cleaned(id=spec.id, folder=layout.path(spec.folder))
            try:
                size = layout.remove(spec.folder, dry_run=dry_run)
                done.append(replace(line, removed_bytes=size))
            except WeighbridgeError as error:
                done.append(replace(line, error=error))
        if not dry_run:
            self._drop_unused(models, {line.id for line in done if line.error is None})
            layout.sweep()
            self._blobs.sweep(ABANDONED_AFTER_S)
        return tuple(done)

    def _layout(self, models: ModelList) -> DirLayout:
        known = self._layouts.get(models.cache_dir)
        if known is None:
            known = DirLayout(models.cache_dir, lambda sha256: self._blobs.path(sha256))
            self._layouts[models.cache_dir] = known
        return known

    def _current(self, models: ModelList) -> Lock:
        lock = self._read_lock(models.lock_path) or Lock()
        if stale := lock.stale(models.specs):
            raise LockStale(str(models.lock_path), stale)
        return lock

    def _pinned(self, specs: Sequence[Spec], reporter: Reporter | None) -> dict[str, LockEntry | Failure]:
        if not specs:
            return {}
        listener = reporter or SilentReporter()
        return pin_all(specs, self._hub, self._blobs, self._shelf, listener, self._connections)

    def _write(self, models: ModelList, old: Lock, pins: Mapping[str, LockEntry | Failure]) -> None:
        wanted = {spec.id for spec in models.specs}
        kept = {id: entry for id, entry in old.entries.items() if id in wanted}
        fresh = {id: entry for id, entry in pins.items() if isinstance(entry, LockEntry)}
        lock = Lock(entries={**kept, **fresh})
        if lock.entries or old.entries:
            write_lock(models.lock_path, lock)
            self._register.note(models.lock_path)

    def _synced(
        self, spec: Spec, entry: LockEntry | Failure, layout: DirLayout, reporter: Reporter | None
    ) -> Synced:
        folder = layout.path(spec.folder)
        if isinstance(entry, Exception):
            return Synced(id=spec.id, folder=folder, error=entry)
        manifest = entry.manifest
        try:
            require_license(spec, entry.license)
            done = as_found(spec.folder, manifest, layout) or ensure(
                spec.folder,
                manifest,
                layout,
                self._hub,
                self._blobs,
                reporter or SilentReporter(),
                self._connections,
            )
        except (WeighbridgeError, Invalid) as error:
            return Synced(id=spec.id, folder=folder, commit=manifest.commit, error=error)
        return Synced(
            id=spec.id,
            folder=done.path,
            commit=manifest.commit,
            state=done.state,
            fetched_bytes=done.fetched_bytes,
        )

    def _checked(self, models: ModelList, spec: Spec, lock: Lock, layout: DirLayout, level: str) -> Checked:
        line = Checked(id=spec.id, folder=layout.path(spec.folder))
        if not answers(lock, spec):
            return replace(line, faults=(LockStale(str(models.lock_path), [spec.id]),))
        manifest = lock.entries[spec.id].manifest
        if not line.folder.is_dir():
            absent = NotFound(f"'{line.folder}' is missing", hint="run 'weighbridge sync'")
            return replace(line, faults=(absent,))
        return replace(
            line,
            files=len(manifest.files),
            size_bytes=manifest.total_bytes,
            faults=layout.faults(spec.folder, manifest, level),
            unlisted=layout.unlisted(spec.folder, manifest),
        )

    def _drop_unused(self, models: ModelList, ids: set[str]) -> None:
        """Drop stored contents that only the cleaned models use; in doubt they stay."""
        lock = self._read_lock(models.lock_path) or Lock()
        gone = {id: entry for id, entry in lock.entries.items() if id in ids}
        kept = [entry for id, entry in lock.entries.items() if id not in ids]
        try:
            others = list(self._register.others(models.lock_path))
        except BadInput:
            return
        if self._shares_store:
            return
        used = _contents([*kept, *(entry for other in others for entry in other.entries.values())])
        for sha256 in _contents(gone.values()) - used:
            self._blobs.remove(sha256)


def open_models(settings: Settings, *, offline: bool = False) -> Models:
    """The model verbs, wired for a command: nothing is imported that a warm ``sync`` does not need."""

    def hub() -> Hub:
        if offline or settings.offline:
            from weighbridge.adapters.hub_offline import OfflineHub

            return OfflineHub()
        from weighbridge.adapters.hub_http import HttpHub

        return HttpHub(
            settings.upstream,
            token=settings.token,
            environ=settings.environ,
            connections=settings.connections,
        )

    def blobs() -> FolderBlobs:
        from weighbridge.adapters.blobs_fs import FolderBlobs

        return FolderBlobs(settings.home)

    with suppress(OSError):  # told by whoever writes there first; `list` and `verify` need not write
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Models(
        hub=hub,
        blobs=blobs,
        shelf=ManifestShelf(settings.home),
        register=LockRegister(settings.home),
        connections=settings.connections,
        lists=settings.home / "lists-v1",
        # A registry in the same home lists packages whose bytes only the catalogue knows of.
        shares_store=bool(settings.database_url) or (settings.home / "catalog.sqlite3").exists(),
    )


def _chosen(models: ModelList, ids: Sequence[str]) -> Sequence[Spec]:
    by_id = {spec.id: spec for spec in models.specs}
    for id in ids:
        if id not in by_id:
            from difflib import get_close_matches

            near = get_close_matches(id, by_id, n=1)
            raise NotFound(
                f"{models.path} has no model '{id}'",
                hint=f"did you mean '{near[0]}'?" if near else f"it has {', '.join(by_id) or 'none'}",
            )
    return tuple(spec for spec in models.specs if not ids or spec.id in ids)


def _locked(id: str, was: LockEntry | None, pinned: LockEntry | Failure | None) -> Locked:
    before = was.manifest.commit if was else ""
    if isinstance(pinned, Exception):
        return Locked(id=id, change="failed", was=before, error=pinned)
    if pinned is None or pinned == was:
        return Locked(id=id, change="kept", commit=before, was=before)
    return Locked(id=id, change="changed" if was else "added", commit=pinned.manifest.commit, was=before)


def _contents(entries: Iterable[LockEntry]) -> set[str]:
    return {file.sha256 for entry in entries for file in entry.manifest.files if file.sha256}
