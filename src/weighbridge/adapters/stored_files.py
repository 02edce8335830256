"""The files of a Hub whose contents lie in a store: found and opened by their sha256."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path

from weighbridge.adapters.file_stream import file_stream
from weighbridge.domain.manifest import FileEntry, Manifest, Storage
from weighbridge.domain.ref import RepoId
from weighbridge.errors import NoSuchFile, NotFound, StoreDown
from weighbridge.ports import BlobStore, ByteStream


class StoredFiles(ABC):
    """``locate`` and ``open`` of ``ports.Hub``; ``remedy`` says what brings a lost content back."""

    remedy: str

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs

    @abstractmethod
    def handed_out(self, repo: RepoId, commit: str) -> Manifest:
        """The files of a commit, if they are handed out to this caller.

        Raises:
            NoSuchRepo, NoSuchRevision, Disabled, Gated: they are not.
        """

    def locate(self, repo: RepoId, commit: str, entry: FileEntry) -> Path | None:
        """See ``ports.Hub.locate``; None for a large file that the store gives clients an address of.

        Raises:
            StoreDown: the store lost the content.
        """
        content = self._content_of(repo, commit, entry)
        if entry.storage is Storage.LFS and self._blobs.address(content):
            return None
        try:
            return self._blobs.path(content)
        except NotFound as error:
            raise self._lost(repo, entry) from error

    def open(
        self, repo: RepoId, commit: str, entry: FileEntry, start: int = 0, stop: int | None = None
    ) -> AbstractContextManager[ByteStream]:
        """See ``ports.Hub.open``.

        Raises:
            StoreDown: the store lost the content.
        """
        content = self._content_of(repo, commit, entry)
        try:
            file = self._blobs.open(content)
        except NotFound as error:
            raise self._lost(repo, entry) from error
        return file_stream(file, entry.path, start, entry.size_bytes if stop is None else stop)

    def _content_of(self, repo: RepoId, commit: str, entry: FileEntry) -> str:
        listed = self.handed_out(repo, commit).by_path.get(entry.path)
        if listed is None:
            raise NoSuchFile(repo.full_name, commit, entry.path)
        if listed.sha256 is None:
            raise self._lost(repo, entry)
        return listed.sha256

    def _lost(self, repo: RepoId, entry: FileEntry) -> StoreDown:
        return StoreDown(f"the store has lost '{entry.path}' of '{repo.full_name}'", hint=self.remedy)
