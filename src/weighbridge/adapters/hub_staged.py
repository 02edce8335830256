"""Files that are about to be published, as a Hub of one repository: what it will hold, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from weighbridge.adapters import repo_info
from weighbridge.adapters.file_stream import file_stream
from weighbridge.adapters.hub_offline import OfflineHub
from weighbridge.domain.git_objects import commit_id, tree_ids
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.repo import ModelInfo
from weighbridge.errors import NoSuchFile
from weighbridge.ports import ByteStream

_AUTHOR, _MESSAGE = "Weighbridge <>", "About to be published"


class StagedHub(OfflineHub):
    """Says of history, people and discussions that they cannot be known; the commit is made up.

    ``places`` says where each file of ``entries`` lies.
    """

    def __init__(self, repo: RepoId, entries: Mapping[str, FileEntry], places: Mapping[str, Path]) -> None:
        self.repo, self._places = repo, places
        draft = Manifest(repo=repo, commit="0" * 40, files=tuple(entries.values()))
        commit = commit_id(tree_ids(draft)[""], author=_AUTHOR, epoch_s=0, message=_MESSAGE)
        self._manifest = Manifest(repo=repo, commit=commit, files=draft.files)

    def info(self, ref: ModelRef) -> ModelInfo:
        """What a Hub would say of the files."""
        read = {path: place for path, place in self._places.items() if repo_info.is_read(path)}
        raw = repo_info.raw_info(self._manifest, read, "", {})
        return ModelInfo(repo=self._manifest.repo, commit=self._manifest.commit, raw=raw)

    def manifest(self, repo: RepoId, commit: str) -> Manifest:
        """Every file."""
        return self._manifest

    def locate(self, repo: RepoId, commit: str, entry: FileEntry) -> Path:
        """Where a file lies. Raises NoSuchFile."""
        place = self._places.get(entry.path)
        if place is None:
            raise NoSuchFile(repo.full_name, commit, entry.path)
        return place

    def open(
        self, repo: RepoId, commit: str, entry: FileEntry, start: int = 0, stop: int | None = None
    ) -> AbstractContextManager[ByteStream]:
        """The bytes of a file."""
        file = self.locate(repo, commit, entry).open("rb")
        return file_stream(file, entry.path, start, entry.size_bytes if stop is None else stop)
