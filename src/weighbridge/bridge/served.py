"""What the Hub's verbs hand out: a tree of files, and one file ready to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from weighbridge.domain.downloads import counted_file
from weighbridge.domain.git_objects import tree_ids
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import RepoId
from weighbridge.errors import BadListing
from weighbridge.ports import ByteStream, Hub


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A manifest and what git calls its folders."""

    manifest: Manifest

    @cached_property
    def counted(self) -> str | None:
        """The path of the file whose sending counts as a download."""
        return counted_file(self.manifest)

    @cached_property
    def folders(self) -> Mapping[str, str]:
        """The tree id of every folder, the root as ``""``.

        Raises:
            BadListing: a file lacks the digest that git needs.
        """
        try:
            return tree_ids(self.manifest)
        except Invalid as error:
            raise BadListing(f"in {self.manifest.repo}: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedFile:
    """A file that may be handed out: by ``path`` where it lies here, else by ``open``.

    ``counts``: sending it is a download of its repository. With an ``address`` clients are sent there.
    """

    hub: Hub
    repo: RepoId
    commit: str
    entry: FileEntry
    path: Path | None
    counts: bool = False
    address: str | None = None

    def open(self, start: int, stop: int) -> AbstractContextManager[ByteStream]:
        """The bytes ``[start, stop)``; raises what ``ports.Hub.open`` raises."""
        return self.hub.open(self.repo, self.commit, self.entry, start, stop)

    def read(self, start: int, stop: int) -> bytes:
        """A short stretch of the file; raises what ``ports.Hub.open`` raises."""
        content = bytearray(max(0, min(stop, self.entry.size_bytes) - start))
        left = memoryview(content)
        with self.open(start, start + len(content)) as stream:
            while left and (got := stream.readinto(left)):
                left = left[got:]
        return bytes(content)
