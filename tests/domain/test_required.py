"""What a selection needs to be loaded: laws over made repositories, and the cases by name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.manifest import FileEntry, Manifest, sha256
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.required import advice, needed

INDEX = "model.safetensors.index.json"
SHARDS = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
SHARDED = {*SHARDS, INDEX, "config.json", "tokenizer.json", "tokenizer_config.json", "README.md"}
NAMES = st.sets(
    st.sampled_from(sorted(SHARDED | {"adapter_config.json", "adapter_model.bin", "x/model.bin"}))
)


def manifest(paths: Iterable[str], kind: RepoKind = RepoKind.MODEL) -> Manifest:
    files = [
        FileEntry(path=path, size_bytes=1, digests=(sha256(hashlib.sha256(path.encode()).hexdigest()),))
        for path in paths
    ]
    return Manifest(repo=RepoId.parse("org/a", kind), commit="a" * 40, files=tuple(files))


def index_of(shards: Mapping[str, str] | None = None) -> JsonObject:
    return {"weight_map": shards if shards is not None else {f"t{n}": s for n, s in enumerate(SHARDS)}}


def lacking(have: Iterable[str], there: Iterable[str], **kind: RepoKind) -> list[tuple[str, bool]]:
    found = needed(manifest(have, **kind), manifest(there, **kind), lambda path: index_of())
    return [(each.path, each.is_there) for each in found]


@given(NAMES, NAMES)
def test_what_is_needed_is_never_what_is_there_already(have: set[str], more: set[str]) -> None:
    found = needed(manifest(have), manifest(have | more), lambda path: index_of())
    assert not {each.path for each in found} & have
    assert all(each.is_there == (each.path in more) for each in found)
    assert all(each.by in have for each in found)


@given(NAMES, NAMES)
def test_adding_what_is_needed_and_to_be_had_leaves_only_what_is_not(have: set[str], more: set[str]) -> None:
    whole, added = have | more, set(have)
    for _ in range(4):
        added |= {
            e.path for e in needed(manifest(added), manifest(whole), lambda p: index_of()) if e.is_there
        }
    left = needed(manifest(added), manifest(whole), lambda path: index_of())
    assert not any(each.is_there for each in left)


@given(st.sets(st.sampled_from(sorted(SHARDED - set(SHARDS)))))
def test_configuration_files_need_nothing(have: set[str]) -> None:
    assert lacking(have, SHARDED) == []


@given(st.sets(st.sampled_from(SHARDS), min_size=1))
def test_a_shard_needs_every_other_and_the_index(have: set[str]) -> None:
    assert {path for path, _ in lacking(have, SHARDED)} == {*SHARDS, INDEX} - have


@given(NAMES, NAMES)
def test_a_data_set_needs_nothing(have: set[str], more: set[str]) -> None:
    assert lacking(have, have | more, kind=RepoKind.DATASET) == []


@pytest.mark.parametrize(
    ("have", "there", "expected"),
    [
        (SHARDED, SHARDED, []),
        (SHARDED - {SHARDS[1]}, SHARDED - {SHARDS[1]}, [(SHARDS[1], False)]),
        (SHARDED - {SHARDS[1]}, SHARDED, [(SHARDS[1], True)]),
        ({INDEX, "config.json"}, {INDEX, "config.json"}, [(shard, False) for shard in SHARDS]),
        ({INDEX, "model.safetensors"}, {INDEX, "model.safetensors"}, []),
        ({"q-00002-of-00002.gguf"}, {"q-00002-of-00002.gguf"}, [("q-00001-of-00002.gguf", False)]),
        ({"m-00000-of-00002.bin"}, {"m-00000-of-00002.bin"}, [("m-00001-of-00002.bin", False)]),
        ({"m-00001-of-99999.bin"}, {"m-00001-of-99999.bin"}, []),
        ({"t-00001-of-00002.parquet"}, {"t-00001-of-00002.parquet"}, []),
        ({"adapter_model.bin"}, {"adapter_model.bin"}, [("adapter_config.json", False)]),
        ({"a/adapter_model.bin"}, {"a/adapter_model.bin"}, []),
        (
            {"a/adapter_model.bin"},
            {"a/adapter_model.bin", "a/adapter_config.json"},
            [("a/adapter_config.json", True)],
        ),
        ({"adapter_config.json"}, {"adapter_config.json"}, [("adapter_model.safetensors", False)]),
        ({"adapter_config.json"}, {"adapter_config.json", "adapter_model.bin"}, []),
        ({"adapter_config.json", "pytorch_adapter.bin"}, {"adapter_config.json", "pytorch_adapter.bin"}, []),
        (
            {"model.safetensors", "tokenizer_config.json"},
            {"model.safetensors", "tokenizer_config.json", "tokenizer.model"},
            [("tokenizer.model", True)],
        ),
        ({"tokenizer_config.json"}, {"tokenizer_config.json", "tokenizer.model"}, []),
        ({"model.bin", "tokenizer_config.json"}, {"model.bin", "tokenizer_config.json"}, []),
        (
            {"model.bin", "tokenizer_config.json", "vocab.json"},
            {"model.bin", "tokenizer_config.json", "vocab.json", "merges.txt"},
            [("merges.txt", True)],
        ),
    ],
)
def test_each_case(have: set[str], there: set[str], expected: list[tuple[str, bool]]) -> None:
    assert lacking(have, there) == expected


@pytest.mark.parametrize(
    "index", [{}, {"weight_map": []}, {"weight_map": {"a": 3, "b": None}}, {"weight_map": "x"}, {"a": [1]}]
)
def test_an_index_that_says_nothing_asks_for_nothing(index: JsonObject) -> None:
    assert needed(manifest([INDEX]), manifest([INDEX]), lambda path: index) == ()


def test_an_index_in_a_folder_names_shards_of_that_folder() -> None:
    paths = [f"text/{INDEX}", f"text/{SHARDS[0]}"]
    found = needed(
        manifest(paths), manifest(paths), lambda path: index_of({"a": SHARDS[0], "b": "other.bin"})
    )
    assert ("text/other.bin", f"text/{INDEX}") in [(each.path, each.by) for each in found]


def test_weights_without_the_tokenizer_that_is_there_are_worth_a_word() -> None:
    there = {"config.json", "model.safetensors", "tokenizer.json"}
    assert "tokenizer.json" in advice(manifest(there - {"tokenizer.json"}), manifest(there))
    assert advice(manifest(there), manifest(there)) == ""
    assert advice(manifest({"config.json"}), manifest(there)) == ""
    assert advice(manifest({"model.safetensors"}), manifest(there)) == ""
