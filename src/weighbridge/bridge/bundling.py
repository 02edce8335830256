"""What bundles of packages and bundles of model lists share: contents in, contents out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from weighbridge import __version__
from weighbridge.adapters.bundle_file import Open, Reading, open_bundle, write_bundle
from weighbridge.domain.bundle import Index, Member, blob_name
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.manifest import FileEntry, git_blob_header, sha256
from weighbridge.errors import BadBundle, DigestMismatch, SizeMismatch
from weighbridge.ports import BlobStore, Reporter

MADE_BY = f"weighbridge {__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A bundle that was written; whoever reads it elsewhere compares ``sha256``."""

    path: Path
    sha256: str
    size_bytes: int
    holds: tuple[str, ...]
    keyid: str = ""

    def to_json(self) -> JsonObject:
        """All fields; the key id only where something is signed."""
        return {
            "path": str(self.path),
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "holds": list(self.holds),
            "keyid": self.keyid or None,
        }


def holds_packages(place: Path) -> bool:
    """Whether a bundle holds packages of a registry; else it holds the models of a list.

    Raises:
        What ``open_bundle`` raises.
    """
    with open_bundle(place) as reading:
        return bool(reading.index.packages)


def members_of(entries: Iterable[FileEntry]) -> dict[str, Member]:
    """The contents of files, each once, in the order in which they are first named."""
    return {
        entry.sha256: Member(name=blob_name(entry.sha256), size_bytes=entry.size_bytes, sha256=entry.sha256)
        for entry in entries
        if entry.sha256
    }


def written(place: Path, index: Index, open_content: Open, reporter: Reporter) -> str:
    """Write a bundle, tell of progress, and give its sha256.

    Raises:
        What ``write_bundle`` raises.
    """
    reporter.begin(place.name, index.total_bytes)
    try:
        return write_bundle(place, index, open_content, reporter.moved)
    finally:
        reporter.end()


def pour(reading: Reading, blobs: BlobStore, reporter: Reporter, wanted_sha256: str = "") -> None:
    """Take every content into the store, each hashed on its way in, and read the bundle to its end.

    ``wanted_sha256`` is that of the whole file; empty: it is not known.

    Raises:
        BadBundle: a content or the whole file is not what it should be.
        StoreDown: the store has no room, or fails.
    """
    index, place = reading.index, str(reading.place)
    blobs.require_room(sum(m.size_bytes for m in index.members if not blobs.holds(m.sha256)))
    reporter.begin(reading.place.name, sum(member.size_bytes for member in index.members))
    try:
        for member, pieces in reading.contents():
            _take(place, index, member, pieces, blobs, reporter)
    finally:
        reporter.end()
    if wanted_sha256 and reading.sha256 != wanted_sha256:
        raise BadBundle(
            place, "the whole file", f"should be sha256:{wanted_sha256} but is sha256:{reading.sha256}"
        )


def _take(
    place: str, index: Index, member: Member, pieces: Iterator[bytes], blobs: BlobStore, reporter: Reporter
) -> None:
    _drop_if_wrong(member, blobs)
    label, wanted_git = index.labels[member.sha256], index.git_ids.get(member.sha256)
    git = hashlib.sha1(git_blob_header(member.size_bytes), usedforsecurity=False)

    def passing() -> Iterator[bytes]:
        for piece in pieces:
            if wanted_git:
                git.update(piece)
            reporter.moved(len(piece))
            yield piece

    try:
        blobs.take(member.sha256, member.size_bytes, passing())
    except DigestMismatch as error:
        raise BadBundle(place, label, f"should be {error.wanted} but is {error.got}") from error
    except SizeMismatch as error:
        raise BadBundle(place, label, f"should have {error.wanted} bytes but has {error.got} here") from error
    if wanted_git and git.hexdigest() != wanted_git:
        raise BadBundle(place, label, f"should be git-sha1:{wanted_git} but is git-sha1:{git.hexdigest()}")


def _drop_if_wrong(member: Member, blobs: BlobStore) -> None:
    """Drop what the store holds under this name with other bytes: the right ones are coming in."""
    if not blobs.holds(member.sha256):
        return
    with blobs.path(member.sha256).open("rb") as file:
        held = hashlib.file_digest(file, "sha256").hexdigest()
    if held != member.sha256:
        blobs.remove(member.sha256)


def checked_sha256(spelled: str) -> str:
    """The hex digits of a sha256 that somebody typed, with or without ``sha256:``.

    Raises:
        Invalid: it is none.
    """
    return sha256(spelled.strip().lower().removeprefix("sha256:")).value
