"""Adapters, GGUF, ONNX and sharded weights are compatible with what loads them, each with a reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.compatibility import ALIASES, LIBRARIES, compatibility

SHARDS = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
CASES = {
    "transformers": ["config.json", "model.safetensors"],
    "peft": ["adapter_config.json", "adapter_model.safetensors"],
    "sentence-transformers": ["modules.json", "pytorch_model.bin"],
    "diffusers": ["model_index.json", "unet/diffusion_pytorch_model.safetensors"],
    "gguf": ["README.md", "q/model.Q4_K_M.gguf"],
    "onnx": ["onnx/model.onnx", "onnx/model.onnx_data"],
}


@pytest.mark.parametrize("library", CASES)
def test_each_library_finds_its_own_files_and_no_other_does(library: str) -> None:
    paths = CASES[library]
    found = compatibility(paths, "", [])
    assert (found.is_compatible, found.library) == (True, library)
    assert compatibility(paths, "", [], library).is_compatible
    for other in set(CASES) - {library}:
        assert not compatibility(paths, "", [], other).is_compatible


@pytest.mark.parametrize(("alias", "library"), ALIASES.items())
def test_other_names_of_a_library(alias: str, library: str) -> None:
    assert compatibility(CASES[library], "", [], alias.upper()).library == library


def test_sharded_weights_are_whole_or_the_missing_shard_is_named() -> None:
    whole = ["config.json", "model.safetensors.index.json", *SHARDS]
    assert compatibility(whole, "transformers", [], "transformers").is_compatible
    for required in ("transformers", None):
        found = compatibility(whole[:-1], "transformers", [], required)
        assert not found.is_compatible
        assert SHARDS[-1] in found.reason


def test_one_whole_quantisation_is_enough() -> None:
    parts = ["m-Q8-00001-of-00002.gguf"]
    assert "m-Q8-00002-of-00002.gguf" in compatibility(parts, "", []).reason
    assert compatibility([*parts, "m-Q4.gguf"], "", []).is_compatible


@pytest.mark.parametrize(
    ("paths", "required", "why"),
    [
        ([], None, "no file with weights"),
        (["config.json", "training_args.bin"], None, "no file with weights"),
        (["model.safetensors"], "transformers", "no config.json"),
        (["adapter_config.json", "model.safetensors"], "peft", "no adapter_model"),
        (["m.gguf"], "transformers", "no config.json"),
        (["config.json", "model.safetensors"], "spacy", "it does not name spacy; it names transformers"),
    ],
)
def test_the_reason_names_what_is_missing(paths: list[str], required: str | None, why: str) -> None:
    found = compatibility(paths, "transformers", [], required)
    assert not found.is_compatible
    assert why in found.reason


def test_a_library_that_says_so_itself_is_believed_where_its_rules_are_not_known() -> None:
    assert compatibility(["m.onnx"], "", ["Transformers.js"], "transformers.js").is_compatible
    assert not compatibility(["config.json", "model.safetensors"], "timm", [], "transformers").is_compatible
    assert compatibility(
        ["config.json", "model.safetensors"], "timm", ["transformers"], "transformers"
    ).is_compatible


def test_without_the_files_its_own_word_counts_and_the_doubt_is_told() -> None:
    for required, holds in ((None, True), ("peft", True), ("lora", True), ("gguf", False)):
        found = compatibility(None, "peft", [], required)
        assert found.is_compatible is holds
        assert "not known" in found.reason
    assert not compatibility(None, "", []).is_compatible


NAMES = st.sampled_from(["config.json", "adapter_config.json", "a/b.gguf", "x", "\ud800", "", *SHARDS])


@given(
    st.none() | st.lists(NAMES | st.text(max_size=20)),
    st.text(max_size=9),
    st.lists(st.text(max_size=9)),
    st.none() | st.text(max_size=9) | st.sampled_from([*LIBRARIES, *ALIASES]),
)
def test_there_is_always_a_reason(
    paths: list[str] | None, library: str, tags: list[str], required: str | None
) -> None:
    found = compatibility(paths, library, tags, required)
    assert found.reason
    assert found.library is None or found.is_compatible
