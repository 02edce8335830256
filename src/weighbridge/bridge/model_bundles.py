"""The verbs of bundles that hold the models of a list: the lock and every file that it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.bundle_file import open_bundle
from weighbridge.adapters.lock_file import LockRegister, change_lock, read_lock
from weighbridge.adapters.model_list import ModelList, read_model_list
from weighbridge.bridge.bundling import MADE_BY, Written, members_of, pour, written
from weighbridge.bridge.layouts import Layouts
from weighbridge.bridge.model_results import Locked
from weighbridge.domain.bundle import Index, Member
from weighbridge.domain.lock import Lock, LockEntry, Spec
from weighbridge.errors import BadInput, Conflict, LockStale, NotFound
from weighbridge.ports import Reporter
from weighbridge.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtIn:
    """What came of a bundle of models: one line for each, and the lock that names them now."""

    lock_path: Path
    models: tuple[Locked, ...]
    unasked: tuple[str, ...]


def export_models(settings: Settings, config: Path, place: Path, reporter: Reporter) -> Written:
    """Write the lock of a list and every file that it names into one file.

    Contents come from the store, else from the folders that ``sync`` made; all are hashed.

    Raises:
        LockStale: the lock does not answer the list.
        NotFound: a file is held nowhere.
        BadBundle: what is held has other bytes.
        StoreDown: the bundle cannot be written.
    """
    models = _listed(settings, config)
    lock = read_lock(models.lock_path) or Lock()
    if stale := lock.stale(models.specs):
        raise LockStale(str(models.lock_path), stale)
    blobs = FolderBlobs(settings.home)
    layouts = Layouts(settings.home, settings.hf_cache, blobs.path)
    folders = {s.id: layouts.spot(models, s, lock.entries[s.id].manifest).path for s in models.specs}
    places = _places(lock, folders, blobs)
    entries = [entry for locked in lock.entries.values() for entry in locked.manifest.files]
    index = Index(members=tuple(members_of(entries).values()), lock=lock, made_by=MADE_BY)

    def opened(member: Member) -> BinaryIO:
        return places[member.sha256].open("rb")

    digest = written(place, index, opened, reporter)
    return Written(path=place, sha256=digest, size_bytes=index.total_bytes, holds=tuple(lock.entries))


def import_models(
    settings: Settings, place: Path, config: Path, wanted_sha256: str, reporter: Reporter
) -> BroughtIn:
    """Take a bundle's files into the store, and pin in the list's lock what the list asks for.

    The lock changes in one rename, after the last byte of the bundle was found right.

    Raises:
        Conflict: the bundle has nothing that the list asks for.
        BadInput: it holds packages of a registry.
        BadBundle: it is damaged; the lock stays as it was.
        StoreDown: the store fails.
    """
    models, blobs = _listed(settings, config), FolderBlobs(settings.home)
    with open_bundle(place) as reading:
        brought = reading.index.lock
        if not brought.entries:
            raise BadInput(f"'{place}' holds packages of a registry", hint="import it without --config")
        asked = {spec.id: spec for spec in models.specs if spec.id in brought.entries}
        fresh = {id: brought.entries[id] for id, spec in asked.items() if brought.entries[id].answers(spec)}
        if not fresh:
            raise Conflict(
                f"{config} asks for nothing that '{place}' holds: {', '.join(brought.entries)}",
                hint="the bundle belongs to another list, or to an older state of it",
            )
        register = LockRegister(settings.home)
        with register.using():  # until the lock stands there, nothing else keeps ``clean`` away
            pour(reading, blobs, reporter, wanted_sha256)
            old = read_lock(models.lock_path) or Lock()
            change_lock(models.lock_path, lambda now: Lock(entries={**now.entries, **fresh}))
            register.note(models.lock_path)
    return BroughtIn(
        lock_path=models.lock_path,
        models=tuple(_line(spec, old.entries.get(id), fresh.get(id)) for id, spec in asked.items()),
        unasked=tuple(id for id in brought.entries if id not in asked),
    )


def _listed(settings: Settings, config: Path) -> ModelList:
    return read_model_list(config, settings.home / "lists-v1")


def _places(lock: Lock, folders: Mapping[str, Path], blobs: FolderBlobs) -> dict[str, Path]:
    """Where each content can be read."""
    found: dict[str, Path] = {}
    for id, locked in lock.entries.items():
        for entry in locked.manifest.files:
            sha256 = entry.sha256 or ""
            laid_out = folders[id] / entry.path
            if blobs.holds(sha256):
                found[sha256] = blobs.path(sha256)
            elif laid_out.is_file():
                found.setdefault(sha256, laid_out)
            elif sha256 not in found:
                raise NotFound(f"model '{id}': '{entry.path}' is not held", hint="run 'weighbridge sync'")
    return found


def _line(spec: Spec, was: LockEntry | None, now: LockEntry | None) -> Locked:
    before = was.manifest.commit if was else ""
    if now is None:
        wish = f"{spec.ref.repo.full_name}@{spec.ref.revision}"
        return Locked(
            id=spec.id,
            change="failed",
            was=before,
            error=Conflict(f"the bundle was made for another entry than {wish}", hint="make a new bundle"),
        )
    change = "kept" if now == was else "changed" if was else "added"
    return Locked(id=spec.id, change=change, commit=now.manifest.commit, was=before)
