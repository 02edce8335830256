"""What is read of a Hub's answers, what a newer answer changes, and how old it may grow."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject
from weighbridge.domain.model_entry import MOST_TAGS, Depth, EntryFile, ModelEntry
from weighbridge.domain.repo import ModelInfo

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RAW: JsonObject = {
    "id": "acme/words",
    "author": "acme",
    "sha": "ab" * 20,
    "downloads": 1200,
    "likes": 7,
    "trendingScore": 3.5,
    "tags": ["license:mit", "en", "en", 5],
    "pipeline_tag": "fill-mask",
    "library_name": "transformers",
    "cardData": {"license": "Apache-2.0", "model_summary": "Guesses\n words."},
    "usedStorage": 4096,
    "safetensors": {"parameters": {"F16": 100}, "total": 100},
    "gated": "auto",
    "private": False,
    "createdAt": "2025-01-31T12:00:00.000Z",
    "lastModified": "2026-01-31T12:00:00.000Z",
    "siblings": [{"rfilename": "config.json"}, {"rfilename": "model.safetensors", "lfs": {"size": 200}}],
}


def entry(depth: Depth = Depth.WHOLE, fetched_at: datetime = NOW, **raw: Json) -> ModelEntry:
    found = ModelEntry.from_hub_json({"id": "acme/words", **raw}, fetched_at=fetched_at, depth=depth)
    assert found is not None
    return found


def test_every_field_is_read() -> None:
    read = entry(**RAW)
    assert read.repo.full_name == "acme/words"
    assert (read.author, read.commit) == ("acme", "ab" * 20)
    assert (read.downloads, read.likes, read.trending) == (1200, 7, 3.5)
    assert read.tags == ("license:mit", "en")
    assert (read.pipeline_tag, read.library, read.licence) == ("fill-mask", "transformers", "apache-2.0")
    assert (read.gated, read.private, read.parameters) == (True, False, 100)
    assert read.created_at == datetime(2025, 1, 31, 12, tzinfo=UTC)
    assert read.files == (EntryFile(path="config.json"), EntryFile(path="model.safetensors", size_bytes=200))
    assert read.description == "Guesses words."


def test_the_size_is_bytes_and_never_parameters() -> None:
    assert entry(**RAW).size_bytes == 4096
    assert entry(**{**RAW, "usedStorage": None}).size_bytes == 200
    assert entry(**{**RAW, "usedStorage": -1, "siblings": "many"}).size_bytes == 200
    assert entry(safetensors={"parameters": {"F32": 5}, "total": 5}).size_bytes == 20
    assert entry(safetensors={"parameters": {"NEW": 5}, "total": 5}).size_bytes is None
    assert entry(gguf={"total": 10**9}).size_bytes is None


def test_the_licence_is_the_cards_else_the_tags() -> None:
    assert entry(tags=["license:MIT"]).licence == "mit"
    assert entry(tags=["license:MIT"], cardData={"license": ["gpl-3.0"]}).licence == "gpl-3.0"
    assert entry(tags=["en"], cardData={"license": 5}).licence is None


@pytest.mark.parametrize("id", [None, 5, "", "a/b/c", "../etc", "acme/../x", "a" * 300])
def test_without_a_name_there_is_no_entry(id: Json) -> None:
    assert ModelEntry.from_hub_json({"id": id}, fetched_at=NOW, depth=Depth.LISTED) is None


def test_a_repository_out_of_all_proportion_is_cut() -> None:
    deep: Json = "x"
    for _ in range(500):
        deep = [deep]
    read = entry(
        tags=[str(n) for n in range(10_000)] + ["x" * 100_000],
        cardData={"deep": deep},
        library_name="x" * 100_000,
        trendingScore=10**400,
        downloads=1 << 80,
        lastModified="9999-12-31T23:59:59-23:59",
    )
    assert len(read.tags) == MOST_TAGS
    assert (read.card, read.library, read.trending, read.downloads, read.last_modified) == (None,) * 5
    assert entry(cardData={"note": "x" * 10**6}).card is None
    assert entry(cardData={"score": math.inf}).card is None
    assert entry(cardData={"x": "\ud800"}).card == {"x": "\ufffd"}


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=8)
)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(RAW, _ANYTHING)), st.sampled_from(Depth))
def test_whatever_a_hub_says_is_an_entry_that_can_be_kept_and_read_again(
    raw: JsonObject, depth: Depth
) -> None:
    read = entry(depth, **{**raw, "id": "acme/words"})
    kept = json.dumps(read.to_json(), allow_nan=False, ensure_ascii=False).encode()
    assert ModelEntry.from_json(json.loads(kept)) == read


@given(st.dictionaries(st.sampled_from(list(entry(**RAW).to_json())), _ANYTHING))
def test_what_we_did_not_write_is_refused_in_one_way_or_read_alike_again(changes: JsonObject) -> None:
    with suppress(Invalid):
        read = ModelEntry.from_json({**entry(**RAW).to_json(), **changes})
        assert ModelEntry.from_json(read.to_json()) == read


@pytest.mark.parametrize("changed", ["repo", "kind", "depth", "fetched_at"])
def test_an_entry_that_lost_what_it_cannot_be_without_is_refused(changed: str) -> None:
    with pytest.raises(Invalid, match="was not written by this program"):
        ModelEntry.from_json({**entry(**RAW).to_json(), changed: None})


def test_it_reads_the_licence_as_the_rest_of_the_house() -> None:
    said = ModelInfo(repo=entry().repo, commit="0" * 40, raw=RAW)
    assert entry(**RAW).licence == said.license


def test_a_row_of_a_list_changes_only_counts_of_what_is_known_whole() -> None:
    older = entry(**RAW)
    row = entry(Depth.LISTED, NOW + timedelta(days=2), downloads=5, tags=["other"], lastModified="2026-10-01")
    merged = row.merged(older)
    assert (merged.downloads, merged.likes, merged.last_modified) == (5, 7, datetime(2026, 10, 1, tzinfo=UTC))
    assert (merged.depth, merged.fetched_at, merged.tags) == (Depth.WHOLE, NOW, older.tags)
    assert (merged.files, merged.card, merged.licence) == (older.files, older.card, "apache-2.0")


def test_what_is_asked_for_whole_replaces_all_but_the_trend_that_only_lists_have() -> None:
    older = entry(Depth.LISTED, **RAW)
    newer = entry(Depth.WHOLE, NOW + timedelta(days=2), tags=["new"])
    merged = newer.merged(older)
    assert (merged.tags, merged.downloads, merged.trending) == (("new",), None, 3.5)
    assert merged.fetched_at == NOW + timedelta(days=2)


def test_a_shorter_row_leaves_what_a_longer_row_said() -> None:
    longer = entry(Depth.LISTED, **RAW)
    shorter = entry(Depth.LISTED, NOW + timedelta(days=2), likes=0)
    merged = shorter.merged(longer)
    assert (merged.likes, merged.downloads, merged.licence) == (0, 1200, "apache-2.0")
    assert (merged.files, merged.fetched_at) == (longer.files, NOW + timedelta(days=2))


def test_a_row_that_has_tags_but_no_licence_says_that_there_is_none() -> None:
    older = entry(Depth.LISTED, tags=["license:mit"])
    assert entry(Depth.LISTED, tags=["en"]).merged(older).licence is None
    assert entry(Depth.LISTED, likes=1).merged(older).licence == "mit"


def test_an_entry_expires_with_its_age() -> None:
    read = entry(fetched_at=NOW - timedelta(hours=24))
    assert read.age(NOW) == timedelta(hours=24)
    assert read.is_expired(NOW)
    assert not read.is_expired(NOW - timedelta(seconds=1))
    assert not read.is_expired(NOW, timedelta(days=7))
    assert read.age(NOW - timedelta(days=9)) == timedelta(0)
