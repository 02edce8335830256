"""What is published of a folder, and the list of checksums."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.model_files import listed_sums
from weighbridge.domain.publication import IMAGE_LIMIT_BYTES, checksums, selection

GOES = (
    "model.safetensors", "model-00001-of-00002.safetensors", "model.safetensors.index.json", "a-Q4_K_M.gguf",
    "adapter_model.safetensors", "adapter_model.bin", "pytorch_model.bin", "onnx/model.onnx",
    "model.onnx_data",
    "adapter_config.json", "config.json", "generation_config.json", "1_Pooling/config.json", "modules.json",
    "config_sentence_transformers.json", "sentence_bert_config.json", "scheduler/scheduler_config.json",
    "model_index.json", "unet/diffusion_pytorch_model.safetensors", "quantize_config.json",
    "preprocessor_config.json",
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "tokens.txt", "spiece.model", "sentencepiece.bpe.model",
    "LICENSE-APACHE", "LICENSE.MIT", "LICENSE.apache-2.0", "LICENSE_llama3.1",
    "license (1).txt", "CITATION.cff",
    "chat_template.jinja", "LICENSE", "LICENCE.txt", "NOTICE", "USE_POLICY.md", "mergekit_config.yml",
    "eval_results.json", "all_results.json", ".eval_results/mmlu.yaml", "loss.png", "assets/Curve.JPG",
)  # fmt: skip
SECRET = (
    ".env", ".env.local", "prod.env", "env", ".netrc", ".npmrc", "id_rsa", "id_ed25519.pub",
    "server.pem", "a.key",
    "credentials.json", "aws_credentials", "my-secrets.yaml", "api_key.txt", "token", "hf_token",
    "token.json",
    "kaggle.json", ".pgpass", ".s3cfg", ".vault-token", ".bash_history", "sub/.dockercfg",
    "hf_tokens.txt", "service-account.json", "client_secret_1.json", ".ssh/config", ".aws/config", "x/.env",
)  # fmt: skip
STAYS = (
    "optimizer.pt", "scheduler.pt", "rng_state.pth", "rng_state_0.pth", "scaler.pt", "training_args.bin",
    "trainer_state.json", "checkpoint-500/model.safetensors", "global_step10/mp_rank_00_model_states.pt",
    "epoch_3/config.json", "wandb/run/config.json", "runs/a/events", "__pycache__/config.json",
    ".gitattributes",
    ".cache/huggingface/config.json", ".ipynb_checkpoints/config.json", "train.py", "notes.txt", "data.csv",
    "license_server.py", "use_policy.sh", "changelog.pkl", "license_key.txt", "LICENSE.KEY", "copyright.mp4",
    "model.pkl", "weights.pt", "random_states_0.pkl", "nohup.out", "config.json.bak",
)  # fmt: skip


@pytest.mark.parametrize("path", GOES)
def test_what_a_model_needs_goes_out(path: str) -> None:
    assert selection({path: 10}).paths == (path,)


@pytest.mark.parametrize("path", [*SECRET, *STAYS])
def test_what_it_does_not_need_stays_with_a_reason(path: str) -> None:
    chosen = selection({path: 10, "config.json": 2})
    assert chosen.paths == ("config.json",)
    assert [one.path for one in chosen.left_out] == [path]
    assert chosen.left_out[0].why


@pytest.mark.parametrize("path", SECRET)
def test_no_pattern_brings_a_secret_out(path: str) -> None:
    assert path not in selection({path: 10, "x.csv": 1}, ["*"]).paths
    with pytest.raises(Invalid, match="secret"):
        selection({path: 10}, [path])


def test_patterns_bring_in_what_they_name_and_must_name_something() -> None:
    sizes = {"train.py": 1, "data/a.csv": 1, "data/b.csv": 1, "config.json": 1}
    assert selection(sizes, ["train.py", "data/"]).paths == (
        "config.json",
        "data/a.csv",
        "data/b.csv",
        "train.py",
    )
    with pytest.raises(Invalid, match="matches no file"):
        selection(sizes, ["*.parquet"])


def test_a_large_picture_stays_and_a_folder_is_told_once() -> None:
    sizes = {"a.png": IMAGE_LIMIT_BYTES, "b.png": IMAGE_LIMIT_BYTES + 1, "runs/a": 1, "runs/b/c": 1}
    chosen = selection(sizes)
    assert chosen.paths == ("a.png",)
    assert [(one.path, one.count) for one in chosen.left_out] == [("b.png", 1), ("runs/", 2)]


def test_the_card_and_the_checksums_are_written_anew_and_so_not_chosen() -> None:
    chosen = selection({"README.md": 1, "checksums.txt": 1, "config.json": 1})
    assert (chosen.paths, chosen.left_out) == (("config.json",), ())


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 1 << 40), max_size=8)
)
def test_every_file_goes_or_is_told_of(sizes: dict[str, int]) -> None:
    chosen = selection(sizes)
    told = sum(one.count for one in chosen.left_out)
    own = sizes.keys() & {"README.md", "checksums.txt"}
    assert len(chosen.paths) + told + len(own) == len(sizes)


def test_sha256sum_and_our_own_reader_check_the_list(tmp_path: Path) -> None:
    names = ("a b.txt", "sub/ü.bin", "back\\slash", "*star")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    sums = {name: hashlib.sha256(name.encode()).hexdigest() for name in names}
    text = checksums(sums)
    (tmp_path / "checksums.txt").write_text(text)
    assert dict(listed_sums(text))["a b.txt"] == sums["a b.txt"]
    if program := shutil.which("sha256sum"):
        ran = subprocess.run(
            [program, "-c", "--strict", "checksums.txt"], cwd=tmp_path, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
