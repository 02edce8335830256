"""One model: remembered while fresh, else asked for, else remembered and marked as old."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.model_entry import Depth, ModelEntry
from weighbridge.domain.ref import RepoId
from weighbridge.errors import Gated, HubDown, NoAnswer, NoSuchRepo, RateLimited, WeighbridgeError
from weighbridge.flows.describe import Asking, Described, describe

REPO = RepoId.parse("org/model")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
DAY = timedelta(hours=24)


@dataclass
class Known:
    """Both sides of a description: a memory in a dictionary, and a Hub that says what it is told to."""

    entries: dict[RepoId, ModelEntry] = field(default_factory=dict)
    says: JsonObject | WeighbridgeError = field(default_factory=lambda: {"id": "org/model", "likes": 2})
    asked: int = 0

    def get(self, repo: RepoId) -> ModelEntry | None:
        return self.entries.get(repo)

    def put(self, entries: Iterable[ModelEntry]) -> None:
        self.entries.update({entry.repo: entry for entry in entries})

    def remove(self, repo: RepoId) -> None:
        self.entries.pop(repo, None)

    def about(self, repo: RepoId) -> JsonObject:
        self.asked += 1
        if isinstance(self.says, WeighbridgeError):
            raise self.says
        return self.says

    def remember(self, age: timedelta, depth: Depth = Depth.WHOLE) -> ModelEntry:
        entry = ModelEntry(repo=REPO, fetched_at=NOW - age, depth=depth, likes=1)
        self.put([entry])
        return entry

    def describe(self, *, use_memory: bool = True) -> Described | None:
        asking = Asking(about=self.about, memory=self, now=lambda: NOW, time_to_live=DAY)
        return describe(REPO, asking, use_memory=use_memory)


def test_what_is_fresh_and_whole_is_not_asked_for() -> None:
    known = Known()
    entry = known.remember(DAY - timedelta(seconds=1))
    assert known.describe() == Described(entry=entry)
    assert known.asked == 0


@pytest.mark.parametrize(("age", "depth"), [(DAY, Depth.WHOLE), (timedelta(0), Depth.LISTED)])
def test_what_is_old_or_was_only_listed_is_asked_for_and_remembered(age: timedelta, depth: Depth) -> None:
    known = Known()
    known.remember(age, depth)
    found = known.describe()
    assert found is not None
    assert (found.entry.likes, found.is_stale, found.entry.fetched_at) == (2, False, NOW)
    assert known.get(REPO) == found.entry


@pytest.mark.parametrize(
    "error", [NoAnswer("x"), HubDown("answered 503"), RateLimited("x", retry_after_s=60)]
)
def test_a_hub_that_does_not_answer_leaves_what_is_remembered(error: WeighbridgeError) -> None:
    known = Known(says=error)
    with pytest.raises(type(error)):
        known.describe()
    for age, is_stale in ((timedelta(0), False), (DAY * 400, True)):
        entry = known.remember(age, Depth.LISTED)
        assert known.describe() == Described(entry=entry, is_stale=is_stale)
        assert known.get(REPO) == entry


def test_who_may_not_see_it_is_told_so_whatever_is_remembered() -> None:
    known = Known(says=Gated("org/model"))
    known.remember(DAY)
    with pytest.raises(Gated):
        known.describe()


def test_what_somebody_else_learned_of_a_private_model_is_asked_for_again() -> None:
    known = Known(says=NoSuchRepo("org/model"))
    entry = replace(known.remember(timedelta(0)), private=True)
    known.put([entry])
    assert known.describe() is None
    known.put([entry])
    known.says = NoAnswer("x")
    assert known.describe() == Described(entry=entry)


def test_what_the_hub_has_no_more_is_forgotten() -> None:
    known = Known(says=NoSuchRepo("org/model"))
    known.remember(DAY)
    assert known.describe() is None
    assert known.get(REPO) is None


def test_without_memory_only_the_hub_counts() -> None:
    known = Known()
    known.remember(timedelta(0))
    found = known.describe(use_memory=False)
    assert found is not None
    assert found.entry.likes == 2
    known.says = NoAnswer("x")
    with pytest.raises(NoAnswer):
        known.describe(use_memory=False)


@pytest.mark.parametrize("id", ["other/model", None, 7, "../../etc"])
def test_an_answer_under_another_name_is_about_what_was_asked_for(id: object) -> None:
    known = Known(says={"id": id, "likes": 3})  # type: ignore[dict-item]  # a Hub may say anything
    found = known.describe()
    assert found is not None
    assert (found.entry.repo, found.entry.likes) == (REPO, 3)
    assert list(known.entries) == [REPO]
