"""Which commit a written repository's folder shows, and which files were put there for it.

    FOLDER/.weighbridge-hub/copies-v1/<key>.json

A record is replaced whole. One that is lost or broken costs that every file is read again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from weighbridge.adapters.hub_dir.digests import Stamp
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, text
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import StoreDown

_NEVER_NS = -1


@dataclass(frozen=True, slots=True)
class Receipt:
    """A file that lies in the folder: how it looked when its content was known."""

    stamp: Stamp
    sha256: str

    @property
    def in_doubt(self) -> Receipt:
        """The same, of a file that must be read the next time whatever it looks like."""
        return Receipt(Stamp(self.stamp.size_bytes, _NEVER_NS, self.stamp.inode), self.sha256)

    @property
    def is_in_doubt(self) -> bool:
        """Whether the file must be read the next time."""
        return self.stamp.mtime_ns == _NEVER_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The name under which a folder lies, what it shows, and (if cut short) what it was brought to."""

    repo: RepoId
    commit: str
    bringing: str = ""
    files: Mapping[str, Receipt] = field(default_factory=dict)

    @property
    def contents(self) -> Mapping[str, str]:
        """The sha256 of every file that was put there."""
        return {path: receipt.sha256 for path, receipt in self.files.items()}


class Records:
    """Records by the key of their repository."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "copies-v1"

    def load(self, key: str) -> Record | None:
        """The record; None where there is none, or none that can be read."""
        with suppress(OSError, ValueError, TypeError, RecursionError):  # Invalid is a ValueError
            document = json.loads(self._place(key).read_bytes())
            return _read(document) if isinstance(document, dict) else None
        return None

    def save(self, key: str, record: Record) -> None:
        """Replace the record.

        Raises:
            StoreDown: the disk fails; the old one stays.
        """
        place = self._place(key)
        temporary = place.with_suffix(".tmp")
        document = {
            "kind": record.repo.kind.value,
            "name": record.repo.full_name,
            "commit": record.commit,
            "bringing": record.bringing,
            "files": {path: _spelled(receipt) for path, receipt in record.files.items()},
        }
        try:
            place.parent.mkdir(mode=0o700, exist_ok=True)
            # Not synced: a reader may be waiting, and without a record the contents tell the same.
            temporary.write_text(json.dumps(document))
            temporary.replace(place)
        except OSError as error:
            raise StoreDown(f"'{place}' cannot be written: {error.strerror or error}") from error

    def drop(self, key: str) -> None:
        """Forget a record; one that is not there is fine."""
        with suppress(OSError):
            self._place(key).unlink(missing_ok=True)

    def every(self) -> tuple[str, ...]:
        """The keys of all records."""
        return tuple(sorted(place.stem for place in self._folder.glob("*.json")))

    def _place(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def _spelled(receipt: Receipt) -> list[int | str]:
    stamp = receipt.stamp
    return [stamp.size_bytes, stamp.mtime_ns, stamp.inode, receipt.sha256]


def _read(document: JsonObject) -> Record:
    files: dict[str, Receipt] = {}
    listed = child(document, "files")
    for path, spelled in listed.items():
        match spelled:
            case [int(size), int(mtime), int(inode), str(sha256)]:
                files[path] = Receipt(Stamp(size, mtime, inode), sha256)
            case _:
                raise Invalid("record", path, "has a file without a receipt")
    return Record(
        repo=RepoId.parse(text(document, "name") or "", RepoKind(text(document, "kind") or "")),
        commit=text(document, "commit") or "",
        bringing=text(document, "bringing") or "",
        files=files,
    )
