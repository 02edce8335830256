"""Which files are needed to run a model, and what stands in small ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.model_files import (
    files_to_run,
    is_later_part,
    listed_sums,
    main_file,
    names_same_repo,
)
from weighbridge.domain.ref import RepoId
from weighbridge.domain.start_wish import ModelType, read_wish

NAMES = st.lists(
    st.sampled_from(
        ["README.md", "LICENSE", "config.json", "tokenizer.json", "model.safetensors", "pytorch_model.bin",
         "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "adapter_config.json",
         "adapter_model.safetensors", "adapter_model.bin", "optimizer.pt", "training_args.bin", "a.gguf",
         "b.gguf", "sub/c.gguf", "onnx/model.onnx", "modeling_x.py", "tf_model.h5", "checksums.txt"]
    ), unique=True,
)  # fmt: skip


def manifest(*names: str) -> Manifest:
    files = tuple(FileEntry(path=name, size_bytes=1, digests=digests_of(b"x")) for name in names)
    return Manifest(repo=RepoId.parse("acme/m"), commit="0" * 40, files=files)


@given(names=NAMES, type=st.sampled_from(list(ModelType)))
def test_what_is_chosen_is_there_and_nothing_of_it_is_unpickled_or_run(
    names: list[str], type: ModelType
) -> None:
    try:
        chosen = files_to_run(type, manifest(*names))
    except Invalid:
        return
    assert set(chosen) <= set(names)
    assert not [path for path in chosen if path.endswith((".bin", ".pt", ".py", ".h5", ".onnx"))]
    assert [path for path in chosen if path.endswith((".safetensors", ".gguf"))]
    assert main_file(type, chosen) in ("", *chosen)
    # What was chosen of a whole is chosen of the part as well: a pinned part answers the same question.
    assert files_to_run(type, manifest(*chosen)) == chosen


def test_all_parts_of_a_gguf_belong_together() -> None:
    parts = [f"m-{n:05}-of-00003.gguf" for n in (1, 2, 3)]
    assert files_to_run(ModelType.GGUF, manifest(*parts, "other.gguf"), parts[0]) == tuple(parts)
    assert files_to_run(ModelType.GGUF, manifest(*parts)) == tuple(parts)
    assert [is_later_part(path) for path in parts] == [False, True, True]
    with pytest.raises(Invalid, match="later part") as caught:
        files_to_run(ModelType.GGUF, manifest(*parts), parts[1])
    assert caught.value.hint == f"name the first: {parts[0]}"


def test_sharded_weights_are_all_chosen_and_have_no_one_file() -> None:
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    chosen = files_to_run(
        ModelType.TRANSFORMERS, manifest("config.json", *shards, "consolidated.safetensors")
    )
    assert set(chosen) == {"config.json", *shards}
    assert main_file(ModelType.TRANSFORMERS, chosen) == ""


def test_a_list_of_checksums_is_read_as_sha256sum_writes_it() -> None:
    one, two = "a" * 64, "B" * 64
    text = f"# sums\n{one}  model.gguf\r\n{two} *./sub/x y.bin\nnot a line\n{'c' * 63}  short\n"
    assert listed_sums(text) == (("model.gguf", one), ("sub/x y.bin", two.lower()))


@pytest.mark.parametrize(
    "spelled", ["\ufeff{}  m.gguf", "SHA256 (m.gguf) = {}", "\\{}  m.gguf", "{}\tm.gguf\r\n"]
)
def test_other_spellings_of_a_checksum_count_too(spelled: str) -> None:
    assert listed_sums(spelled.format("a" * 64)) == (("m.gguf", "a" * 64),)


def test_no_line_of_a_file_stands_in_for_another() -> None:
    text = f"{'a' * 64}  m.gguf\n{'b' * 64}  m.gguf\n"
    assert [digest[0] for _, digest in listed_sums(text)] == ["a", "b"]


@given(text=st.text())
def test_any_text_may_be_a_list_of_checksums(text: str) -> None:
    assert all(len(digest) == 64 for _, digest in listed_sums(text))


@pytest.mark.parametrize(
    ("recorded", "same"),
    [
        ("acme/Base", True),
        ("acme/base/", True),
        ("acme/base2", False),
        ("/models/acme/base", False),
        ("", False),
    ],
)
def test_an_adapter_names_its_base(recorded: str, same: bool) -> None:
    assert names_same_repo(recorded, "acme/base") is same


VARIABLES = st.sampled_from(
    ["MODEL_TYPE", "MODEL_ID", "MODEL_VERSION", "MODEL_FILE", "LORA_ID", "LORA_REVISION", "BASE_MODEL",
     "BASE_REVISION", "MODEL_SHA256", "MODEL_URL", "ALLOWED_LICENSES", "ALLOWED_FINDINGS", "MODEL_REGISTRY"]
)  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=20), st.sampled_from(["gguf", "lora", "acme/m", "m.gguf", "a" * 64, "mit"])
)


@given(environ=st.dictionaries(VARIABLES, VALUES))
def test_any_environment_gives_a_wish_or_says_what_is_wrong(environ: dict[str, str]) -> None:
    wish, faults = read_wish(environ)
    assert (wish is None) == bool(faults)
    assert all("\n" not in fault for fault in faults)
