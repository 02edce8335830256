"""A catalogue of models that do not exist, as skewed as the Hub's: the same ones each time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from weighbridge.domain.json_values import JsonObject

NOW = datetime(2026, 11, 21, tzinfo=UTC)
_WORDS = """
    llama qwen mistral bert gemma phi gpt2 t5 whisper roberta vit clip stable-diffusion flux deepseek falcon
    bloom opt distilbert electra wav2vec2 yolo smollm granite olmo command-r mixtral pythia marian segformer
    |
    instruct chat base large small tiny gguf awq gptq lora finetuned sft dpo merged fp16 4bit 8bit v1 v2 v3
    7b 13b 70b 1b 3b 8b en multilingual uncased cased code math medical reasoning preview test adapter
    quantized distilled ft model sentiment emotion ner summarization translation classification embedding
    |
    transformers safetensors en endpoints_compatible region:us pytorch text-generation license:apache-2.0
    autotrain_compatible text-generation-inference conversational license:mit gguf tensorboard
    generated_from_trainer lora peft custom_code diffusers text-classification
"""
BASES, VARIANTS, _COMMON = (part.split() for part in _WORDS.split("|"))
TAGS = [
    *_COMMON,
    *(f"dataset:org{n}/data-{n}" for n in range(5_000)),
    *(f"base_model:org{n}/model-{n}" for n in range(10_000)),
    *(f"topic-{n}" for n in range(5_000)),
]
PIPELINES = ("text-generation", "text-classification", "fill-mask", "image-classification", "text-to-image")
LIBRARIES = ("transformers", "peft", "diffusers", "sentence-transformers", "timm")
LICENCES = ("apache-2.0", "mit", "cc-by-nc-4.0", "llama3", "gpl-3.0", "openrail")
ORGS = 60_000


def _zipf(count: int, power: float) -> list[float]:
    return list(accumulate(1 / (n + 1) ** power for n in range(count)))


_BY_BASE, _BY_VARIANT = _zipf(len(BASES), 0.7), _zipf(len(VARIANTS), 0.6)
_BY_TAG, _BY_ORG = _zipf(len(TAGS), 1.0), _zipf(ORGS, 0.8)


def models(count: int) -> Iterator[JsonObject]:
    """Rows as ``GET /api/models`` gives them: org/base-variant names, tags and downloads by a power law."""
    drawn = random.Random(7)
    for number in range(count):
        parts = drawn.choices(VARIANTS, cum_weights=_BY_VARIANT, k=drawn.randint(1, 4))
        base = _one(drawn, BASES, _BY_BASE)
        mark = str(number) if drawn.random() < 0.5 else f"{number * 7919:x}"
        licence = drawn.choice(LICENCES)
        pipeline, library = drawn.choice(PIPELINES), drawn.choice(LIBRARIES)
        tags = [*drawn.choices(TAGS, cum_weights=_BY_TAG, k=9), f"license:{licence}", pipeline, library]
        yield {
            "id": f"{org(drawn)}/{base}-{'-'.join(parts)}-{mark}",
            "sha": f"{number:040x}",
            "downloads": min(int(drawn.paretovariate(0.55)) - 1, 10**9),
            "likes": min(int(drawn.paretovariate(0.9)) - 1, 10**5),
            "trendingScore": min(int(drawn.paretovariate(1.5)) - 1, 1000),
            "tags": list(dict.fromkeys(tags)),
            "pipeline_tag": pipeline,
            "library_name": library,
            "gated": False,
            "private": False,
            "createdAt": _day(drawn),
            "lastModified": _day(drawn),
            "cardData": {"license": licence, "language": ["en"]},
        }


def org(drawn: random.Random) -> str:
    """An organization, a large one more often."""
    return f"org{drawn.choices(range(ORGS), cum_weights=_BY_ORG)[0]}"


def _one(drawn: random.Random, words: Sequence[str], weights: Sequence[float]) -> str:
    return drawn.choices(words, cum_weights=weights)[0]


def _day(drawn: random.Random) -> str:
    return (NOW - timedelta(seconds=int(drawn.expovariate(1 / 3e7)))).isoformat()
