"""llama-cpp-python's ``Llama.from_pretrained`` with a tiny model that llama.cpp really runs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from cases import MODE, case, fails, run, same
from gguf import GGUFWriter, TokenType
from huggingface_hub import HfApi
from llama_cpp import Llama

api, NAME = HfApi(), f"ann/llama-{MODE}"
WIDTH, HEADS, LAYERS, INNER = 64, 4, 2, 128
VOCABULARY = [b"<unk>", b"<s>", b"</s>", *(b"<0x%02X>" % byte for byte in range(256))]
KINDS = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, *[TokenType.BYTE] * 256]


def write(path: str, seed: int) -> None:
    """A llama of two layers and a vocabulary of bytes, with random weights."""
    drawn, out = np.random.default_rng(seed), GGUFWriter(path, "llama")
    out.add_name("tiny")
    out.add_context_length(128)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(INNER)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_tokenizer_model("llama")
    out.add_token_list(VOCABULARY)
    out.add_token_scores([0.0] * len(VOCABULARY))
    out.add_token_types(KINDS)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)

    def add(name: str, *shape: int) -> None:
        out.add_tensor(f"{name}.weight", drawn.standard_normal(shape).astype(np.float32) * np.float32(0.05))

    def ones(name: str) -> None:
        out.add_tensor(f"{name}.weight", np.ones(WIDTH, dtype=np.float32))

    add("token_embd", len(VOCABULARY), WIDTH)
    ones("output_norm")
    add("output", len(VOCABULARY), WIDTH)
    for block in (f"blk.{number}" for number in range(LAYERS)):
        ones(f"{block}.attn_norm")
        ones(f"{block}.ffn_norm")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{block}.{name}", WIDTH, WIDTH)
        add(f"{block}.ffn_gate", INNER, WIDTH)
        add(f"{block}.ffn_up", INNER, WIDTH)
        add(f"{block}.ffn_down", WIDTH, INNER)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def generated(model: Llama) -> str:
    return str(model("weigh", max_tokens=8, temperature=0.0, seed=1)["choices"][0]["text"])


@case("upload a folder")
def two_quantisations() -> None:
    Path("up").mkdir()
    write("up/tiny.F32.gguf", 1)
    write("up/tiny.other.gguf", 2)
    Path("up/README.md").write_text("---\nlicense: mit\n---\n# Tiny\n")
    api.create_repo(NAME)
    api.upload_folder(repo_id=NAME, folder_path="up")
    same(sorted(p for p in api.list_repo_files(NAME) if p.endswith(".gguf")),
         ["tiny.F32.gguf", "tiny.other.gguf"])  # fmt: skip


@case("download")
def from_pretrained_by_pattern() -> None:
    model = Llama.from_pretrained(NAME, filename="*F32.gguf", verbose=False, n_ctx=64)
    same(generated(model), generated(Llama("up/tiny.F32.gguf", verbose=False, n_ctx=64)))


@case("download")
def from_pretrained_into_a_folder() -> None:
    Llama.from_pretrained(NAME, filename="tiny.other.gguf", local_dir="here", verbose=False, n_ctx=64)
    same(Path("here/tiny.other.gguf").read_bytes(), Path("up/tiny.other.gguf").read_bytes())


@case("errors")
def a_pattern_that_fits_nothing() -> None:
    fails("ValueError", "No file found", Llama.from_pretrained, NAME, filename="*Q9*.gguf", verbose=False)


@case("errors")
def a_pattern_that_fits_two() -> None:
    fails("ValueError", "Multiple files", Llama.from_pretrained, NAME, filename="*.gguf", verbose=False)


@case("errors")
def a_repository_that_is_missing() -> None:
    fails("FileNotFoundError", "ann/none", Llama.from_pretrained, "ann/none", filename="*", verbose=False)


@case("info")
def the_registry_reads_its_header() -> None:
    found = api.model_info(NAME, expand=["gguf"]).gguf
    same((found["architecture"], found["context_length"], found["total"] > 100_000), ("llama", 128, True))


if __name__ == "__main__":
    sys.exit(run())
