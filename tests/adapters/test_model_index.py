"""The index of models: kept, merged, found again, bounded, and mended when it is broken."""

from __future__ import annotations

import logging
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weighbridge.adapters.model_index import ModelIndex
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json
from weighbridge.domain.model_entry import Depth, ModelEntry
from weighbridge.domain.model_search import ModelSearch, ModelSort
from weighbridge.domain.ref import RepoId
from weighbridge.errors import StoreDown

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HUB = "https://hub.example"


def entry(name: str, depth: Depth = Depth.LISTED, fetched_at: datetime = NOW, **raw: Json) -> ModelEntry:
    read = ModelEntry.from_hub_json({"id": name, **raw}, fetched_at=fetched_at, depth=depth)
    assert read is not None
    return read


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ModelIndex]:
    opened = ModelIndex(tmp_path / "index", HUB)
    yield opened
    opened.close()


def found(index: ModelIndex, text: str = "", **wanted: object) -> list[str]:
    search = ModelSearch(text=text, **wanted)  # type: ignore[arg-type]
    return [each.repo.full_name for each in index.search(search).entries]


def test_what_was_put_is_got_by_everybody_who_opens_the_file(index: ModelIndex, tmp_path: Path) -> None:
    put = entry("acme/words", Depth.WHOLE, tags=["en"], cardData={"license": "mit"}, downloads=3)
    index.put([put])
    assert ModelIndex(tmp_path / "index", HUB).get(RepoId.parse("ACME/Words")) == put
    assert index.get(RepoId.parse("acme/other")) is None
    assert stat.S_IMODE(index.path.stat().st_mode) == 0o600


def test_an_entry_is_given_however_old_it_is(index: ModelIndex) -> None:
    index.put([entry("acme/words", fetched_at=NOW - timedelta(days=900))])
    got = index.get(RepoId.parse("acme/words"))
    assert got is not None
    assert got.is_expired(NOW)


def test_a_row_of_a_list_never_takes_away_what_was_known_in_full(index: ModelIndex) -> None:
    whole = entry("acme/words", Depth.WHOLE, tags=["en"], downloads=3, siblings=[{"rfilename": "a.bin"}])
    index.put([whole])
    index.put([entry("acme/words", downloads=9)])
    got = index.get(whole.repo)
    assert got is not None
    assert (got.downloads, got.tags, got.files, got.depth) == (9, whole.tags, whole.files, Depth.WHOLE)


def test_two_hubs_never_mix(index: ModelIndex, tmp_path: Path) -> None:
    other = ModelIndex(tmp_path / "index", "https://other.example")
    index.put([entry("acme/words")])
    assert other.get(RepoId.parse("acme/words")) is None
    assert found(other, "words") == []


def test_what_is_removed_is_neither_got_nor_found(index: ModelIndex) -> None:
    index.put([entry("acme/words"), entry("acme/pictures")])
    assert found(index, "acme") == ["acme/words", "acme/pictures"]
    index.remove(RepoId.parse("acme/words"))
    index.remove(RepoId.parse("acme/nobody"))
    assert index.get(RepoId.parse("acme/words")) is None
    assert found(index, "acme") == ["acme/pictures"]
    assert [each.repo.name for each in index.all()] == ["pictures"]
    index.clear()
    assert (found(index), list(index.all())) == ([], [])
    index.put([entry("acme/words")])
    assert found(index) == ["acme/words"]


MODELS = (
    entry("acme/bert-tiny", downloads=5, likes=1, tags=["en", "license:mit"], lastModified="2026-01-01"),
    entry("acme/gpt", downloads=90, likes=3, tags=["Bert", "license:mit"], pipeline_tag="fill-mask"),
    entry("big/BERT_large", downloads=50, likes=2, library_name="peft", lastModified="2026-02-01"),
    entry("big/other", downloads=7, trendingScore=2.5, cardData={"description": "A bert, said in words"}),
    entry("words", cardData={"license": "mit"}, tags=["two words", "transformersandmore"]),
)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"text": "bert"}, ["big/BERT_large", "acme/bert-tiny", "acme/gpt", "big/other"]),
        (
            {"text": "bert", "sort": "downloads"},
            ["acme/gpt", "big/BERT_large", "big/other", "acme/bert-tiny"],
        ),
        ({"text": "ber lar"}, ["big/BERT_large"]),
        ({"text": "acme/bert-tiny"}, ["acme/bert-tiny"]),
        ({"text": "WORDS"}, ["words", "big/other"]),
        ({"text": "transformersandmore"}, ["words"]),
        ({"text": "ert"}, []),
        ({"text": "ＢＥＲＴ lar"}, ["big/BERT_large"]),
        ({"tags": ("license:MIT",)}, ["acme/gpt", "acme/bert-tiny", "words"]),
        ({"licence": "mit"}, ["acme/gpt", "acme/bert-tiny", "words"]),
        ({"tags": ("two words",)}, ["words"]),
        ({"tags": ("two",)}, []),
        ({"tags": ("en", "license:mit")}, ["acme/bert-tiny"]),
        ({"pipeline_tag": "fill-mask"}, ["acme/gpt"]),
        ({"tags": ("fill-mask",)}, ["acme/gpt"]),
        ({"library": "peft"}, ["big/BERT_large"]),
        ({"author": "ACME"}, ["acme/gpt", "acme/bert-tiny"]),
        ({"author": "acme", "text": "bert", "licence": "mit", "tags": ("en",)}, ["acme/bert-tiny"]),
        ({"sort": "likes", "limit": 2}, ["acme/gpt", "big/BERT_large"]),
        ({"sort": "trending", "limit": 1}, ["big/other"]),
        ({"sort": "updated", "limit": 2}, ["big/BERT_large", "acme/bert-tiny"]),
    ],
)
def test_words_filters_and_orders(index: ModelIndex, wanted: dict[str, object], names: list[str]) -> None:
    index.put(MODELS)
    if "sort" in wanted:
        wanted = {**wanted, "sort": ModelSort(wanted["sort"])}
    assert found(index, **wanted) == names  # type: ignore[arg-type]


@pytest.mark.parametrize("spelled", ["café", "cafe\u0301", "CAFÉ", "ｃａｆｅ\u0301"])
def test_letters_that_unicode_spells_in_several_ways_are_one(index: ModelIndex, spelled: str) -> None:
    index.put([entry("acme/a", tags=["café", "straße"]), entry("acme/b", tags=["Cafe\u0301", "STRASSE"])])
    assert found(index, spelled) == ["acme/a", "acme/b"]
    assert found(index, tags=(spelled,)) == ["acme/a", "acme/b"]
    assert found(index, "Strasse") == ["acme/a", "acme/b"]


@pytest.mark.parametrize("count", [2, 17, 18, 40, 400])
def test_all_of_many_tags_must_be_there(index: ModelIndex, count: int) -> None:
    tags = tuple(f"tag-{number}" for number in range(count))
    index.put([entry("acme/all", tags=list(tags)), entry("acme/less", tags=list(tags[1:]), downloads=9)])
    for sort in ModelSort:
        assert found(index, "acme", tags=tags, sort=sort) == ["acme/all"]
    assert found(index, "acme", tags=tags[1:]) == ["acme/less", "acme/all"]


def test_long_words_of_a_name_are_found_by_any_beginning(index: ModelIndex) -> None:
    word = "supercalifragilisticexpialidocious"
    index.put([entry(f"acme/{word}", downloads=1), entry(f"acme/{word[:20]}", downloads=2)])
    for length in range(1, len(word) + 1):
        assert found(index, word[:length])[-1] == f"acme/{word}"
        assert len(found(index, word[:length])) == (2 if length <= 20 else 1)
    assert found(index, f"{word[:16]}x") == []


def test_an_index_of_an_older_format_is_removed_where_a_new_one_is_begun(tmp_path: Path) -> None:
    index = ModelIndex(tmp_path, HUB)
    older = index.path.with_name(index.path.name.replace(".v2.", ".v1."))
    others = ModelIndex(tmp_path, "https://other.example").path.name.replace(".v2.", ".v1.")
    for name in (older.name, f"{older.name}-wal", f"{older.name}.lock", others):
        (tmp_path / name).write_bytes(b"older")
    index.put([entry("acme/a")])
    index.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        [index.path.name, f"{index.path.name}.lock", others]
    )


def test_the_model_of_just_that_name_comes_first_if_it_answers(index: ModelIndex) -> None:
    index.put([entry("acme/bert-base", downloads=9), entry("acme/bert", downloads=1, tags=["en"])])
    assert found(index, "acme/bert") == ["acme/bert", "acme/bert-base"]
    assert found(index, "acme/bert", tags=("de",)) == []
    first = index.search(ModelSearch(text="acme/bert", limit=1))
    assert first.next is not None
    assert found(index, "acme/bert", limit=1, after=first.next) == ["acme/bert-base"]


def test_a_changed_entry_is_found_where_it_stands_now(index: ModelIndex) -> None:
    index.put([entry("acme/a", downloads=1, tags=["old"]), entry("acme/b", downloads=5)])
    assert found(index, "acme") == ["acme/b", "acme/a"]
    index.put([entry("acme/a", downloads=7, tags=["new"])])
    index.put([entry("acme/a", downloads=8, tags=["new"], fetched_at=NOW + timedelta(days=1))])
    assert found(index, "acme") == ["acme/a", "acme/b"]
    assert (found(index, tags=("old",)), found(index, tags=("new",))) == ([], ["acme/a"])
    index.remove(RepoId.parse("acme/b"))
    index.put([entry("acme/c", downloads=99)])
    assert found(index, "acme") == ["acme/c", "acme/a"]


_NAMES = st.sampled_from(["bert", "bert-base", "base", "gpt-base", "tiny", "bert-tiny-base"])
_SOME = st.builds(
    lambda name, number, downloads, tags: entry(
        f"org{number % 3}/{name}-{number}", downloads=downloads, likes=downloads // 2, tags=tags
    ),
    _NAMES,
    st.integers(0, 40),
    st.integers(0, 5),
    st.lists(st.sampled_from(["en", "base", "license:mit"]), max_size=3),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(_SOME, max_size=25),
    st.lists(_SOME, max_size=8),
    st.sampled_from(["", "base", "bert b", "tiny bert", "org1"]),
    st.sampled_from([(), ("en",), ("en", "license:mit")]),
    st.sampled_from(ModelSort),
    st.integers(1, 7),
)
def test_pages_hold_each_that_answers_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    models: list[ModelEntry],
    later: list[ModelEntry],
    text: str,
    tags: tuple[str, ...],
    sort: ModelSort,
    limit: int,
) -> None:
    index = ModelIndex(tmp_path_factory.mktemp("law"), HUB)
    index.put(models)
    index.search(ModelSearch())
    index.put(later)
    pages: list[ModelEntry] = []
    search = ModelSearch(text=text, tags=tags, sort=sort, limit=limit)
    after = None
    while True:
        page = index.search(ModelSearch(text=text, tags=tags, sort=sort, limit=limit, after=after))
        pages += page.entries
        assert len(page.entries) == limit or page.next is None
        if page.next is None:
            break
        after = page.next
    index.close()
    known: dict[RepoId, ModelEntry] = {}
    for each in (*models, *later):
        known[each.repo] = each.merged(known[each.repo]) if each.repo in known else each
    held = [each for each in known.values() if _answers(each, search)]
    assert sorted(each.repo for each in pages) == sorted(each.repo for each in held)
    if sort is ModelSort.BEST and search.words:
        named = [_answers(replace(each, tags=()), replace(search, tags=())) for each in pages]
        assert named == sorted(named, reverse=True)
    measure = "likes" if sort is ModelSort.LIKES else "downloads"
    if sort in (ModelSort.LIKES, ModelSort.DOWNLOADS):
        values = [getattr(each, measure) for each in pages]
        assert values == sorted(values, reverse=True)


def _answers(model: ModelEntry, search: ModelSearch) -> bool:
    named = model.repo.full_name.replace("/", "-").split("-")
    words = {word for tag in model.tags if ":" not in tag for word in (tag,)}
    return set(search.tags) <= set(model.tags) and all(
        any(part.startswith(word) for part in named) or word in words for word in search.words
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=())), label=st.text(st.characters(exclude_categories=()))
)
def test_no_question_is_read_as_anything_but_words(
    tmp_path_factory: pytest.TempPathFactory, text: str, label: str
) -> None:
    index = _FILLED.get("index") or ModelIndex(tmp_path_factory.mktemp("hostile"), HUB)
    if not _FILLED:
        index.put(MODELS)
        _FILLED["index"] = index
    search = ModelSearch(
        text=text, tags=(label,), author=label, pipeline_tag=label, library=text, licence=text
    )
    assert len(index.search(search).entries) <= len(MODELS)
    assert len(index.search(ModelSearch(text=text)).entries) <= len(MODELS)


_FILLED: dict[str, ModelIndex] = {}


@pytest.mark.parametrize(
    "text", ['"', "bert*", "NEAR(a b)", "a OR b", "bert\0", "-bert", "bert " * 2000, "^bert"]
)
def test_operators_mean_nothing(index: ModelIndex, text: str) -> None:
    index.put(MODELS)
    names = found(index, text)
    assert ("acme/bert-tiny" in names) == ("bert" in text or text == '"')


@pytest.mark.parametrize(
    "after", ["", "2-5", "0", "0--5", "1-99999999999999999999", "x" * 10_000, "0-1; DROP"]
)
def test_a_place_that_no_search_gave_is_refused(index: ModelIndex, after: str) -> None:
    with pytest.raises(Invalid, match="was not given by a search"):
        index.search(ModelSearch(after=after))


def test_notes_are_written_with_the_entries_they_tell_of(index: ModelIndex) -> None:
    index.put([entry("acme/a")], notes={"walk": {"cursor": "x"}, "other": {}})
    assert index.note("walk") == {"cursor": "x"}
    index.put([], notes={"walk": None})
    assert (index.note("walk"), index.note("other")) == (None, {})


def test_the_status_counts_what_is_held(index: ModelIndex) -> None:
    assert (index.status().entries, index.status().oldest) == (0, None)
    index.put([entry("acme/a", fetched_at=NOW - timedelta(days=2)), entry("acme/b")])
    status = index.status()
    assert (status.entries, status.stale, status.oldest, status.newest) == (
        2,
        2,
        NOW - timedelta(days=2),
        NOW,
    )
    index.refresh()
    assert index.status().stale == 0
    assert status.size_bytes > 4096


@pytest.mark.parametrize("odd", [1 << 62, 253402300800, "yesterday"])
def test_a_date_that_somebody_else_wrote_is_none(index: ModelIndex, odd: object) -> None:
    index.put([entry("acme/a")])
    with sqlite3.connect(index.path) as connection:
        connection.execute("UPDATE entries SET fetched_at = ?", (odd,))
    assert (index.status().entries, index.status().oldest, index.status().newest) == (1, None, None)


def test_the_oldest_go_where_the_room_is_used_up(tmp_path: Path) -> None:
    index = ModelIndex(tmp_path, HUB, largest_bytes=600_000)
    card: Json = {"description": "x" * 300}
    for start in range(0, 2000, 100):
        some = range(start, start + 100)
        index.put(
            entry(f"acme/model-{n}", fetched_at=NOW + timedelta(minutes=n), downloads=n, cardData=card)
            for n in some
        )
    kept = [int(each.repo.name.partition("-")[2]) for each in index.all()]
    assert index.status().size_bytes < 700_000
    assert 50 < len(kept) < 2000
    assert kept == list(range(2000 - len(kept), 2000))
    assert found(index, "acme", limit=3) == ["acme/model-1999", "acme/model-1998", "acme/model-1997"]
    assert found(index, "model", sort=ModelSort.DOWNLOADS, limit=1000) == [
        f"acme/model-{n}" for n in reversed(kept[-1000:])
    ]


def _garbage(path: Path) -> None:
    path.write_bytes(b"no database " * 500)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _scribbled(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 8192) + whole[-4096:])


@pytest.mark.parametrize("break_it", [_garbage, _cut, _scribbled])
def test_a_damaged_file_is_set_aside_and_begun_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, break_it: object
) -> None:
    index = ModelIndex(tmp_path, HUB)
    index.put(MODELS)
    index.refresh()
    index.close()
    assert callable(break_it)
    break_it(index.path)
    with caplog.at_level(logging.WARNING):
        index.get(RepoId.parse("acme/gpt"))
        index.put([entry("acme/new")])
    assert found(index, "new") == ["acme/new"]
    assert "is damaged" in caplog.text
    assert index.path.with_name(f"{index.path.name}.damaged").exists()
    index.close()
    assert ModelIndex(tmp_path, HUB).get(RepoId.parse("acme/new")) is not None


def test_who_has_the_damaged_file_open_goes_on_with_the_new_one(tmp_path: Path) -> None:
    first, second = ModelIndex(tmp_path, HUB), ModelIndex(tmp_path, HUB)
    for index in (first, second):
        index.put(MODELS)
    with first.path.open("r+b") as file:
        file.write(b"\0" * 4096)
    for name, index in (("acme/one", first), ("acme/two", second)):
        index.put([entry(name)])
    reopened = ModelIndex(tmp_path, HUB)
    assert {each.repo.full_name for each in reopened.all()} >= {"acme/two"}
    assert found(reopened, "two") == ["acme/two"]


def test_damaged_text_tables_are_noticed_by_a_search(index: ModelIndex) -> None:
    index.put(MODELS)
    assert found(index, "bert") != []
    with sqlite3.connect(index.path) as connection:
        connection.execute("UPDATE by_downloads_data SET block = x'ffffffffff' WHERE id > 9")
    assert found(ModelIndex(index.path.parent, HUB), "bert") == []
    index.put(MODELS)
    assert found(index, "bert", limit=1) == ["big/BERT_large"]


def test_a_search_does_not_wait_for_who_writes_at_length(index: ModelIndex) -> None:
    index.put(MODELS)
    assert len(found(index)) == 5
    index.put([entry("acme/later")])
    with sqlite3.connect(index.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert len(found(index)) == 5
        other.execute("ROLLBACK")
    assert len(found(index)) == 6


def test_a_file_that_somebody_deletes_is_begun_anew(index: ModelIndex, tmp_path: Path) -> None:
    index.put(MODELS)
    for file in index.path.parent.iterdir():
        file.unlink()
    assert index.get(RepoId.parse("acme/gpt")) is None
    index.put([entry("acme/new")])
    assert [each.repo.name for each in ModelIndex(tmp_path / "index", HUB).all()] == ["new"]


def test_an_entry_that_cannot_be_read_is_not_there(index: ModelIndex) -> None:
    index.put(MODELS)
    with sqlite3.connect(index.path) as connection:
        connection.execute("UPDATE entries SET body = ? WHERE key = 'acme/gpt'", (b"{",))
        connection.execute("UPDATE entries SET body = 5 WHERE key = 'words'")
    assert index.get(RepoId.parse("acme/gpt")) is None
    assert found(index, "bert", sort=ModelSort.DOWNLOADS)[0] == "big/BERT_large"
    assert len(list(index.all())) == 3
    index.put([entry("words", downloads=5)])
    assert found(index, "words") == ["words", "big/other"]


def test_a_folder_that_cannot_be_used_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreDown, match="the index of models"):
        ModelIndex(tmp_path / "file" / "index", HUB).put(MODELS)


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from weighbridge.adapters.model_index import ModelIndex
from weighbridge.domain.model_entry import Depth, ModelEntry
from weighbridge.domain.model_search import ModelSearch

index, who, count = ModelIndex(Path(sys.argv[1]), "https://hub.example"), sys.argv[2], int(sys.argv[3])
for number in range(count):
    raw = {"id": f"{who}/model-{number}", "downloads": number, "tags": ["en"]}
    entry = ModelEntry.from_hub_json(raw, fetched_at=datetime.now(UTC), depth=Depth.LISTED)
    index.put([entry], notes={who: {"done": number}})
    print(number, flush=True)
    if number % 50 == 49:
        index.search(ModelSearch(text="model"))
"""


def _writer(folder: Path, who: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), who, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_many_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    writers = [_writer(tmp_path, who, 120) for who in ("ann", "bob", "eve")]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    index = ModelIndex(tmp_path, HUB)
    assert index.status().entries == 360
    assert found(index, "model", author="bob", limit=1000) == [f"bob/model-{n}" for n in range(119, -1, -1)]
    assert [index.note(who) for who in ("ann", "bob", "eve")] == [{"done": 119}] * 3


@pytest.mark.parametrize("seen", [3, 49, 120])
def test_killed_at_any_moment_it_is_whole(tmp_path: Path, seen: int) -> None:
    writer = _writer(tmp_path, "ann", 100_000)
    assert writer.stdout is not None
    for _ in range(seen):
        last = int(writer.stdout.readline())
    writer.kill()
    writer.communicate()
    index = ModelIndex(tmp_path, HUB)
    numbers = [int(each.repo.name.partition("-")[2]) for each in index.all()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > last
    assert index.note("ann") == {"done": numbers[-1]}
    wanted = [f"ann/model-{n}" for n in reversed(numbers[-200:])]
    assert found(index, "model", sort=ModelSort.DOWNLOADS, limit=200) == wanted
    with sqlite3.connect(index.path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
