"""``backup`` and ``restore``: a whole registry in one file, and out of it again.

    backup     rows (one consistent view) -> which contents they name -> index -> file, by one rename
    restore    is it empty? -> every byte checked, contents into the store -> keys, policy
               -> all rows in one transaction, the one commit point

Servers go on meanwhile: what they take in after the rows were read is not part of the back-up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from weighbridge.adapters.backup_file import BackupReading, open_backup, write_backup
from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.catalog.named import digests_in
from weighbridge.adapters.catalog.whole import fill, require_empty
from weighbridge.adapters.lock_file import LockRegister
from weighbridge.adapters.private_file import private_file
from weighbridge.bridge.bundling import MADE_BY
from weighbridge.bridge.stores import open_store
from weighbridge.domain.access import LOCAL, AuditLine
from weighbridge.domain.backup import CONTENTS, KEYS, POLICY, ROWS, BackupIndex, Part, content_line
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject
from weighbridge.errors import BadBundle, Conflict, DigestMismatch, SizeMismatch, StoreDown
from weighbridge.ports import BlobStore, Reporter
from weighbridge.settings import Settings

_NOTHING = "nothing was restored; take another back-up"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """A back-up that was written; ``lacking`` are contents that are named and that the store has lost."""

    path: Path
    sha256: str
    contents: int
    contents_bytes: int
    with_keys: bool
    lacking: tuple[str, ...]

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "path": str(self.path),
            "sha256": self.sha256,
            "contents": self.contents,
            "contents_bytes": self.contents_bytes,
            "with_keys": self.with_keys,
            "lacking": list(self.lacking),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was restored; ``policy`` is where the policy was put, if one came."""

    made_at: str
    rows: int
    contents: int
    with_keys: bool
    policy: Path | None

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "made_at": self.made_at,
            "rows": self.rows,
            "contents": self.contents,
            "with_keys": self.with_keys,
            "policy": str(self.policy) if self.policy else None,
        }


def back_up(
    settings: Settings, place: Path, reporter: Reporter, now: Callable[[], datetime], *, with_keys: bool
) -> BackedUp:
    """Write catalogue, every content that it names, and the policy into one file (mode 0600).

    ``with_keys``: also the keys by which this registry signs.

    Raises:
        BadInput: a folder stands there.
        BadBundle: the store holds a content with other bytes than it should have.
        StoreDown: the catalogue or the store fails, or there is no room for the file.
    """
    blobs = open_store(settings)
    with ExitStack() as stack:
        catalog = stack.enter_context(closing(Catalog.open(settings.catalog_url)))
        stack.enter_context(LockRegister(settings.home).using())  # nothing is collected meanwhile
        parts = {ROWS: _spool(stack, place), CONTENTS: _spool(stack, place)}
        step = catalog.dump(parts[ROWS])
        held = _listed(parts[ROWS], blobs, parts[CONTENTS])
        parts.update(_others(stack, settings, with_keys=with_keys))
        index = BackupIndex(
            made_by=MADE_BY,
            made_at=now().isoformat(timespec="seconds"),
            step=step,
            parts=tuple(_part(name, file) for name, file in parts.items()),
            contents=len(held),
            contents_bytes=sum(size for _, size in held),
        )
        reporter.begin(place.name, index.most_bytes)
        try:
            digest = write_backup(place, index, parts, held, blobs.open, reporter.moved)
        finally:
            reporter.end()
        lacking = tuple(sorted(sha256 for sha256 in catalog.contents() if not blobs.holds(sha256)))
        catalog.add_audit(_line(now(), "backup", place, f"sha256={digest}"))
    return BackedUp(
        path=place,
        sha256=digest,
        contents=index.contents,
        contents_bytes=index.contents_bytes,
        with_keys=bool(set(parts) & set(KEYS)),
        lacking=lacking,
    )


def _listed(rows: BinaryIO, blobs: BlobStore, out: BinaryIO) -> list[tuple[str, int]]:
    """Every content that the rows name and that is here, with its size, told to ``out``."""
    rows.seek(0)
    named = {sha256 for line in rows for sha256 in digests_in(line.decode())}
    held = [(sha256, size) for sha256, size in blobs.walk() if sha256 in named]
    for sha256, size in held:
        out.write(content_line(sha256, size))
    return held


def _others(stack: ExitStack, settings: Settings, *, with_keys: bool) -> dict[str, BinaryIO]:
    wanted = {name: settings.home / name for name in KEYS} if with_keys else {}
    if settings.policy_file is not None:
        wanted[POLICY] = settings.policy_file
    try:
        there = {name: path for name, path in wanted.items() if path.exists()}
        return {name: stack.enter_context(path.open("rb")) for name, path in there.items()}
    except OSError as error:
        raise StoreDown(f"cannot read '{error.filename}': {error.strerror}") from error


def _spool(stack: ExitStack, place: Path) -> BinaryIO:
    """A file without a name, of this process alone, on the disk of ``place``."""
    try:
        return stack.enter_context(TemporaryFile(dir=place.absolute().parent))
    except OSError as error:
        raise StoreDown(f"cannot write beside '{place}': {error.strerror or error}") from error


def _part(name: str, file: BinaryIO) -> Part:
    file.flush()
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := file.read(_CHUNK_BYTES):
        digest.update(piece)
        size += len(piece)
    return Part(name=name, size_bytes=size, sha256=digest.hexdigest())


def restore(settings: Settings, place: Path, reporter: Reporter, now: Callable[[], datetime]) -> Restored:
    """Make an empty registry what the back-up holds; until the last moment it stays empty.

    Killed at any moment it can be run again.

    Raises:
        NotFound, BadInput: there is no back-up at ``place``, or one of another format.
        BadBundle: it is damaged; nothing was restored.
        Conflict: the registry is in use, or has other keys.
        StoreDown: the catalogue or the store fails, or has no room.
    """
    blobs = open_store(settings)
    require_empty(settings.catalog_url)
    with open_backup(place) as reading, ExitStack() as stack:
        index = reading.index
        stack.enter_context(LockRegister(settings.home).using())
        parts = {part.name: _spool(stack, settings.home / "part") for part in index.parts}
        for part in index.parts:
            reading.part(part, parts[part.name])
        blobs.require_room(index.contents_bytes)
        reporter.begin(place.name, index.contents_bytes)
        try:
            _pour(reading, parts[CONTENTS], blobs, reporter)
        finally:
            reporter.end()
        keys = [name for name in KEYS if name in parts]
        for name in keys:
            _keep_key(settings.home / name, parts[name].read())
        policy = _keep_policy(settings, parts[POLICY].read()) if POLICY in parts else None
        try:
            line = _line(now(), "restore", place, f"made_at={index.made_at}")
            rows = fill(settings.catalog_url, index.step, parts[ROWS], line)
        except Invalid as error:
            raise BadBundle(str(place), ROWS, f"cannot be read: {error}", hint=_NOTHING) from error
    return Restored(
        made_at=index.made_at, rows=rows, contents=index.contents, with_keys=bool(keys), policy=policy
    )


def _line(at: datetime, verb: str, place: Path, detail: str) -> AuditLine:
    return AuditLine(at=at, by=LOCAL.name, verb=verb, target=place.name, detail=detail)


def _pour(reading: BackupReading, listed: BinaryIO, blobs: BlobStore, reporter: Reporter) -> None:
    for sha256, size, pieces in reading.contents(listed):
        try:
            blobs.take(sha256, size, _told(pieces, reporter))
        except (DigestMismatch, SizeMismatch) as error:
            raise BadBundle(str(reading.place), sha256, "is damaged", hint=_NOTHING) from error


def _told(pieces: Iterator[bytes], reporter: Reporter) -> Iterator[bytes]:
    for piece in pieces:
        reporter.moved(len(piece))
        yield piece


def _keep_key(place: Path, content: bytes) -> None:
    found = private_file(place, lambda: content, remedy=f"chmod 600 '{place}'")
    if found != content:
        raise Conflict(
            f"'{place}' is another key than that of the back-up",
            hint="restore into a new WEIGHBRIDGE_HOME, or move that key away if nothing was signed by it",
        )


def _keep_policy(settings: Settings, content: bytes) -> Path | None:
    """Put the policy where the settings name it, else into the home; one that is there stays."""
    place = settings.policy_file or settings.home / "policy.yaml"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return None
    except OSError as error:
        raise StoreDown(f"cannot write '{place}': {error.strerror or error}") from error
    return place
