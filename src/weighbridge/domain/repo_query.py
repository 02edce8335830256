"""What a caller searches for in a listing of repositories, and which ones answer it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, number, text, texts
from weighbridge.domain.repo import ModelInfo

_COUNT = re.compile(r"(\d+(?:\.\d+)?)([kmbt]?)", re.IGNORECASE)
_SCALE = {"": 1, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


class SortKey(StrEnum):
    """By what a listing is ordered, always descending; the values are the Hub's."""

    LAST_MODIFIED = "lastModified"
    CREATED_AT = "createdAt"
    DOWNLOADS = "downloads"
    LIKES = "likes"
    TRENDING = "trendingScore"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """A page of another Hub's list: its objects as they came, and where the next page is (None: nowhere).

    A cursor holds the whole question; it can be kept, and leads nowhere but to the Hub that gave it.
    """

    rows: tuple[JsonObject, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The place of a repository in an order: by a date or by a count, then by its name."""

    date: str
    count: float
    name: str

    def is_before(self, other: Mark) -> bool:
        """Whether this one comes first: the later date or greater count, else the lesser name."""
        mine, theirs = (self.date, self.count), (other.date, other.count)
        return mine > theirs or (mine == theirs and self.name < other.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoQuery:
    """All conditions must hold. ``parameters`` are the least and the greatest allowed count.

    ``models`` and ``datasets`` are what a space says that it uses; ``linked``: it uses any.

    ``after`` begins behind a repository, where it stands or would stand: what comes and goes
    before it moves nothing into or out of the next page.
    """

    search: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    pipeline_tag: str = ""
    gated: bool | None = None
    parameters: tuple[float, float] | None = None
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    linked: bool = False
    sort: SortKey = SortKey.DOWNLOADS
    after: Mark | None = None

    def select(self, infos: Iterable[ModelInfo]) -> tuple[ModelInfo, ...]:
        """Those that answer the query, ordered by the sort key, then by name."""
        found = [(self.mark(info), info) for info in infos if self._holds(info)]
        found.sort(key=lambda each: each[0].name)
        found.sort(key=lambda each: (each[0].date, each[0].count), reverse=True)
        return tuple(info for mark, info in found if self.after is None or self.after.is_before(mark))

    def mark(self, info: ModelInfo) -> Mark:
        """Where a repository stands in this order."""
        by_date = self.sort in (SortKey.LAST_MODIFIED, SortKey.CREATED_AT)
        return Mark(
            date=(text(info.raw, self.sort) or "") if by_date else "",
            count=0 if by_date else (number(info.raw, self.sort) or 0),
            name=info.repo.full_name,
        )

    def _holds(self, info: ModelInfo) -> bool:
        name = info.repo.full_name.lower()
        tags = {tag.lower() for tag in info.tags}
        return (
            all(word in name for word in self.search.lower().split())
            and self.author.lower() in ("", info.repo.namespace.lower())
            and all(tag.lower() in tags for tag in self.tags)
            and self.pipeline_tag in ("", info.pipeline_tag)
            and self.gated in (None, bool(info.raw.get("gated")))
            and self._holds_parameters(info)
            and self._holds_links(info)
        )

    def _holds_links(self, info: ModelInfo) -> bool:
        models, datasets = ({name.lower() for name in texts(info.raw, key)} for key in ("models", "datasets"))
        return (
            all(name.lower() in models for name in self.models)
            and all(name.lower() in datasets for name in self.datasets)
            and (not self.linked or bool(models or datasets))
        )

    def _holds_parameters(self, info: ModelInfo) -> bool:
        if self.parameters is None:
            return True
        count = number(child(info.raw, "safetensors"), "total") or number(child(info.raw, "gguf"), "total")
        return count is not None and self.parameters[0] <= count <= self.parameters[1]


def parameter_range(spelled: str) -> tuple[float, float]:
    """Read ``min:6B,max:128B``; either half may be missing.

    Raises:
        Invalid: the text is not such a range.
    """
    bounds = {"min": 0.0, "max": float("inf")}
    for part in spelled.split(","):
        name, _, count = part.strip().partition(":")
        found = _COUNT.fullmatch(count.strip())
        if name not in bounds or not found:
            raise Invalid("num_parameters", spelled, "is not a range", hint="as in min:6B,max:128B")
        bounds[name] = float(found[1]) * _SCALE[found[2].lower()]
    return bounds["min"], bounds["max"]


def spelled_mark(mark: Mark) -> str:
    """A mark as a cursor."""
    return json.dumps([mark.date, mark.count, mark.name], separators=(",", ":"))


def read_mark(cursor: str) -> Mark:
    """Read what ``spelled_mark`` wrote.

    Raises:
        Invalid: the text is no such cursor.
    """
    try:
        read = json.loads(cursor)
    except (ValueError, RecursionError):
        read = None
    match read:
        case [str(date), int(count) | float(count), str(name)]:
            return Mark(date=date, count=count, name=name)
    raise Invalid("cursor", cursor[:100], "was not given by this Hub", hint="follow the Link header")


def tags_by_type(infos: Iterable[ModelInfo]) -> Mapping[str, Sequence[str]]:
    """The tags of repositories by their type, both sorted: ``license:mit`` is a ``license``.

    The tags of tasks, libraries and languages have no prefix on the Hub; any other one without is
    of type ``other``.
    """
    found: dict[str, set[str]] = {}
    for info in infos:
        plain = {
            **dict.fromkeys(texts(child(info.raw, "cardData"), "language"), "language"),
            **{name: "library" for name in (info.library,) if name},
            **{name: "pipeline_tag" for name in (info.pipeline_tag,) if name},
        }
        for tag in info.tags:
            prefix, colon, _ = tag.partition(":")
            found.setdefault(prefix if colon else plain.get(tag, "other"), set()).add(tag)
    return {type: sorted(found[type]) for type in sorted(found)}
