"""Ensure a model: from what is asked for to bytes that were checked, in a folder.

    spec -> lock.get(spec)            pinned? else pin(): resolve, select, fetch the regular files
         -> missing(manifest, blobs)  pure but for one look per file
         -> take_in(...)              in parallel, from this machine or the Hub; hashed while written
         -> layout.lay_out(...)       links into a temporary folder, one rename

Nothing here is asked of a Hub when everything is held.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.licence_wish import is_wished
from weighbridge.domain.lock import LockEntry, Spec
from weighbridge.domain.manifest import FileEntry, Manifest, git_blob_header
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.errors import BadInput, DigestMismatch, IntegrityError, LicenseMismatch, NotFound
from weighbridge.flows.fetching import Elsewhere, fetch, missing, nowhere, part_of, take_in
from weighbridge.ports import BlobStore, Hub, Layout, Reporter

if TYPE_CHECKING:
    from weighbridge.domain.repo import ModelInfo

_CHUNK_BYTES = 1 << 20


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
        manifest = manifest.enriched(held_regular(manifest, shelf, blobs))
    shelf.put(manifest)
    return info, manifest


def held_regular(manifest: Manifest, shelf: Shelf, blobs: BlobStore) -> Iterable[FileEntry]:
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


def pin(
    spec: Spec,
    info: ModelInfo,
    manifest: Manifest,
    hub: Hub,
    blobs: BlobStore,
    reporter: Reporter,
    connections: int,
    elsewhere: Elsewhere = nowhere,
) -> LockEntry:
    """The lock's entry for a resolved spec: its files selected, each with a sha256.

    Large files carry theirs in the listing; the small ones are fetched, which makes it known.

    Raises:
        BadInput: a file pattern matches nothing, or the patterns leave out what the others need.
        NotFound: the repository lacks what its own files need (shards, an adapter's config).
        LicenseMismatch: the spec wishes another licence.
        What ``fetch`` raises.
    """
    require_license(spec, info.license)
    try:
        chosen = manifest.select(spec.files)
    except Invalid as error:
        raise BadInput(f"model '{spec.id}': {error}", hint=error.hint) from error
    bare = tuple(entry for entry in chosen.files if not entry.sha256)
    known = fetch(part_of(chosen, bare), hub, blobs, reporter, connections, elsewhere).by_path
    whole = part_of(manifest, tuple(known.get(entry.path, entry) for entry in chosen.files))
    from weighbridge.flows.completeness import require_complete  # not needed where everything is locked

    def held(entry: FileEntry) -> FileEntry:
        return fetch(part_of(manifest, (entry,)), hub, blobs, reporter, connections, elsewhere).files[0]

    require_complete(spec.id, whole, manifest, blobs, held)
    return LockEntry(revision=spec.ref.revision, patterns=spec.files, license=info.license, manifest=whole)


def require_license(spec: Spec, license: str | None) -> None:
    """Raises LicenseMismatch where the spec wishes for another licence."""
    if spec.license is not None and not is_wished(spec.license, license):
        raise LicenseMismatch(spec.ref.repo.full_name, wanted=spec.license, got=license)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensured:
    """A folder that holds just what the lock names; ``state`` is how it was found.

    ``fetched_bytes`` came from the Hub, ``adopted_bytes`` out of other files of this machine.
    """

    path: Path
    state: str
    fetched_bytes: int = 0
    adopted_bytes: int = 0


def as_found(folder: str, manifest: Manifest, layout: Layout) -> Ensured | None:
    """The folder, where it already shows just the manifest; None where there is work to do.

    No Hub and no store come in here, so none can be asked.
    """
    found = layout.state(folder, manifest)
    if found == "held" or (found != "missing" and layout.renew(folder, manifest) == "held"):
        return Ensured(path=layout.path(folder), state="held")
    return None


def ensure(
    folder: str,
    manifest: Manifest,
    layout: Layout,
    hub: Hub,
    blobs: BlobStore,
    reporter: Reporter,
    connections: int,
    elsewhere: Elsewhere = nowhere,
) -> Ensured:
    """Bring a folder into the state that the manifest says; repair what was damaged.

    One process at a time fetches a repository: whoever had to wait finds what the other one brought.

    Raises:
        What ``fetch`` and ``Layout.lay_out`` raise.
    """
    if already := as_found(folder, manifest, layout):
        return already
    found, fetched, adopted = layout.state(folder, manifest), 0, 0
    dropped: list[FileEntry] = []

    def bring_in(entries: Sequence[FileEntry]) -> None:
        nonlocal fetched, adopted
        if not missing(part_of(manifest, entries), blobs):
            return
        with turn_of(manifest.repo, blobs, reporter):
            wanted = missing(part_of(manifest, entries), blobs)
            got = take_in(manifest, wanted, hub, blobs, reporter, connections, elsewhere)
        adopted += got.adopted_bytes
        fetched += sum(entry.size_bytes for entry in wanted) - got.adopted_bytes

    def confirm(entry: FileEntry) -> None:
        if not _is_right(entry, blobs):
            blobs.remove(entry.sha256 or "")
            dropped.append(entry)
            raise DigestMismatch(entry.path, wanted=str(entry.strongest), got="other bytes in the store")

    bring_in(layout.lacking(folder, manifest))
    try:
        path = layout.lay_out(folder, manifest, confirm)
    except IntegrityError:
        if not dropped:
            raise
        bring_in(dropped)
        path = layout.lay_out(folder, manifest, confirm)
    return Ensured(path=path, state=found, fetched_bytes=fetched, adopted_bytes=adopted)


def turn_of(
    repo: RepoId, blobs: BlobStore, reporter: Reporter, doing: str = "fetching"
) -> AbstractContextManager[bool]:
    """The right to do something with a repository, among all processes; gives whether another had it.

    Pinning fetches the small files and does not wait for who is fetching the large ones.
    """
    name = f"{doing} {repo.kind.plural}/{repo.full_name}"
    return blobs.turn(name, lambda: reporter.waiting(f"another process is {doing} {repo.full_name}"))


def _is_right(entry: FileEntry, blobs: BlobStore) -> bool:
    """Whether the held content has the size and every digest of ``entry``; False where it is not held."""
    content, git = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)
    git.update(git_blob_header(entry.size_bytes))
    size = 0
    try:
        with blobs.open(entry.sha256 or "") as file:
            while chunk := file.read(_CHUNK_BYTES):
                size += len(chunk)
                content.update(chunk)
                git.update(chunk)
    except NotFound:
        return False
    is_content = size == entry.size_bytes and content.hexdigest() == entry.sha256
    return is_content and entry.git_sha1 in (None, git.hexdigest())
