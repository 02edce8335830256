"""Two Hubs with one space of names: the repositories of our own, and all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import Commit, DiscussionHead, ModelInfo, Owner, Refs
from weighbridge.ports import ByteStream, Hub


class EitherHub:
    """Implements ``ports.Hub``: ``is_hosted`` says which of the two has a name.

    A hosted name is never looked up in the other one, even where the caller may not see it.
    """

    def __init__(self, is_hosted: Callable[[RepoId], bool], hosted: Hub, other: Hub) -> None:
        self._is_hosted, self._hosted, self._other = is_hosted, hosted, other

    def info(self, ref: ModelRef) -> ModelInfo:
        """See ``ports.Hub.info``."""
        return self._of(ref.repo).info(ref)

    def manifest(self, repo: RepoId, commit: str) -> Manifest:
        """See ``ports.Hub.manifest``."""
        return self._of(repo).manifest(repo, commit)

    def open(
        self, repo: RepoId, commit: str, entry: FileEntry, start: int = 0, stop: int | None = None
    ) -> AbstractContextManager[ByteStream]:
        """See ``ports.Hub.open``."""
        return self._of(repo).open(repo, commit, entry, start, stop)

    def locate(self, repo: RepoId, commit: str, entry: FileEntry) -> Path | None:
        """See ``ports.Hub.locate``."""
        return self._of(repo).locate(repo, commit, entry)

    def refs(self, repo: RepoId) -> Refs:
        """See ``ports.Hub.refs``."""
        return self._of(repo).refs(repo)

    def commits(self, repo: RepoId, revision: str, limit: int = 50) -> Sequence[Commit]:
        """See ``ports.Hub.commits``."""
        return self._of(repo).commits(repo, revision, limit)

    def repos(self, kind: RepoKind) -> Iterator[ModelInfo]:
        """See ``ports.Hub.repos``."""
        others = [info for info in self._other.repos(kind) if not self._is_hosted(info.repo)]
        both = [*self._hosted.repos(kind), *others]
        return iter(sorted(both, key=lambda info: (-info.downloads, info.repo)))

    def details(self, ref: ModelRef) -> JsonObject:
        """See ``ports.Hub.details``."""
        return self._of(ref.repo).details(ref)

    def discussions(self, repo: RepoId, limit: int = 50) -> Sequence[DiscussionHead]:
        """See ``ports.Hub.discussions``."""
        return self._of(repo).discussions(repo, limit)

    def owner(self, repo: RepoId) -> Owner:
        """See ``ports.Hub.owner``."""
        return self._of(repo).owner(repo)

    def _of(self, repo: RepoId) -> Hub:
        return self._hosted if self._is_hosted(repo) else self._other
