"""A repository as a Hub shows it: commits, refs, and what discovery says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, text, texts, whole
from weighbridge.domain.ref import RepoId, is_commit

DETAILS = ("baseModels", "childrenModelCount", "evalResults", "securityRepoStatus")
"""Properties of a model that the Hub gives only when it is asked for them."""
_SHORT = re.compile(r"[0-9a-fA-F]{5,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One commit of a repository.

    ``created_at`` is ``YYYY-MM-DDTHH:MM:SS.fffZ``, as the Hub writes it. ``authors`` are account
    names, the first one the author proper.
    """

    id: str
    title: str
    authors: tuple[str, ...]
    created_at: str
    message: str = ""
    parents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not is_commit(self.id):
            raise Invalid("commit", self.id, "is not 40 lowercase hexadecimal digits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """The names of a repository: branch, tag and pull request names (``refs/pr/1``) to commit ids.

    ``former`` is where a branch was before its history was replaced, which no name leads to any
    more; ``erased`` names the last time that commits were taken away for good.
    """

    branches: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    pulls: Mapping[str, str] = field(default_factory=dict)
    former: Mapping[str, str] = field(default_factory=dict)
    erased: str = ""

    def commit_of(self, revision: str, known: Iterable[str] = ()) -> str | None:
        """The commit that a revision means, or None.

        As on the Hub: a branch, a tag, ``refs/heads/x``, ``refs/tags/x``, ``refs/pr/1``,
        ``HEAD`` (the branch main), a full commit id, or at least five digits of one that only one
        ``known`` id has.
        """
        if revision == "HEAD":
            return self.branches.get("main")
        if revision.startswith("refs/heads/"):
            return self.branches.get(revision.removeprefix("refs/heads/"))
        if revision.startswith("refs/tags/"):
            return self.tags.get(revision.removeprefix("refs/tags/"))
        if revision.startswith("refs/pr/"):
            return self.pulls.get(revision)
        named = self.branches.get(revision) or self.tags.get(revision)
        if named or not _SHORT.fullmatch(revision):
            return named
        ids = {*known, *self.branches.values(), *self.tags.values()}
        found = [id for id in ids if id.startswith(revision.lower())]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscussionHead:
    """A discussion or a pull request as a list shows it; ``status`` is open, closed, merged or draft."""

    number: int
    title: str
    author: str
    status: str
    is_pull: bool

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "number": self.number,
            "title": self.title,
            "author": self.author,
            "status": self.status,
            "is_pull": self.is_pull,
        }


class OwnerKind(StrEnum):
    """Who a namespace belongs to."""

    USER = "user"
    ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who publishes under a namespace; ``members`` None: a user, or the Hub does not say."""

    name: str
    kind: OwnerKind
    members: int | None = None
    is_verified: bool = False

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            "members": self.members,
            "is_verified": self.is_verified,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """What discovery shows of a repository at one commit.

    ``raw`` is the Hub's own answer to ``GET /api/models/{repo}/revision/{rev}``; the named
    fields are those that Weighbridge reads, cleaned of nulls and wrong types.
    """

    repo: RepoId
    commit: str
    raw: JsonObject

    @property
    def license(self) -> str | None:
        """The licence identifier: the card's, else the ``license:`` tag's."""
        declared = texts(child(self.raw, "cardData"), "license")
        tagged = [t.removeprefix("license:") for t in self.tags if t.startswith("license:")]
        return next((name.strip().lower() for name in (*declared, *tagged) if name.strip()), None)

    @property
    def tags(self) -> tuple[str, ...]:
        """The repository's tags."""
        return texts(self.raw, "tags")

    @property
    def base_models(self) -> tuple[str, ...]:
        """What the model was made of, by the ``base_model:`` tags; once each."""
        prefix = "base_model:"
        tagged = (tag.removeprefix(prefix) for tag in self.tags if tag.startswith(prefix))
        return tuple(dict.fromkeys(name.rpartition(":")[2] for name in tagged))

    @property
    def pipeline_tag(self) -> str | None:
        """The task, as ``text-classification``."""
        return text(self.raw, "pipeline_tag")

    @property
    def library(self) -> str | None:
        """The library that loads the model, as ``transformers``."""
        return text(self.raw, "library_name")

    @property
    def downloads(self) -> int:
        """Downloads of the last 30 days."""
        return whole(self.raw, "downloads") or 0

    @property
    def likes(self) -> int:
        """Likes of all time."""
        return whole(self.raw, "likes") or 0

    @property
    def last_modified(self) -> str | None:
        """When the branch last changed, as the Hub writes it."""
        return text(self.raw, "lastModified")
