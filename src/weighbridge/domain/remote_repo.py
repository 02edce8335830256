"""A repository of a Hub as a list of repositories shows it, and the names that lead into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.ref import RepoId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRepo:
    """One line of a list; what the Hub does not say is None."""

    repo: RepoId
    private: bool | None
    gated: str
    changed_at: datetime | None
    downloads: int | None

    def to_json(self) -> JsonObject:
        """All of it."""
        return {
            "repo": self.repo.full_name,
            "kind": self.repo.kind.value,
            "private": self.private,
            "gated": self.gated,
            "changed_at": self.changed_at.isoformat() if self.changed_at else None,
            "downloads": self.downloads,
        }


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class NamedCommit:
    """A branch or a tag, and the commit that it leads to."""

    name: str
    commit: str

    def to_json(self) -> JsonObject:
        """All of it."""
        return {"name": self.name, "commit": self.commit}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCommits:
    """The branches and the tags of a repository."""

    branches: Sequence[NamedCommit] = ()
    tags: Sequence[NamedCommit] = ()
