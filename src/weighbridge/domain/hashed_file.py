"""A file as an answer names it: where, how large, which bytes."""

from __future__ import annotations

from dataclasses import dataclass

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.manifest import FileEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedFile:
    """A file whose bytes were read: its sha256 is known, or empty where nobody asked for it."""

    path: str
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, entry: FileEntry) -> HashedFile:
        """The same file in a manifest."""
        return cls(path=entry.path, size_bytes=entry.size_bytes, sha256=entry.sha256 or "")

    def to_json(self) -> JsonObject:
        """All fields."""
        return {"path": self.path, "size": self.size_bytes, "sha256": self.sha256}
