"""What is known of one model: remembered while it is fresh, else asked for, else remembered and old.

    remembered, whole, fresh and public?  -> that
    else ask the Hub              -> its answer, remembered
         it says that there is none, or hides it  -> nothing, and forgotten
         it does not answer       -> what is remembered, however old; what was listed only, too

Who may not see a model is told so, whatever is remembered: what somebody else learned of a private one
is not given while the Hub can be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.model_entry import Depth, ModelEntry
from weighbridge.domain.ref import RepoId
from weighbridge.errors import HubDown, NotFound, RateLimited


class Memory(Protocol):
    """What was learned of the models of one Hub."""

    def get(self, repo: RepoId) -> ModelEntry | None:
        """What is known of a model, however old."""

    def put(self, entries: Iterable[ModelEntry]) -> None:
        """Remember them; a row of a list takes nothing away from what is known at length."""

    def remove(self, repo: RepoId) -> None:
        """Forget a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A model, and whether this is older than wished because the Hub did not answer."""

    entry: ModelEntry
    is_stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Whom a description comes from; ``about`` asks the Hub."""

    about: Callable[[RepoId], JsonObject]
    memory: Memory
    now: Callable[[], datetime]
    time_to_live: timedelta


def describe(repo: RepoId, asking: Asking, *, use_memory: bool = True) -> Described | None:
    """What is known of a model; None: the Hub says that there is none.

    Without ``use_memory`` only the Hub counts; its answer is remembered all the same.

    Raises:
        HubDown, RateLimited: the Hub does not answer, and nothing is remembered (``NoAnswer``: it was
            not reached at all).
        Denied: it does not let us see the model.
        BadListing: its answer cannot be read.
    """
    remembered = asking.memory.get(repo) if use_memory else None
    is_old = remembered is not None and remembered.is_expired(asking.now(), asking.time_to_live)
    if remembered is not None and _suffices(remembered) and not is_old:
        return Described(entry=remembered)
    try:
        entry = _asked(repo, asking.about(repo), asking)
    except NotFound:
        asking.memory.remove(repo)
        return None
    except (HubDown, RateLimited):
        if remembered is None:
            raise
        return Described(entry=remembered, is_stale=is_old)
    return Described(entry=entry)


def _suffices(entry: ModelEntry) -> bool:
    return entry.depth is Depth.WHOLE and not entry.private


def _asked(repo: RepoId, said: JsonObject, asking: Asking) -> ModelEntry:
    """The answer, under the name that was asked for: a Hub may have renamed it, or may lie."""
    raw = {**said, "id": repo.full_name}
    entry = ModelEntry.from_hub_json(raw, fetched_at=asking.now(), depth=Depth.WHOLE, kind=repo.kind)
    if entry is None:
        raise AssertionError(f"{repo} is a name that was read before")
    asking.memory.put([entry])
    return entry
