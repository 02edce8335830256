"""What ``info`` says to add to a model list is what the list's own reader reads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.metrics.models import MODELS, evidence_of
from weighbridge.adapters.front_matter import yaml_value
from weighbridge.adapters.model_list.reading import parse
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.list_entry import file_patterns, list_entry, spelled
from weighbridge.domain.lock import Spec
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.domain.repo import ModelInfo
from weighbridge.domain.weights import deployable


def _read(evidence: Evidence, revision: str = "main") -> Spec:
    (spec,) = parse("models.yaml", f"models:\n{list_entry(evidence, revision)}").specs
    return spec


@pytest.mark.parametrize("name", MODELS)
def test_the_entry_of_every_example_is_read_and_takes_what_is_loaded(name: str) -> None:
    evidence = MODELS[name]()
    spec = _read(evidence)
    assert spec.ref == ModelRef(repo=evidence.repo, revision="main")
    stated = ModelInfo(repo=evidence.repo, commit="", raw=evidence.info).license
    assert spec.license == stated
    chosen = evidence.manifest.select(spec.files)
    best = deployable(evidence.files, evidence.json_of)
    assert {entry.path for entry in best.files} <= set(chosen.by_path)
    assert chosen.total_bytes <= evidence.manifest.total_bytes


def test_of_many_quantisations_one_is_taken() -> None:
    assert file_patterns(MODELS["gguf"]()) == ("README.md", "small-reasoner.Q4_K_M.gguf")


def _of(sizes: dict[str, int], texts: dict[str, str] | None = None) -> Evidence:
    return evidence_of("acme/model", sizes=sizes, texts=texts or {})


def test_other_formats_and_their_indexes_are_left_out_and_shards_are_whole() -> None:
    shards = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    pickles = [f"pytorch_model-0000{n}-of-00002.bin" for n in (1, 2)]
    sizes = dict.fromkeys([*shards, *pickles, "pytorch_model.bin.index.json", "vocab.txt"], 10)
    index = (
        '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    )
    evidence = _of(sizes, {"model.safetensors.index.json": index, "config.json": "{}"})
    chosen = set(evidence.manifest.select(_read(evidence).files).by_path)
    assert chosen >= {*shards, "model.safetensors.index.json", "config.json", "vocab.txt"}
    assert not chosen & {*pickles, "pytorch_model.bin.index.json"}


def test_where_there_is_nothing_to_choose_all_is_taken() -> None:
    assert file_patterns(_of({"model.safetensors": 5, "config.json": 2})) == ()
    assert file_patterns(_of({"notes.txt": 2})) == ()
    assert file_patterns(_of({f"m-{n}.gguf": n + 1 for n in range(3)} | {"a[1].txt": 1})) == ()
    many = {f"variants/model.v{n}.safetensors": 1 for n in range(50)}
    assert file_patterns(_of({"model.safetensors": 5, **many})) == ()


@pytest.mark.parametrize(
    "revision", ["main", "v1.0", "1.0", "012", "1e3", "null", "no", "refs/pr/1", "a#b", "0x1f"]
)
def test_a_revision_is_read_back_as_the_text_that_it_is(revision: str) -> None:
    assert _read(_of({"model.safetensors": 5}), revision).ref.revision == revision


@pytest.mark.parametrize("name", ["123", "1e3", "true", "acme/0x12", "null/1", "a.b/c_d"])
def test_a_name_is_read_back_as_the_text_that_it_is(name: str) -> None:
    evidence = replace(MODELS["bert"](), manifest=replace(MODELS["bert"]().manifest, repo=RepoId.parse(name)))
    assert _read(evidence).ref.repo.full_name == name


@given(st.text(max_size=40))
def test_any_text_is_spelled_so_that_yaml_reads_it_back_and_a_terminal_shows_it(text: str) -> None:
    assert yaml_value(f"key: {spelled(text)}\n")[0] == {"key": text}
    assert spelled(text).isprintable()
