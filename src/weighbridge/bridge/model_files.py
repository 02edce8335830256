"""Single files of models for an application: fetched once, pinned, in a folder of the application.

    <HF_HOME>/<cache_subdir>/
      models.lock                          which commit each repository was pinned to, and every sha256
      <org>--<name>/<commit>-<mark>/...    one asked file (or folder) each; the mark is of its name
      .weighbridge/                        the layout's index, and a store of its own below ``store/``

Everything is in this one folder and nothing elsewhere, so that removing it is all of clearing it.

A repository that is asked for without a commit is resolved once. The pin stands for all of its
files, those that are asked for later too: two files of one repository never come from two
commits, and a repository that changes its layout changes nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.adapters.layout_dir import DirLayout
from weighbridge.adapters.lock_file import change_lock, read_lock
from weighbridge.adapters.manifests import ManifestShelf
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge.model_folder import LOCK_NAME, OWN_FOLDER, place_of, require_ours, told
from weighbridge.bridge.upstream import upstream_hub
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import Lock, LockEntry, Spec
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.paths import checked_path
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.errors import BadInput, IntegrityError, NoSuchFile
from weighbridge.flows.ensure import as_found, ensure, pin, resolve_manifest
from weighbridge.ports import Hub, Reporter
from weighbridge.settings import Settings

if TYPE_CHECKING:
    from weighbridge.adapters.blobs_fs import FolderBlobs

ABANDONED_AFTER_S = 3600.0
"""What nobody touched for so long in the store belongs to no living process."""
_WILD = frozenset("*?[]!")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldModel:
    """A file of a model (or a folder of files) that is here and was checked.

    ``revision`` is what was asked for, ``commit`` (40 hex digits) what it was pinned to. A file of
    this machine has neither, nor a ``repo_id``.
    """

    path: Path
    files: tuple[FileEntry, ...]
    repo_id: str = ""
    revision: str = ""
    commit: str = ""
    fetched_bytes: int = 0

    @property
    def sha256(self) -> str:
        """The sha256 (64 hex digits) of the one file; empty for a folder of several."""
        return (self.files[0].sha256 or "") if len(self.files) == 1 else ""


class ModelFiles:
    """The models of one application, below one folder. The Hub is made when it is to be asked."""

    def __init__(self, place: Path, hub: Callable[[], Hub], connections: int = 8) -> None:
        self._place, self._make_hub, self._connections = place, hub, connections
        self._lock_path = place / LOCK_NAME

    @cached_property
    def _hub(self) -> Hub:
        return self._make_hub()

    @cached_property
    def _blobs(self) -> FolderBlobs:
        from weighbridge.adapters.blobs_fs import FolderBlobs

        return FolderBlobs(self._place / OWN_FOLDER / "store")

    @cached_property
    def _layout(self) -> DirLayout:
        return DirLayout(self._place, lambda digest: self._blobs.path(digest))

    def get(
        self, repo_id: str, filename: str, revision: str = "main", reporter: Reporter | None = None
    ) -> HeldModel:
        """The file, fetched and checked unless it is held; held, nothing is asked of the Hub.

        ``filename`` ends in ``/`` where a whole folder is meant.

        Raises:
            BadInput: a name cannot be one.
            NoSuchFile: the pinned commit has no such file.
            Conflict: the folder is somebody else's.
            NotFound, Denied, Unreachable, IntegrityError: as the Hub or the store says.
        """
        with told():
            spec = _spec(repo_id, filename, revision)
            require_ours(self._place)
            listener = reporter or SilentReporter()
            lock = read_lock(self._lock_path) or Lock()
            entry = lock.entries.get(spec.id)
            if entry is None or not entry.answers(spec):
                entry = self._pin(spec, lock, listener)
            return self._held(spec, entry, listener)

    def upgrade(self, repo_id: str, revision: str = "main", reporter: Reporter | None = None) -> str:
        """Move every file of a repository that is held to what the revision means now; its commit.

        All of them move or none does. The files of the old commit stay for those who have them
        open, until the folder is cleared.

        Raises:
            NoSuchFile: the new commit lacks a file; the pin stays as it was.
            What ``get`` raises.
        """
        with told():
            require_ours(self._place)
            lock = read_lock(self._lock_path) or Lock()
            ref = ModelRef(repo=RepoId.parse(repo_id), revision=revision)
            old = _siblings(lock, ref)
            if not old:
                raise BadInput(
                    f"no file of '{ref}' is held in {self._place}", hint="download one: that pins it"
                )
            specs = [_spec(repo_id, entry.patterns[0], revision) for entry in old.values()]
            listener = reporter or SilentReporter()
            fresh = {spec.id: self._resolved(spec, ref, listener) for spec in specs}
            for spec in specs:
                self._held(spec, fresh[spec.id], listener)
            change_lock(self._lock_path, lambda now: Lock(entries={**now.entries, **fresh}))
            return next(iter(fresh.values())).manifest.commit

    def verify(self) -> int:
        """Read every byte of every held file; how many files there are.

        Raises:
            IntegrityError: some are not what they were pinned to; each is named.
            Conflict: the folder is somebody else's.
        """
        require_ours(self._place)
        lock = read_lock(self._lock_path) or Lock()
        held = [(_folder(entry.patterns[0], entry), entry.manifest) for entry in lock.entries.values()]
        faults = [
            fault for folder, manifest in held for fault in self._layout.faults(folder, manifest, "sha256")
        ]
        if faults:
            told = "; ".join(map(str, faults[:20])) + ("; and more" if len(faults) > 20 else "")
            raise IntegrityError(
                f"{len(faults)} of the files in {self._place} are not as they were pinned: {told}",
                hint="clear the cache: the next start downloads them again",
            )
        return sum(len(manifest.files) for _, manifest in held)

    def _pin(self, spec: Spec, lock: Lock, reporter: Reporter) -> LockEntry:
        """The file in the commit of its repository; whoever pinned that first is followed."""
        while True:
            entry = self._resolved(spec, _pinned(lock, spec.ref), reporter)

            def with_entry(now: Lock, entry: LockEntry = entry) -> Lock:
                at = _pinned(now, spec.ref)
                same = at == spec.ref or at.revision == entry.manifest.commit
                return Lock(entries={**now.entries, spec.id: entry}) if same else now

            lock = change_lock(self._lock_path, with_entry)
            if lock.entries.get(spec.id) == entry:
                return entry

    def _resolved(self, spec: Spec, at: ModelRef, reporter: Reporter) -> LockEntry:
        shelf = ManifestShelf(self._place / OWN_FOLDER / "store")
        info, manifest = resolve_manifest(at, self._hub, shelf, self._blobs)
        _require_file(spec.files[0], at, manifest)
        return pin(spec, info, manifest, self._hub, self._blobs, reporter, self._connections)

    def _held(self, spec: Spec, entry: LockEntry, reporter: Reporter) -> HeldModel:
        folder, manifest = _folder(spec.files[0], entry), entry.manifest
        done = as_found(folder, manifest, self._layout)
        if done is None:
            done = ensure(folder, manifest, self._layout, self._hub, self._blobs, reporter, self._connections)
            self._layout.sweep()
            self._blobs.sweep(ABANDONED_AFTER_S)
        return HeldModel(
            path=done.path / spec.files[0].rstrip("/"),
            files=manifest.files,
            repo_id=manifest.repo.full_name,
            revision=entry.revision,
            commit=manifest.commit,
            fetched_bytes=done.fetched_bytes,
        )


def open_model_files(settings: Settings, cache_subdir: str, token: str | None = None) -> ModelFiles:
    """The models of an application; ``token`` is used instead of the environment's.

    Raises:
        BadInput: ``cache_subdir`` cannot be used.
    """
    return ModelFiles(
        place_of(settings, cache_subdir), partial(upstream_hub, settings, token=token), settings.connections
    )


def _spec(repo_id: str, filename: str, revision: str) -> Spec:
    ref = ModelRef(repo=RepoId.parse(repo_id), revision=revision)
    checked_path(filename.removesuffix("/"))
    if _WILD & set(filename):
        raise Invalid(
            "filename", filename, "holds one of *?[]!", hint="name one file, or a folder as 'name/'"
        )
    mark = sha256(f"{ref}\n{filename}".encode()).hexdigest()[:12]
    return Spec(id=f"{ref.repo.name}-{mark}", ref=ref, files=(filename,))


def _folder(filename: str, entry: LockEntry) -> str:
    named = sha256(filename.encode()).hexdigest()[:8]
    manifest = entry.manifest
    return f"{manifest.repo.full_name.replace('/', '--')}/{manifest.commit[:12]}-{named}"


def _siblings(lock: Lock, ref: ModelRef) -> Mapping[str, LockEntry]:
    return {
        id: entry
        for id, entry in lock.entries.items()
        if entry.manifest.repo == ref.repo and entry.revision == ref.revision
    }


def _pinned(lock: Lock, ref: ModelRef) -> ModelRef:
    """The ref at the commit that other files of it are pinned to; itself where there are none."""
    for entry in _siblings(lock, ref).values():
        return replace(ref, revision=entry.manifest.commit)
    return ref


def _require_file(filename: str, at: ModelRef, manifest: Manifest) -> None:
    there = manifest.by_path
    if filename in there or (filename.endswith("/") and any(path.startswith(filename) for path in there)):
        return
    near = [path for path in there if path.endswith(f"/{filename.rpartition('/')[2]}")]
    near = near or get_close_matches(filename, there, n=1, cutoff=0.4)
    known = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(sorted(there)[:8]) or 'no file'}"
    raise NoSuchFile(at.repo.full_name, at.revision, filename, hint=known)
