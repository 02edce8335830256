"""What lies where in a layout: one ``index.json``, changed by one process at a time.

A record names the locks that laid its folder out (``users``): ``clean`` keeps what another one
still names.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from weighbridge.adapters.flocks import take_flock
from weighbridge.adapters.unchanged import Unchanged
from weighbridge.domain.json_values import Json, JsonObject, child, text, texts
from weighbridge.domain.manifest import Manifest
from weighbridge.errors import StoreDown

INDEX_FORMAT = 1

Receipt: TypeAlias = tuple[int, int, int, str]
"""Size in bytes, mtime in ns, inode, sha256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the index says of one folder; ``owned`` are names that we put there or are about to.

    ``refs`` are the names that lead to it in a Hugging Face cache, ``editable`` says that its
    owner may write into the files.
    """

    repo: str
    kind: str
    commit: str
    files: Mapping[str, Receipt]
    owned: frozenset[str] = field(default=frozenset())
    users: frozenset[str] = field(default=frozenset())
    refs: Mapping[str, Receipt] = field(default_factory=dict)
    editable: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Every file that is ours."""
        return self.owned.union(self.files)

    def is_of(self, manifest: Manifest) -> bool:
        """Whether this was made of just this revision and as many files."""
        return (
            self.commit == manifest.commit
            and self.repo == manifest.repo.full_name
            and self.kind == manifest.repo.kind.value
            and len(self.files) == len(manifest.files)
        )

    def to_json(self) -> JsonObject:
        """The record as it stands in the index."""
        spelled: dict[str, Json] = {
            "kind": self.kind,
            "repo": self.repo,
            "commit": self.commit,
            "files": {path: list(receipt) for path, receipt in self.files.items()},
        }
        if self.refs:
            spelled["refs"] = {name: list(receipt) for name, receipt in self.refs.items()}
        if self.owned:
            spelled["owned"] = sorted(self.owned)
        if self.users:
            spelled["users"] = sorted(self.users)
        return spelled | {"editable": True} if self.editable else spelled


def record_of(manifest: Manifest, receipts: Mapping[str, Receipt], users: Iterable[str] = ()) -> Record:
    """The record of a manifest that was laid out."""
    return Record(
        repo=manifest.repo.full_name,
        kind=manifest.repo.kind.value,
        commit=manifest.commit,
        files=receipts,
        users=frozenset(users),
    )


class Index:
    """The records by folder of what lies below ``root``; kept in ``own``, beside its ``tmp``."""

    def __init__(self, root: Path, own: Path) -> None:
        self._root, self.own = root, own
        self._read = Unchanged(read_index)

    def records(self) -> Mapping[str, Record]:
        """The records as they are now."""
        return self._read(self.own / "index.json")

    @contextmanager
    def changing(self) -> Iterator[dict[str, Record]]:
        """The records as they are now, with nobody else at them; then they are written.

        Raises:
            StoreDown: the medium fails.
        """
        try:
            with self.locked():
                records = read_index(self.own / "index.json")
                yield records
                self.write(records)
        except OSError as error:
            raise StoreDown(f"cannot write below {self._root}: {error.strerror or error}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time, by a lock on the folder itself: no lock file is left behind."""
        self.own.mkdir(parents=True, exist_ok=True)
        if sys.platform == "win32":
            yield
            return
        descriptor = os.open(self.own, os.O_RDONLY)
        try:
            take_flock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def write(self, records: Mapping[str, Record]) -> None:
        """Put the index in place in one rename; an OSError is the caller's."""
        models = {folder: record.to_json() for folder, record in sorted(records.items())}
        fresh = self.own / "tmp" / f"index-{os.urandom(8).hex()}"
        fresh.parent.mkdir(exist_ok=True)
        spelled = json.dumps({"index_format": INDEX_FORMAT, "models": models}, separators=(",", ":"))
        fresh.write_text(spelled, encoding="utf-8")
        fresh.replace(self.own / "index.json")

    def sweep(self) -> None:
        """Remove what a kill left aside."""
        if self.own.is_dir():
            with self.locked():
                shutil.rmtree(self.own / "tmp", ignore_errors=True)


def read_index(path: Path) -> dict[str, Record]:
    """The records by folder. What cannot be read is not there: files are then hashed again."""
    try:
        parsed = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(parsed, dict) or parsed.get("index_format") != INDEX_FORMAT:
        return {}
    models = child(parsed, "models")
    return {folder: record for folder in models if (record := _load(child(models, folder))) is not None}


def _load(source: JsonObject) -> Record | None:
    repo, kind, commit = text(source, "repo"), text(source, "kind"), text(source, "commit")
    if repo is None or kind is None or commit is None:
        return None
    files, refs = _receipts(source, "files"), _receipts(source, "refs")
    if files is None or refs is None:
        return None
    return Record(
        repo=repo,
        kind=kind,
        commit=commit,
        files=files,
        owned=frozenset(texts(source, "owned")),
        users=frozenset(texts(source, "users")),
        refs=refs,
        editable=source.get("editable") is True,
    )


def _receipts(source: JsonObject, name: str) -> dict[str, Receipt] | None:
    receipts: dict[str, Receipt] = {}
    for path, receipt in child(source, name).items():
        match receipt:
            case [int(size), int(mtime), int(inode), str(sha256)]:
                receipts[path] = (size, mtime, inode, sha256)
            case _:
                return None
    return receipts
