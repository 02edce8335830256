"""Pinning many models: resolved side by side, then the small files fetched model by model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from weighbridge.adapters.lock_file import LockRegister, change_lock
from weighbridge.adapters.model_list import ModelList
from weighbridge.bridge.model_results import Failure, Locked, Moved
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.licence_wish import is_wished
from weighbridge.domain.lock import Lock, LockEntry, Spec
from weighbridge.domain.manifest import Manifest
from weighbridge.errors import WeighbridgeError
from weighbridge.flows.ensure import Shelf, held_regular, pin, resolve_manifest, turn_of
from weighbridge.flows.fetching import Elsewhere, nowhere
from weighbridge.ports import BlobStore, Hub, Reporter

if TYPE_CHECKING:
    from weighbridge.domain.repo import ModelInfo

Answer = TypeVar("Answer")


def answers(lock: Lock, spec: Spec) -> bool:
    """Whether the lock holds a pin for just what ``spec`` asks."""
    entry = lock.entries.get(spec.id)
    return entry is not None and entry.answers(spec)


def is_kept(lock: Lock, spec: Spec) -> bool:
    """Whether a pin stands; one whose licence is no longer wished for is looked at again."""
    if not answers(lock, spec):
        return False
    return spec.license is None or is_wished(spec.license, lock.entries[spec.id].license)


def pin_all(
    specs: Sequence[Spec],
    hub: Hub,
    blobs: BlobStore,
    shelf: Shelf,
    reporter: Reporter,
    connections: int,
    elsewhere: Elsewhere = nowhere,
) -> dict[str, LockEntry | Failure]:
    """An entry, or what went wrong, for each spec by its id.

    One process at a time pins a repository: whoever had to wait finds its small files here.
    """

    def resolve(spec: Spec) -> tuple[ModelInfo, Manifest] | Failure:
        try:
            return resolve_manifest(spec.ref, hub, shelf, blobs)
        except (WeighbridgeError, Invalid) as error:
            return error

    def pinned(spec: Spec, info: ModelInfo, manifest: Manifest) -> LockEntry | Failure:
        try:
            with turn_of(manifest.repo, blobs, reporter, "pinning") as somebody_did:
                if somebody_did:
                    manifest = manifest.enriched(held_regular(manifest, shelf, blobs))
                entry = pin(spec, info, manifest, hub, blobs, reporter, connections, elsewhere)
                known = entry.manifest.by_path
                whole = tuple(known.get(file.path, file) for file in manifest.files)
                shelf.put(Manifest(repo=manifest.repo, commit=manifest.commit, files=whole))
                return entry
        except (WeighbridgeError, Invalid) as error:
            return error

    resolved = side_by_side(resolve, specs, connections)
    return {
        spec.id: found if isinstance(found, Exception) else pinned(spec, *found)
        for spec, found in zip(specs, resolved, strict=True)
    }


def pinned_into(
    models: ModelList,
    pin: Callable[[], Mapping[str, LockEntry | Failure]],
    upgrade: Sequence[str],
    register: LockRegister,
) -> tuple[Mapping[str, LockEntry | Failure], Lock]:
    """Pins, or what went wrong, by the ids of the list, and its lock as it was written with them.

    Where another process pinned the same meanwhile, its pin stands, unless ours was asked for.

    Raises:
        BadInput: the lock is not one of this version.
        StoreDown: the lock cannot be written.
    """
    wanted, pins = {spec.id: spec for spec in models.specs}, pin()

    def changed(now: Lock) -> Lock:
        kept = {id: entry for id, entry in now.entries.items() if id in wanted}
        fresh = {
            id: entry
            for id, entry in pins.items()
            if isinstance(entry, LockEntry) and (id in upgrade or not is_kept(now, wanted[id]))
        }
        return Lock(entries={**kept, **fresh})

    if not models.lock_path.exists() and not any(isinstance(pin, LockEntry) for pin in pins.values()):
        return pins, Lock()
    lock = change_lock(models.lock_path, changed)
    register.note(models.lock_path)

    def stands(id: str, pin: LockEntry | Failure) -> bool:
        asked_for = id in upgrade and isinstance(pin, Exception)
        return answers(lock, wanted[id]) and not asked_for

    return {id: lock.entries[id] if stands(id, pin) else pin for id, pin in pins.items()}, lock


def locked(spec: Spec, old: Lock, pinned: LockEntry | Failure | None, shelf: Shelf) -> Locked:
    """What became of one model's pin; a pin that was to be upgraded and could not be stands."""
    was = old.entries.get(spec.id)
    before = was.manifest.commit if was else ""
    line = Locked(id=spec.id, change="kept", commit=before, was=before, before=was, after=was)
    if isinstance(pinned, Exception):
        if is_kept(old, spec):
            return replace(line, error=pinned)
        return replace(line, change="failed", commit="", after=None, error=pinned)
    if pinned is None or pinned == was:
        return line
    from weighbridge.domain.required import advice

    commit = pinned.manifest.commit
    whole = shelf.get(pinned.manifest.repo, commit)
    word = advice(pinned.manifest, whole) if whole else ""
    return replace(line, change="changed" if was else "added", commit=commit, after=pinned, advice=word)


def moved_to(spec: Spec, entry: LockEntry, hub: Hub) -> Moved:
    """What a locked revision means upstream now. One that moved costs a second request, for its files."""
    pinned = entry.manifest.commit
    asked = Moved(id=spec.id, revision=spec.ref.revision, commit=pinned, now=pinned, before=entry)
    if spec.ref.is_pinned:
        return asked
    try:
        info = hub.info(spec.ref)
        if info.commit == pinned:
            return asked
        asked = replace(asked, now=info.commit)
        files = hub.manifest(spec.ref.repo, info.commit).select(spec.files)
    except (WeighbridgeError, Invalid) as error:
        return replace(asked, now=asked.now if asked.has_moved else "", error=error)
    after = LockEntry(revision=entry.revision, patterns=spec.files, license=info.license, manifest=files)
    return replace(asked, after=after)


def side_by_side(ask: Callable[[Spec], Answer], specs: Sequence[Spec], connections: int) -> list[Answer]:
    """What ``ask`` gives for each spec, several at once."""
    if not specs:
        return []
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(max_workers=connections, thread_name_prefix="resolve")
    try:
        return list(pool.map(ask, specs))
    finally:
        # Not waited for: an interrupted user should not have to wait for a Hub that hangs.
        pool.shutdown(wait=False, cancel_futures=True)
