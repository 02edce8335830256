"""The verbs of a model list: lock, sync, verify, list, clean.

A verb over many models never stops at the first that fails: it gives one result each, with the
error in it. What is wrong with the question itself (a bad list, an unknown id) is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.adapters.lock_file import LockRegister, read_lock
from weighbridge.adapters.manifests import ManifestShelf
from weighbridge.adapters.model_list import ModelList, read_model_list, write_example
from weighbridge.adapters.progress import SilentReporter
from weighbridge.adapters.unchanged import Unchanged
from weighbridge.bridge.checking import checked_at
from weighbridge.bridge.layouts import Layouts, Spot
from weighbridge.bridge.model_results import Checked, Cleaning, Failure, Listed, Locked, Moved, Synced
from weighbridge.bridge.pins import answers, is_kept, locked, moved_to, pin_all, pinned_into, side_by_side
from weighbridge.bridge.upstream import upstream_hub
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import Lock, LockEntry, Spec
from weighbridge.domain.manifest import Manifest
from weighbridge.errors import LockStale, NotFound, StoreDown, WeighbridgeError
from weighbridge.flows.ensure import as_found, ensure, require_license
from weighbridge.flows.fetching import Elsewhere, nowhere
from weighbridge.ports import Hub, Reporter
from weighbridge.settings import Settings

if TYPE_CHECKING:
    from weighbridge.adapters.blobs_fs import FolderBlobs


class Models:
    """One method per verb. Hub and store are made when something is to be asked of them."""

    def __init__(
        self,
        *,
        hub: Callable[[], Hub],
        blobs: Callable[[], FolderBlobs],
        shelf: ManifestShelf,
        register: LockRegister,
        layouts: Callable[[Callable[[str], Path]], Layouts],
        connections: int,
        elsewhere: Elsewhere = nowhere,
        lists: Path | None = None,
        shares_store: bool = False,
    ) -> None:
        self._make_hub, self._make_blobs = hub, blobs
        self._shelf, self._register = shelf, register
        self._read_list = Unchanged(lambda path: read_model_list(path, lists))
        self._read_lock = Unchanged(read_lock)
        self._layouts = layouts(lambda sha256: self._blobs.path(sha256))
        self._connections, self._elsewhere, self._shares_store = connections, elsewhere, shares_store

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

        What could be pinned is written even where another model failed. A pin that cannot be upgraded
        stays as it is, and its line has the error.
        """
        _chosen(models, upgrade)
        old = self._read_lock(models.lock_path) or Lock()
        again = {spec.id for spec in models.specs if spec.id in upgrade or not is_kept(old, spec)}
        pins, _ = self._pinned(models, [spec for spec in models.specs if spec.id in again], reporter, upgrade)
        done = [locked(spec, old, pins.get(spec.id), self._shelf) for spec in models.specs]
        wanted = {spec.id for spec in models.specs}
        gone = [
            Locked(id=id, change="removed", was=entry.manifest.commit, before=entry)
            for id, entry in old.entries.items()
            if id not in wanted
        ]
        return (*done, *gone)

    def moved(self, models: ModelList) -> tuple[Moved, ...]:
        """What every locked revision means upstream now, and what files that would be; nothing is written.

        Raises:
            LockStale: the lock does not answer the list.
        """
        lock, hub = self._current(models), self._hub

        def ask(spec: Spec) -> Moved:
            return moved_to(spec, lock.entries[spec.id], hub)

        return tuple(side_by_side(ask, models.specs, self._connections))

    def sync(
        self,
        models: ModelList,
        ids: Sequence[str] = (),
        *,
        frozen: bool = False,
        layout: str | None = None,
        editable: bool = False,
        reporter: Reporter | None = None,
    ) -> tuple[Synced, ...]:
        """Lay out what the lock names, fetching what is not held. What is not locked is locked first.

        ``layout`` (``dir`` or ``hf-cache``) takes the place of what the list says. ``editable``
        makes plain folders of copies that may be written to.

        Raises:
            LockStale: ``frozen``, and the lock does not answer the list.
            NotFound: an id that the list does not have.
            BadInput: ``editable`` in a Hugging Face cache.
        """
        specs = _chosen(models, ids)
        lock = self._current(models) if frozen else self._read_lock(models.lock_path) or Lock()
        pins: Mapping[str, LockEntry | Failure] = {}
        if unpinned := [spec for spec in specs if not answers(lock, spec)]:
            pins, lock = self._pinned(models, unpinned, reporter)
        with suppress(StoreDown):  # a home that cannot be written matters to those who fetch
            self._register.note(models.lock_path)
        user = str(models.lock_path.absolute())
        done = []
        for spec in specs:
            entry = lock.entries[spec.id] if answers(lock, spec) else pins[spec.id]
            manifest = entry.manifest if isinstance(entry, LockEntry) else None
            spot = self._layouts.spot(models, spec, manifest, layout, user=user, editable=editable)
            done.append(self._synced(spec, entry, spot, models.lock_path, reporter))
        return tuple(done)

    def verify(
        self,
        models: ModelList,
        ids: Sequence[str] = (),
        *,
        level: str | None = None,
        layout: str | None = None,
    ) -> tuple[Checked, ...]:
        """Compare the folders with the lock at a level (``none``, ``size``, ``sha256``).

        Raises:
            NotFound: an id that the list does not have.
        """
        lock, level = self._read_lock(models.lock_path) or Lock(), level or models.verify

        def checked(spec: Spec) -> Checked:
            if not answers(lock, spec):
                place = self._layouts.spot(models, spec, None, layout).path
                return Checked(
                    id=spec.id, folder=place, faults=(LockStale(str(models.lock_path), [spec.id]),)
                )
            manifest = lock.entries[spec.id].manifest
            spot = self._layouts.spot(models, spec, manifest, layout)
            return checked_at(spot, manifest, spec.id, level)

        return tuple(map(checked, _chosen(models, ids)))

    def list(
        self, models: ModelList, ids: Sequence[str] = (), *, layout: str | None = None
    ) -> tuple[Listed, ...]:
        """Every model and its state: ``held``, ``partial``, ``missing``, ``stale`` or ``tampered``.

        Raises:
            NotFound: an id that the list does not have.
        """
        lock = self._read_lock(models.lock_path) or Lock()

        def listed(spec: Spec) -> Listed:
            if not answers(lock, spec):
                folder = self._layouts.spot(models, spec, None, layout).path
                return Listed(spec=spec, folder=folder, state="stale" if folder.exists() else "missing")
            entry = lock.entries[spec.id]
            spot = self._layouts.spot(models, spec, entry.manifest, layout)
            state = spot.layout.state(spot.folder, entry.manifest)
            return Listed(spec=spec, folder=spot.path, state=state, entry=entry)

        return tuple(map(listed, _chosen(models, ids)))

    def clean(
        self,
        models: ModelList,
        ids: Sequence[str] = (),
        *,
        dry_run: bool = False,
        layout: str | None = None,
        reporter: Reporter | None = None,
    ) -> Cleaning:
        """Remove laid out folders, stored files that no other lock names, and what was left unfinished.

        What another lock that uses this home still names stays; who is in the middle of a sync is
        waited for. With ``dry_run`` only what would go is told.

        Raises:
            NotFound: an id that the list does not have.
        """
        from weighbridge.bridge.cleaning import Cleaner

        specs, lock = _chosen(models, ids), self._read_lock(models.lock_path) or Lock()
        user = str(models.lock_path.absolute())

        def spot(spec: Spec, manifest: Manifest | None) -> Spot:
            return self._layouts.spot(models, spec, manifest, layout, user=user)

        cleaner = Cleaner(models.lock_path, lock, self._register, shares_store=self._shares_store)
        if dry_run:
            return cleaner.preview(specs, spot, self._blobs)
        return cleaner.run(specs, spot, self._blobs, reporter or SilentReporter())

    def _current(self, models: ModelList) -> Lock:
        lock = self._read_lock(models.lock_path) or Lock()
        if stale := lock.stale(models.specs):
            raise LockStale(str(models.lock_path), stale)
        return lock

    def _pinned(
        self,
        models: ModelList,
        specs: Sequence[Spec],
        reporter: Reporter | None,
        upgrade: Sequence[str] = (),
    ) -> tuple[Mapping[str, LockEntry | Failure], Lock]:
        def pins() -> Mapping[str, LockEntry | Failure]:
            if not specs:
                return {}
            listener = reporter or SilentReporter()
            return pin_all(
                specs, self._hub, self._blobs, self._shelf, listener, self._connections, self._elsewhere
            )

        with self._register.using() if specs else nullcontext():
            return pinned_into(models, pins, upgrade, self._register)

    def _synced(
        self, spec: Spec, entry: LockEntry | Failure, spot: Spot, lock_path: Path, reporter: Reporter | None
    ) -> Synced:
        if isinstance(entry, Exception):
            return Synced(id=spec.id, folder=spot.path, error=entry)
        manifest, layout = entry.manifest, spot.layout
        try:
            require_license(spec, entry.license)
            if as_found(spot.folder, manifest, layout):
                return Synced(
                    id=spec.id,
                    folder=spot.path,
                    commit=manifest.commit,
                    state="held",
                    moved_from=spot.moved_from,
                )
            self._register.note(lock_path)
            with self._register.using():
                listener = reporter or SilentReporter()
                done = ensure(
                    spot.folder,
                    manifest,
                    layout,
                    self._hub,
                    self._blobs,
                    listener,
                    self._connections,
                    self._elsewhere,
                )
        except (WeighbridgeError, Invalid) as error:
            return Synced(id=spec.id, folder=spot.path, commit=manifest.commit, error=error)
        return Synced(
            id=spec.id,
            folder=done.path,
            commit=manifest.commit,
            state=done.state,
            fetched_bytes=done.fetched_bytes,
            adopted_bytes=done.adopted_bytes,
            moved_from=spot.moved_from,
        )


def open_models(settings: Settings, *, offline: bool = False, hub: Callable[[], Hub] | None = None) -> Models:
    """The model verbs, wired for a command: nothing is imported that a warm ``sync`` does not need.

    ``hub`` gives the Hub that is asked in place of the upstream.
    """

    def blobs() -> FolderBlobs:
        from weighbridge.adapters.blobs_fs import FolderBlobs

        return FolderBlobs(settings.home)

    @cache
    def cached() -> Elsewhere:
        from weighbridge.adapters.layout_hf.finding import CachedContents

        return CachedContents(settings.hf_cache)

    with suppress(OSError):  # told by whoever writes there first; `list` and `verify` need not write
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Models(
        hub=hub or partial(upstream_hub, settings, offline=offline),
        blobs=blobs,
        shelf=ManifestShelf(settings.home),
        register=LockRegister(settings.home),
        layouts=lambda blob_path: Layouts(settings.home, settings.hf_cache, blob_path),
        connections=settings.connections,
        elsewhere=(lambda repo, entry: cached()(repo, entry)) if settings.adopt else nowhere,
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
