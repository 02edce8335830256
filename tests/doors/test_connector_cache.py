"""Metadata and its cache: what goes in comes out, what is old is hidden and kept, nothing is half there."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.connector import ModelCache, ModelMetadata

FEW = settings(max_examples=30)
ENDPOINT = "http://hub.example"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.from_regex(r"[a-z]{1,8}/[a-z0-9]{1,8}", fullmatch=True)
DATES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
SPELLED = DATES.map(lambda date: date.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
CARDS = st.none() | st.dictionaries(
    TEXTS, st.none() | TEXTS | st.integers(-9, 9) | st.lists(TEXTS, max_size=3)
)
COUNTS = st.integers(0, 1 << 50)
METADATA = st.builds(
    ModelMetadata,
    model_id=NAMES,
    author=TEXTS.filter(bool),
    downloads=COUNTS,
    likes=COUNTS,
    tags=st.lists(TEXTS.filter(bool), max_size=5),
    pipeline_tag=st.none() | TEXTS.filter(bool),
    library_name=st.none() | TEXTS.filter(bool),
    license=st.none() | TEXTS.filter(bool),
    model_size=st.none() | COUNTS,
    created_at=st.just("") | SPELLED,
    last_modified=st.just("") | SPELLED,
    siblings=st.lists(
        st.builds(lambda name, size: {"rfilename": name, "size": size}, TEXTS.filter(bool), COUNTS),
        max_size=3,
    ),
    card_data=CARDS,
    cached_at=DATES,
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> ModelCache:
    return ModelCache(tmp_path_factory.mktemp("cache"), endpoint=ENDPOINT)


def made(name: str = "org/model", hours: float = 0, **more: Any) -> ModelMetadata:
    at = datetime.now(UTC) - timedelta(hours=hours)
    return ModelMetadata(model_id=name, cached_at=at, siblings=[{"rfilename": "a.bin", "size": 1}], **more)


@FEW
@given(METADATA)
def test_a_dictionary_fit_for_json_gives_the_same_back(metadata: ModelMetadata) -> None:
    assert ModelMetadata.from_dict(json.loads(json.dumps(metadata.to_dict()))) == metadata


@FEW
@given(METADATA)
def test_what_goes_in_comes_out(cache: ModelCache, metadata: ModelMetadata) -> None:
    cache.remove(metadata.model_id)
    cache.set(metadata)
    assert cache.get(metadata.model_id, ttl_hours=10**6) == metadata


@pytest.mark.parametrize(
    "wrong",
    [
        {"model_id": ""},
        {"model_id": None},
        {"downloads": "many"},
        {"likes": True},
        {"tags": "pytorch"},
        {"license": 7},
        {"siblings": None},
        {"card_data": []},
        {"cached_at": "yesterday"},
        {"cached_at": 0},
        {"is_stale": 1},
    ],
)
def test_a_dictionary_of_something_else_is_a_value_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        ModelMetadata.from_dict({**made().to_dict(), **wrong})
    with pytest.raises(ValueError, match="no model_id"):
        ModelMetadata.from_dict({"else": 1})


def test_what_is_expired_is_hidden_and_kept(cache: ModelCache) -> None:
    cache.clear()
    cache.set(made(hours=25))
    assert cache.get("org/model") is None
    assert cache.get("org/model", ttl_hours=24) is None
    found = cache.get("org/model", ttl_hours=26)
    assert found is not None
    assert (found.is_expired(), found.is_expired(ttl_hours=26)) == (True, False)
    assert [each.model_id for each in cache.get_all_cached()] == ["org/model"]


def test_what_a_clock_far_ahead_has_dated_is_not_fresh_for_years(cache: ModelCache) -> None:
    cache.clear()
    cache.set(made(hours=-1))
    cache.set(made("org/ahead", hours=-25))
    found = cache.get("org/model")
    assert found is not None
    assert found.age == timedelta(0)
    assert cache.get("org/ahead") is None
    assert cache.get("org/ahead", ttl_hours=26) is not None


def test_models_are_independent_of_each_other(cache: ModelCache) -> None:
    cache.clear()
    for number in range(5):
        cache.set(made(f"org/m{number}", downloads=number))
    cache.remove("org/m2")
    cache.remove("org/m2")
    cache.remove("no/such/name")
    with pytest.raises(ValueError, match="must be a text"):
        cache.get(None)  # type: ignore[arg-type]
    assert cache.get("org/m2") is None
    assert {each.model_id: each.downloads for each in cache.get_all_cached()} == {
        f"org/m{number}": number for number in (0, 1, 3, 4)
    }
    cache.clear()
    assert cache.get_all_cached() == []


def test_hubs_have_caches_of_their_own(tmp_path: Path) -> None:
    ModelCache(tmp_path, endpoint=ENDPOINT).set(made())
    assert ModelCache(tmp_path, endpoint="http://other.example").get("org/model") is None
    for same in (f"{ENDPOINT}/", "http://HUB.example:80"):
        assert ModelCache(tmp_path, endpoint=same).get("org/model") is not None
    with pytest.raises(ValueError, match="address"):
        ModelCache(tmp_path, endpoint="no address")


def test_another_process_sees_it_at_once_and_after_a_restart(tmp_path: Path) -> None:
    here = ModelCache(tmp_path, endpoint=ENDPOINT)
    here.set(made())
    program = (
        "import sys; from weighbridge.connector import *\n"
        "cache = ModelCache(sys.argv[1], endpoint=sys.argv[2])\n"
        "assert cache.get('org/model').siblings == [{'rfilename': 'a.bin', 'size': 1}]\n"
        "cache.set(ModelMetadata('org/theirs', siblings=[{'rfilename': 'x'}]))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path), ENDPOINT], check=True, timeout=600)
    assert here.get("org/theirs") is not None


@pytest.mark.parametrize("name", ["", "a/b/c", "../x"])
def test_a_name_that_cannot_be_one(cache: ModelCache, name: str) -> None:
    assert cache.get(name) is None
    with pytest.raises(ValueError):
        cache.set(made(name))


def test_a_card_that_json_cannot_hold_is_a_value_error(cache: ModelCache) -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    for value in (float("nan"), object(), deep):
        with pytest.raises(ValueError):
            cache.set(made("org/odd", card_data={"x": value}))
    assert cache.get("org/odd") is None


@pytest.mark.parametrize("hours", [0, -1, float("nan")])
def test_a_time_to_live_of_nothing_is_a_value_error(hours: float) -> None:
    with pytest.raises(ValueError, match="ttl_hours"):
        ModelCache(ttl_hours=hours)


@pytest.mark.parametrize("date", [datetime.min, datetime.max, datetime(2026, 1, 1)])
def test_dates_without_a_zone_and_at_the_ends_of_the_calendar(cache: ModelCache, date: datetime) -> None:
    metadata = made("org/dated")
    metadata.cached_at = date
    assert metadata.age >= timedelta(0)
    assert metadata.is_expired(1)
    cache.set(metadata)
    assert cache.get("org/dated", ttl_hours=float("inf")) is not None
