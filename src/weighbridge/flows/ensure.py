"""Ensure a model: from what is asked for to bytes that were checked, in a folder.

    spec -> lock.get(spec)            pinned? else pin(): resolve, select, fetch the regular files
         -> missing(manifest, blobs)  pure but for one look per file
         -> fetch(...)                in parallel; hashed while written
         -> layout.lay_out(...)       links into a temporary folder, one rename

Nothing here is asked of a Hub when everything is held.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.licence_wish import is_wished
from weighbridge.domain.lock import LockEntry, Spec
from weighbridge.domain.manifest import FileEntry, Manifest, git_blob_header
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.errors import BadInput, DigestMismatch, IntegrityError, LicenseMismatch, NotFound
from weighbridge.ports import BlobStore, Hub, Layout, Reporter

if TYPE_CHECKING:
    from weighbridge.domain.repo import ModelInfo

_CHUNK_BYTES = 1 << 20

_FIRST_HANDS, _SMALL_BYTES, _WAITED_S, _SURE = 2, 1 << 20, 0.005, 3
"""How many threads begin, which files are small, and how often in a row a file is waited for (s)."""


class Shelf(Protocol):
    """Manifests that were read before."""

    def get(self, repo: RepoId, commit: str) -> Manifest | None:
        """The manifest of a commit, or None."""

    def put(self, manifest: Manifest) -> None:
        """Keep a manifest."""

    def of(self, repo: RepoId) -> Sequence[Manifest]:
        """Every manifest of a repository."""


def resolve_manifest(
    ref: ModelRef, hub: Hub, shelf: Shelf, blobs: BlobStore | None = None
) -> tuple[ModelInfo, Manifest]:
    """What a ref means now, and its files. With ``blobs``, also the sha256 of unchanged small files.

    Raises:
        NotFound, Denied, Unreachable, BadListing: as the Hub says.
    """
    info = hub.info(ref)
    manifest = hub.manifest(ref.repo, info.commit)
    if blobs is not None:
        manifest = manifest.enriched(_held_regular(manifest, shelf, blobs))
    shelf.put(manifest)
    return info, manifest


def _held_regular(manifest: Manifest, shelf: Shelf, blobs: BlobStore) -> Iterable[FileEntry]:
    """Held small files that earlier manifests name by both digests.

    Each is read again: a Hub that was used before may have listed a git id beside a sha256 that
    does not belong to it, and must not decide what another Hub's file is.
    """
    unknown = {entry.git_sha1 for entry in manifest.files if not entry.sha256}
    if not unknown:
        return
    for earlier in shelf.of(manifest.repo):
        for entry in earlier.files:
            if entry.git_sha1 in unknown and entry.sha256 and blobs.holds(entry.sha256):
                unknown.discard(entry.git_sha1)
                if _is_right(entry, blobs):
                    yield entry


def missing(manifest: Manifest, blobs: BlobStore) -> tuple[FileEntry, ...]:
    """The files whose content is not held, largest first."""
    absent = [entry for entry in manifest.files if not entry.sha256 or not blobs.holds(entry.sha256)]
    return tuple(sorted(absent, key=lambda entry: -entry.size_bytes))


def fetch(manifest: Manifest, hub: Hub, blobs: BlobStore, reporter: Reporter, connections: int) -> Manifest:
    """Take every missing file in, several at once, and give the manifest with every sha256.

    The first error stops the others; what is whole by then stays, what is not is gone on with
    by the next call.

    Raises:
        IntegrityError: the Hub gave other bytes than it listed.
        NotFound, Denied, Unreachable: as the Hub or the store says.
    """
    return _fetched(manifest, missing(manifest, blobs), hub, blobs, reporter, connections)


def _fetched(
    manifest: Manifest,
    wanted: Sequence[FileEntry],
    hub: Hub,
    blobs: BlobStore,
    reporter: Reporter,
    connections: int,
) -> Manifest:
    if not wanted:
        return manifest
    reporter.begin(manifest.repo.full_name, sum(entry.size_bytes for entry in wanted))
    try:
        got = _fetch_all(wanted, manifest, hub, blobs, reporter, connections)
    finally:
        reporter.end()
    return _part(manifest, tuple(got.get(entry.path, entry) for entry in manifest.files))


class _Stopped(Exception):
    """Another file failed, or the user interrupted: this one is given up where it is."""


def _fetch_all(
    wanted: Sequence[FileEntry],
    manifest: Manifest,
    hub: Hub,
    blobs: BlobStore,
    reporter: Reporter,
    connections: int,
) -> dict[str, FileEntry]:
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    hands = _Hands(wanted, manifest, hub, blobs, reporter)
    workers = min(connections, len(wanted))
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="fetch")
    try:
        running = [pool.submit(hands.work, number) for number in range(workers)]
        wait(running, return_when=FIRST_EXCEPTION)
        hands.stop()
        pool.shutdown(wait=True)
    except BaseException:
        # Interrupted: whoever hangs in a read is left behind; the store survives even a kill.
        hands.stop()
        pool.shutdown(wait=False)
        raise
    errors = [error for future in running if (error := future.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, _Stopped)):
        raise error
    return hands.got


class _Hands:
    """Threads that take files off one list; a future for each would cost as much as a small file.

    On a fast line eight threads that take turns at the interpreter fetch 2000 small files slower
    than two; where each file is waited for, eight are faster. So two begin, and all of them go to
    work once one of the two has waited for a few files in a row, or at once where files are large.
    """

    def __init__(
        self,
        wanted: Sequence[FileEntry],
        manifest: Manifest,
        hub: Hub,
        blobs: BlobStore,
        reporter: Reporter,
    ) -> None:
        self._waiting, self._manifest = deque(wanted), manifest
        self._hub, self._blobs, self._reporter = hub, blobs, reporter
        self._halt, self._all = Event(), Event()
        self.got: dict[str, FileEntry] = {}
        if sum(entry.size_bytes > _SMALL_BYTES for entry in wanted) > _FIRST_HANDS:
            self._all.set()

    def stop(self) -> None:
        """Let everybody go home; who is in the middle of a file gives it up."""
        self._halt.set()
        self._all.set()

    def work(self, number: int) -> None:
        """Take files until none is left."""
        if number >= _FIRST_HANDS:
            self._all.wait()
        slow_in_a_row = 0
        while not self._halt.is_set():
            try:
                entry = self._waiting.popleft()
            except IndexError:
                self._all.set()
                return
            began = monotonic()
            source = partial(self._hub.open, self._manifest.repo, self._manifest.commit, entry)
            self.got[entry.path] = self._blobs.fetch(entry, source, self._moved)
            slow_in_a_row = slow_in_a_row + 1 if monotonic() - began > _WAITED_S else 0
            if slow_in_a_row == _SURE:
                self._all.set()

    def _moved(self, count: int) -> None:
        if self._halt.is_set():
            raise _Stopped
        self._reporter.moved(count)


def pin(
    spec: Spec,
    info: ModelInfo,
    manifest: Manifest,
    hub: Hub,
    blobs: BlobStore,
    reporter: Reporter,
    connections: int,
) -> LockEntry:
    """The lock's entry for a resolved spec: its files selected, each with a sha256.

    Large files carry theirs in the listing; the small ones are fetched, which makes it known.

    Raises:
        BadInput: a file pattern matches nothing.
        LicenseMismatch: the spec wishes another licence.
        What ``fetch`` raises.
    """
    require_license(spec, info.license)
    try:
        chosen = manifest.select(spec.files)
    except Invalid as error:
        raise BadInput(f"model '{spec.id}': {error}", hint=error.hint) from error
    bare = tuple(entry for entry in chosen.files if not entry.sha256)
    known = fetch(_part(chosen, bare), hub, blobs, reporter, connections).by_path
    whole = tuple(known.get(entry.path, entry) for entry in chosen.files)
    return LockEntry(
        revision=spec.ref.revision,
        patterns=spec.files,
        license=info.license,
        manifest=_part(manifest, whole),
    )


def require_license(spec: Spec, license: str | None) -> None:
    """Raises LicenseMismatch where the spec wishes for another licence."""
    if spec.license is not None and not is_wished(spec.license, license):
        raise LicenseMismatch(spec.ref.repo.full_name, wanted=spec.license, got=license)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensured:
    """A folder that holds just what the lock names; ``state`` is how it was found."""

    path: Path
    state: str
    fetched_bytes: int


def as_found(folder: str, manifest: Manifest, layout: Layout) -> Ensured | None:
    """The folder, where it already shows just the manifest; None where there is work to do.

    No Hub and no store come in here, so none can be asked.
    """
    found = layout.state(folder, manifest)
    if found == "held" or (found != "missing" and layout.renew(folder, manifest) == "held"):
        return Ensured(path=layout.path(folder), state="held", fetched_bytes=0)
    return None


def ensure(
    folder: str,
    manifest: Manifest,
    layout: Layout,
    hub: Hub,
    blobs: BlobStore,
    reporter: Reporter,
    connections: int,
) -> Ensured:
    """Bring a folder into the state that the manifest says; repair what was damaged.

    Raises:
        What ``fetch`` and ``Layout.lay_out`` raise.
    """
    if already := as_found(folder, manifest, layout):
        return already
    found = layout.state(folder, manifest)
    wanted = missing(manifest, blobs)
    whole = _fetched(manifest, wanted, hub, blobs, reporter, connections)
    dropped: list[FileEntry] = []

    def confirm(entry: FileEntry) -> None:
        if not _is_right(entry, blobs):
            blobs.remove(entry.sha256 or "")
            dropped.append(entry)
            raise DigestMismatch(entry.path, wanted=str(entry.strongest), got="other bytes in the store")

    try:
        path = layout.lay_out(folder, whole, confirm)
    except IntegrityError:
        if not dropped:
            raise
        whole = _fetched(manifest, dropped, hub, blobs, reporter, connections)
        path = layout.lay_out(folder, whole, confirm)
    return Ensured(
        path=path, state=found, fetched_bytes=sum(entry.size_bytes for entry in (*wanted, *dropped))
    )


def _part(manifest: Manifest, files: tuple[FileEntry, ...]) -> Manifest:
    return Manifest(repo=manifest.repo, commit=manifest.commit, files=files)


def _is_right(entry: FileEntry, blobs: BlobStore) -> bool:
    """Whether the held content has every digest of ``entry``; False where it is not held."""
    content, git = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)
    git.update(git_blob_header(entry.size_bytes))
    try:
        with blobs.open(entry.sha256 or "") as file:
            while chunk := file.read(_CHUNK_BYTES):
                content.update(chunk)
                git.update(chunk)
    except NotFound:
        return False
    return content.hexdigest() == entry.sha256 and entry.git_sha1 in (None, git.hexdigest())
