"""What a caller searches for in a listing of repositories, and which ones answer it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import child, number, text
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
class RepoQuery:
    """All conditions must hold. ``parameters`` are the least and the greatest allowed count."""

    search: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    pipeline_tag: str = ""
    gated: bool | None = None
    parameters: tuple[float, float] | None = None
    sort: SortKey | None = None

    def select(self, infos: Iterable[ModelInfo]) -> tuple[ModelInfo, ...]:
        """Those that answer the query; without a sort key in the order in which they came."""
        found = [info for info in infos if self._holds(info)]
        if self.sort in (SortKey.LAST_MODIFIED, SortKey.CREATED_AT):
            found.sort(key=lambda info: text(info.raw, self.sort or "") or "", reverse=True)
        elif self.sort is not None:
            found.sort(key=lambda info: number(info.raw, self.sort or "") or 0, reverse=True)
        return tuple(found)

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
