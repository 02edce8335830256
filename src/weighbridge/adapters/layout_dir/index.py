"""The index of a cache folder: ``.weighbridge/index.json``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from weighbridge.domain.json_values import Json, JsonObject, child, text, texts
from weighbridge.domain.manifest import Manifest

INDEX_FORMAT = 1

Receipt: TypeAlias = tuple[int, int, int, str]
"""Size in bytes, mtime in ns, inode, sha256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the index says of one folder; ``owned`` are names that we put there or are about to."""

    repo: str
    kind: str
    commit: str
    files: Mapping[str, Receipt]
    owned: frozenset[str] = field(default=frozenset())

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
        return spelled | {"owned": sorted(self.owned)} if self.owned else spelled


def record_of(manifest: Manifest, receipts: Mapping[str, Receipt]) -> Record:
    """The record of a manifest that was laid out."""
    return Record(
        repo=manifest.repo.full_name,
        kind=manifest.repo.kind.value,
        commit=manifest.commit,
        files=receipts,
    )


def read_index(path: Path) -> dict[str, Record]:
    """The records by folder. What cannot be read is not there: files are then hashed again."""
    try:
        parsed = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(parsed, dict) or parsed.get("index_format") != INDEX_FORMAT:
        return {}
    models = child(parsed, "models")
    return {folder: record for folder in models if (record := _load(child(models, folder))) is not None}


def write_index(own: Path, records: Mapping[str, Record]) -> None:
    """Put the index in place in one rename; an OSError is the caller's."""
    models = {folder: record.to_json() for folder, record in sorted(records.items())}
    fresh = own / "tmp" / f"index-{os.urandom(8).hex()}"
    fresh.parent.mkdir(exist_ok=True)
    spelled = json.dumps({"index_format": INDEX_FORMAT, "models": models}, separators=(",", ":"))
    fresh.write_text(spelled, encoding="utf-8")
    fresh.replace(own / "index.json")


def _load(source: JsonObject) -> Record | None:
    repo, kind, commit = text(source, "repo"), text(source, "kind"), text(source, "commit")
    if repo is None or kind is None or commit is None:
        return None
    receipts: dict[str, Receipt] = {}
    for path, receipt in child(source, "files").items():
        match receipt:
            case [int(size), int(mtime), int(inode), str(sha256)]:
                receipts[path] = (size, mtime, inode, sha256)
            case _:
                return None
    return Record(
        repo=repo, kind=kind, commit=commit, files=receipts, owned=frozenset(texts(source, "owned"))
    )
