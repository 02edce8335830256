"""What somebody looks for among all models that are known, and what was found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import normalize

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.model_entry import ModelEntry
from weighbridge.domain.repo_query import RepoQuery, SortKey

MOST_FOUND = 1000
"""How many one question may ask for."""
MOST_WORDS, LONGEST_WORD = 6, 40
"""So many different words of a search count, and so many characters of each."""
_WORD = re.compile(r"[^\W_]+")


class ModelSort(StrEnum):
    """The order of what is found; always the most, or the newest, first.

    ``best``: the model of just that name, then those whose name has every word, then those whose
    tags or description complete it; among equals the most downloaded.
    """

    BEST = "best"
    DOWNLOADS = "downloads"
    LIKES = "likes"
    TRENDING = "trending"
    UPDATED = "updated"


_HUB_SORT = {
    ModelSort.BEST: SortKey.DOWNLOADS,
    ModelSort.DOWNLOADS: SortKey.DOWNLOADS,
    ModelSort.LIKES: SortKey.LIKES,
    ModelSort.TRENDING: SortKey.TRENDING,
    ModelSort.UPDATED: SortKey.LAST_MODIFIED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSearch:
    """All conditions must hold; each word of ``text`` must begin a word of the model's.

    ``after`` is the ``next`` of the page before.
    """

    text: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    pipeline_tag: str = ""
    library: str = ""
    licence: str = ""
    sort: ModelSort = ModelSort.BEST
    limit: int = 20
    after: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST_FOUND:
            raise Invalid("limit", self.limit, f"is not between 1 and {MOST_FOUND}")

    @property
    def words(self) -> Sequence[str]:
        """The different words that are looked for, folded."""
        return words_of(self.text, MOST_WORDS)

    @property
    def labels(self) -> Sequence[str]:
        """The tags that a model must have: the Hub knows library and licence as tags too."""
        licence = (f"license:{self.licence}",) if self.licence else ()
        return (*self.tags, *filter(None, (self.library,)), *licence)

    def to_hub(self) -> RepoQuery:
        """The same question to a Hub."""
        return RepoQuery(
            search=self.text.strip(),
            author=self.author,
            tags=tuple(self.labels),
            pipeline_tag=self.pipeline_tag,
            sort=_HUB_SORT[self.sort],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModels:
    """A page of what was found; ``next`` is the ``after`` of the following one, None at the end."""

    entries: tuple[ModelEntry, ...]
    next: str | None = None


def labels_of(entry: ModelEntry) -> Sequence[str]:
    """Everything that a tag of a search may mean of a model."""
    licence = (f"license:{entry.licence}",) if entry.licence else ()
    return (*entry.tags, *filter(None, (entry.pipeline_tag, entry.library)), *licence)


def folded(text: str) -> str:
    """A text without the differences of case, and of how Unicode spells a letter (NFKC)."""
    return text.lower() if text.isascii() else normalize("NFKC", normalize("NFKC", text).casefold())


def words_of(text: str, most: int) -> Sequence[str]:
    """The first different words of a text, folded: runs of letters and digits of any script."""
    found: dict[str, None] = {}
    for match in _WORD.finditer(folded(text)):
        found[match[0][:LONGEST_WORD]] = None
        if len(found) == most:
            break
    return tuple(found)
