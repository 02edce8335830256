"""The Hub of somebody who is offline: nothing is asked, and the error says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import Commit, DiscussionHead, ModelInfo, Owner, Refs
from weighbridge.errors import NoAnswer
from weighbridge.ports import ByteStream


class OfflineHub:
    """Raises NoAnswer for every question, without asking it."""

    def info(self, ref: ModelRef) -> ModelInfo:
        """Raises NoAnswer."""
        raise _offline(ref.repo)

    def manifest(self, repo: RepoId, commit: str) -> Manifest:
        """Raises NoAnswer."""
        raise _offline(repo)

    def open(
        self, repo: RepoId, commit: str, entry: FileEntry, start: int = 0, stop: int | None = None
    ) -> AbstractContextManager[ByteStream]:
        """Raises NoAnswer."""
        raise _offline(repo, entry.path)

    def locate(self, repo: RepoId, commit: str, entry: FileEntry) -> Path | None:
        """None: the bytes are nowhere."""
        return None

    def refs(self, repo: RepoId) -> Refs:
        """Raises NoAnswer."""
        raise _offline(repo)

    def commits(self, repo: RepoId, revision: str, limit: int = 50) -> Sequence[Commit]:
        """Raises NoAnswer."""
        raise _offline(repo)

    def details(self, ref: ModelRef) -> JsonObject:
        """Raises NoAnswer."""
        raise _offline(ref.repo)

    def discussions(self, repo: RepoId, limit: int = 50) -> Sequence[DiscussionHead]:
        """Raises NoAnswer."""
        raise _offline(repo)

    def owner(self, repo: RepoId) -> Owner:
        """Raises NoAnswer."""
        raise _offline(repo)

    def repos(self, kind: RepoKind) -> Iterator[ModelInfo]:
        """Raises NoAnswer."""
        raise NoAnswer("offline: the Hub was not asked", hint="leave --offline and HF_HUB_OFFLINE out")


def _offline(repo: RepoId, path: str = "") -> NoAnswer:
    what = f"'{path}' of '{repo}' is not held" if path else f"'{repo}' is not known here"
    return NoAnswer(
        f"offline: {what}, and the Hub was not asked", hint="leave --offline and HF_HUB_OFFLINE out"
    )
