"""The small files beside the weights, however they are broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doors.trained_folders import write
from weighbridge.adapters.front_matter import yaml_value
from weighbridge.adapters.hub_offline import OfflineHub
from weighbridge.adapters.own_files import list_files
from weighbridge.domain.made_model import Documents, Said
from weighbridge.domain.training import Result
from weighbridge.flows.publish_facts import (
    SMALL_BYTES,
    documents_of,
    licence_for,
    other_results,
    said_with,
)


def read(folder: Path) -> tuple[Documents, tuple[str, ...]]:
    listed, _ = list_files(folder)
    return documents_of(listed, listed, lambda text: yaml_value(text)[0], lambda _: {})


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"null", b"7", b'"text"', b"{", b"\xff\xfe", b'{"a": ' * 50_000, b"[" * 100_000,
        b'{"a": 1}' + b" " * SMALL_BYTES, b"{'r': 8}",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "name", ["adapter_config.json", "config.json", "training_args.json", "eval_results.json"]
)
def test_a_broken_document_is_none_and_is_told(name: str, content: bytes, tmp_path: Path) -> None:
    write(tmp_path, {name: content})
    found, notes = read(tmp_path)
    assert found == Documents(paths=(name,))
    assert [note.partition(" ")[0] for note in notes] == [name]


@pytest.mark.parametrize(
    "content", [b"- a\n", b"a: [\n", b"!!python/object:os.system x\n", b"a: &a [*a]\n", b"7"]
)
def test_a_broken_merge_is_none(content: bytes, tmp_path: Path) -> None:
    write(tmp_path, {"mergekit_config.yml": content})
    assert read(tmp_path)[0].merge == {}


def test_numbers_that_are_none_and_halves_of_characters_are_mended(tmp_path: Path) -> None:
    write(tmp_path, {"adapter_config.json": b'{"r": NaN, "lora_alpha": 1e999, "peft_type": "\\ud800"}'})
    found, notes = read(tmp_path)
    assert (found.adapter["peft_type"], notes) == ("\ufffd", ())


def test_what_the_card_says_counts_before_what_was_said_and_is_told() -> None:
    theirs = {"license": "mit", "base_model": ["org/a"], "datasets": ["org/d"], "language": "de"}
    said, notes = said_with(Said(license="apache-2.0", base_models=("org/b",)), theirs)
    assert (said.license, said.base_models, said.datasets, said.languages) == (
        "mit",
        ("org/a",),
        ("org/d",),
        ("de",),
    )
    assert [note.partition(":")[0].split()[-1] for note in notes] == ["base_model", "license"]


def test_results_that_the_kept_card_does_not_have_are_told_and_the_same_ones_are_not() -> None:
    theirs = {"model-index": [{"results": [{"metrics": [{"type": "f1", "value": 0.5}]}, None]}, 7]}
    assert other_results(theirs, [Result(name="f1", value=0.5)]) == ()
    for other in (Result(name="f1", value=0.6), Result(name="loss", value=0.5)):
        assert "model-index" in other_results(theirs, [other])[0]
    assert other_results({}, [Result(name="f1", value=0.5)]) == ()


def test_a_known_licence_is_spelled_as_the_hub_spells_it() -> None:
    found = [licence_for(Said(license=said), (), OfflineHub(), "https://hub")[0].id for said in
             ("Apache-2.0", "MIT", "other", "my-Own")]  # fmt: skip
    assert found == ["apache-2.0", "mit", "other", "my-Own"]


def test_a_base_model_that_is_a_path_is_no_base_model() -> None:
    said, notes = said_with(Said(base_models=("org/b",)), {"base_model": "/home/ann/llama"})
    assert said.base_models == ("org/b",)
    assert any("no repository" in note for note in notes)


def test_a_licence_that_cannot_be_asked_for_is_not_made_up() -> None:
    found, notes = licence_for(Said(), ("org/base",), OfflineHub(), "https://hub")
    assert (found.id, len(notes)) == ("", 1)
    assert "--license" in notes[0]
    found, notes = licence_for(Said(license="my-own"), ("org/base",), OfflineHub(), "https://hub")
    assert (found.id, found.inherited_from) == ("my-own", "")
    assert "no identifier" in notes[0]
