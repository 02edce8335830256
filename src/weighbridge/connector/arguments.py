"""What is asked of the connector, looked at before anything is done; each raises BadRequest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

from weighbridge.connector.errors import BadRequest
from weighbridge.domain.model_search import ModelSearch, ModelSort

MOST_RESULTS = 100_000
"""How many models one search may ask for."""
_SORTS = ("downloads", "likes", "trending", "updated")


def search_of(
    query: str | None, tags: Sequence[str] | None, sort: str, limit: int
) -> tuple[ModelSearch, int]:
    """The question that the arguments of a search mean, and how many answers it wants."""
    if sort not in _SORTS:
        raise BadRequest(f"sort is {sort!r}, but must be one of {', '.join(_SORTS)}")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_RESULTS:
        raise BadRequest(f"limit is {limit!r}, but must be a number from 1 to {MOST_RESULTS}")
    if not isinstance(query, str | None):
        raise BadRequest("query must be a text")
    chosen = tuple(tags or ()) if isinstance(tags, Iterable | None) and not isinstance(tags, str) else None
    if chosen is None or not all(isinstance(tag, str) and tag for tag in chosen):
        raise BadRequest("filter_tags must be a list of texts", hint='as in ["text-generation", "pytorch"]')
    return ModelSearch(text=query or "", tags=chosen, sort=ModelSort(sort)), limit


def name_of(model_id: str) -> str:
    """What is said to be a model's id, if it is a text at all."""
    if not isinstance(model_id, str):
        raise BadRequest("model_id must be a text", hint="as in meta-llama/Llama-2-7b-hf")
    return model_id


def path_of(place: str | PathLike[str], what: str) -> Path:
    """A path that ``what`` names."""
    if not isinstance(place, str | PathLike) or "\0" in str(place):
        raise BadRequest(f"{what} must be a path")
    return Path(place)
