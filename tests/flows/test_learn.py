"""A walk over a Hub's list of models: whole, taken up again, only what changed, within the Hub's limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.hub_server import HubRepo, HubServer, serve_hub
from weighbridge.adapters.hub_http import HttpHub, Patience
from weighbridge.adapters.model_index import ModelIndex
from weighbridge.domain.model_search import ModelSearch
from weighbridge.errors import BadListing, HubDown, RateLimited
from weighbridge.flows.learn import LONGEST_WAIT_S, Learned, Walk, learn

LIST = "/api/models"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def repo(day: int, **info: object) -> HubRepo:
    made = HubRepo({"a.txt": b"a"})
    made.info = {"downloads": day, "tags": ["en"], "lastModified": f"2026-01-{day:02}T00:00:00.000Z", **info}
    return made


class Pupil:
    """Walks over the list of one Hub into one index."""

    def __init__(self, server: HubServer, index: ModelIndex) -> None:
        self.server, self.index = server, index
        self.hub = HttpHub(server.url, patience=Patience(tries=2, sleep=lambda s: None))
        self.pauses: list[float] = []
        self.told: list[int] = []

    def learn(self, *tags: str, limit: int | None = None, again: bool = False) -> Learned:
        walk = Walk(
            query=ModelSearch(tags=tags).to_hub(),
            limit=limit,
            again=again,
            now=lambda: NOW,
            pause=self.pauses.append,
            told=self.told.append,
        )
        return learn(walk, self.hub, self.index)

    @property
    def names(self) -> list[str]:
        return sorted(entry.repo.name for entry in self.index.all())

    @property
    def requests(self) -> int:
        return len(self.server.asked(LIST))


@pytest.fixture
def pupil(tmp_path: Path) -> Iterator[Pupil]:
    with serve_hub({f"acme/model-{n}": repo(n) for n in range(1, 8)}) as server:
        server.page_size = 2
        index = ModelIndex(tmp_path, server.url)
        yield Pupil(server, index)
        index.close()


ALL = [f"model-{n}" for n in range(1, 8)]


def test_every_page_is_learned_and_found(pupil: Pupil) -> None:
    learned = pupil.learn()
    assert learned == Learned(entries=7, pages=4, resumed=False, is_complete=True)
    assert pupil.names == ALL
    assert pupil.told == [2, 4, 6, 7]
    assert pupil.index.status().stale == 0
    asked = pupil.server.asked(LIST)[0].target
    assert "sort=lastModified" in asked
    assert "limit=1000" in asked


def test_after_a_whole_walk_only_what_changed_is_read(pupil: Pupil) -> None:
    pupil.learn()
    pupil.server.requests.clear()
    assert pupil.learn() == Learned(entries=1, pages=1, resumed=False, is_complete=True)
    pupil.server.repos["acme/model-2"] = repo(20, likes=5)
    pupil.server.repos["acme/new"] = repo(21)
    pupil.server.requests.clear()
    assert (
        pupil.learn().entries == 3
    )  # the newest of the last walk is read again: others may share its moment
    assert pupil.requests == 2
    assert pupil.names == [*ALL, "new"]
    changed = next(entry for entry in pupil.index.all() if entry.repo.name == "model-2")
    assert changed.likes == 5


def test_all_of_it_is_read_again_where_that_is_asked_for(pupil: Pupil) -> None:
    pupil.learn()
    pupil.server.repos["acme/model-1"].info["downloads"] = 900
    assert pupil.learn(again=True).entries == 7
    assert next(entry for entry in pupil.index.all() if entry.repo.name == "model-1").downloads == 900


def test_a_walk_goes_on_where_it_was_left(pupil: Pupil) -> None:
    first = pupil.learn(limit=3)
    assert (first.entries, first.is_complete) == (4, False)
    pupil.server.repos["acme/meanwhile"] = repo(25)
    second = pupil.learn()
    assert (second.resumed, second.is_complete) == (True, True)
    assert pupil.names == ALL
    pupil.learn()
    assert pupil.names == ["meanwhile", *ALL]


def test_what_came_before_an_outage_is_kept(pupil: Pupil) -> None:
    pupil.learn(limit=2)
    pupil.server.fault(LIST, status=503)
    with pytest.raises(HubDown):
        pupil.learn()
    assert len(pupil.names) == 2
    pupil.server.forget()
    assert pupil.learn().resumed
    assert pupil.names == ALL


def test_walks_for_different_models_do_not_disturb_each_other(pupil: Pupil) -> None:
    pupil.server.repos["acme/german"] = repo(3, tags=["de"])
    assert pupil.learn("de").entries == 1
    assert pupil.names == ["german"]
    assert pupil.learn().entries == 8


def test_the_pauses_that_the_hub_asks_for_are_made(pupil: Pupil) -> None:
    pupil.server.fault(LIST, status=429, headers={"RateLimit": '"api";r=0;t=290'}, times=1)
    assert pupil.learn().is_complete
    assert pupil.pauses == [290.0]


def test_nobody_waits_for_hours(pupil: Pupil) -> None:
    pupil.server.fault(LIST, status=429, headers={"Retry-After": "7200"})
    with pytest.raises(RateLimited):
        pupil.learn()
    assert pupil.pauses == []


def test_where_the_hub_forgot_the_place_it_begins_again(pupil: Pupil) -> None:
    pupil.learn(limit=2)
    pupil.server.fault(LIST, status=400, times=1)
    learned = pupil.learn()
    assert (learned.resumed, learned.is_complete, learned.entries) == (False, True, 7)
    assert pupil.names == ALL


def test_a_hub_that_limits_us_for_ever_and_asks_for_no_pause_is_left_alone_ever_longer(pupil: Pupil) -> None:
    pupil.server.fault(LIST, status=429, headers={"Retry-After": "0"})
    with pytest.raises(RateLimited):
        pupil.learn()
    assert pupil.pauses[:3] == [1.0, 2.0, 4.0]
    assert pupil.pauses == sorted(pupil.pauses)
    assert 3000 < sum(pupil.pauses) <= LONGEST_WAIT_S


@pytest.mark.parametrize(
    "names", [(), ("acme/one",)], ids=["pages without models", "the same model again and again"]
)
def test_a_list_without_an_end_is_left(pupil: Pupil, names: tuple[str, ...]) -> None:
    body = json.dumps([{"id": name} for name in names]).encode()
    for turn in range(30):
        link = f'<{LIST}?cursor={turn + 1}>; rel="next"'
        pupil.server.fault(LIST, body=body, headers={"Link": link}, times=1)
    with pytest.raises(BadListing, match="goes on without an end"):
        pupil.learn()
    assert pupil.names == [name.partition("/")[2] for name in names]
    assert pupil.requests < 30
    pupil.server.forget()
    assert pupil.learn(again=True).is_complete


def test_a_change_that_is_still_to_come_hides_no_later_one(pupil: Pupil) -> None:
    pupil.server.repos["acme/liar"] = repo(1, lastModified="9999-12-31T00:00:00.000Z")
    assert pupil.learn().is_complete
    pupil.server.repos["acme/new"] = repo(25)
    pupil.learn()
    assert pupil.names == ["liar", *ALL, "new"]


def test_rows_that_are_no_models_are_passed_over(pupil: Pupil) -> None:
    body = b'[{"id": null}, 5, {"id": "../up"}, {"id": "acme/ok", "lastModified": 7, "tags": "en"}]'
    pupil.server.fault(LIST, body=body)
    assert pupil.learn().entries == 1
    assert pupil.names == ["ok"]
