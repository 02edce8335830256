"""What somebody trained, quantised or merged, read out of the small files beside the weights.

Everything here has a source in a file, or in what its maker said; what neither says is not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, child, number, text, texts, whole
from weighbridge.domain.ref import RepoId
from weighbridge.domain.training import LIMIT_TEXT, LIMIT_VALUES, Result, measured, shown_training

FILE_TYPES: Mapping[int, str] = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
    19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL",
    26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16",
    36: "TQ1_0", 37: "TQ2_0",
}  # fmt: skip
"""``general.file_type`` of a GGUF file (llama.cpp, ``llama_ftype``)."""
_ADAPTERS = {
    "LORA": "LoRA", "ADALORA": "AdaLoRA", "IA3": "IA3", "LOHA": "LoHa", "LOKR": "LoKr", "OFT": "OFT",
    "BOFT": "BOFT", "VERA": "VeRA", "PREFIX_TUNING": "Prefix Tuning", "P_TUNING": "P-Tuning",
    "PROMPT_TUNING": "Prompt Tuning", "MULTITASK_PROMPT_TUNING": "Multitask Prompt Tuning",
}  # fmt: skip
_TASKS = {
    "CAUSAL_LM": "text-generation", "SEQ_CLS": "text-classification", "TOKEN_CLS": "token-classification",
    "QUESTION_ANS": "question-answering", "SEQ_2_SEQ_LM": "text2text-generation",
    "FEATURE_EXTRACTION": "feature-extraction",
}  # fmt: skip
"""PEFT's ``task_type`` as the Hub's ``pipeline_tag``."""
_HEADS = {
    "ForCausalLM": "text-generation", "LMHeadModel": "text-generation",
    "ForSequenceClassification": "text-classification", "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering", "ForMaskedLM": "fill-mask",
    "ForImageClassification": "image-classification", "ForSpeechSeq2Seq": "automatic-speech-recognition",
}  # fmt: skip
"""How the class in ``architectures`` ends, and the task that it is for."""
_HUB_ADDRESS = re.compile(r"https://(?:huggingface\.co|hf\.co)/([^/\s]+/[^/\s?#]+)/?")
_BASES_LIMIT = 32
LONGEST_NAME = 200
"""How much of a name is shown: what a file says may be as long as the file."""


class Making(StrEnum):
    """How a model came to be."""

    ADAPTER = "adapter"
    FINETUNE = "finetune"
    QUANTIZED = "quantized"
    MERGE = "merge"
    OTHER = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """The small files of a folder, parsed; empty where one is not there. ``gguf`` is the head of each
    GGUF file by its path, ``paths`` all that is published.
    """

    paths: tuple[str, ...] = ()
    adapter: JsonObject = field(default_factory=dict)
    config: JsonObject = field(default_factory=dict)
    trainer_state: JsonObject = field(default_factory=dict)
    training_args: JsonObject = field(default_factory=dict)
    results: JsonObject = field(default_factory=dict)
    merge: JsonObject = field(default_factory=dict)
    gguf: Mapping[str, JsonObject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What its maker says of a model, in words that no file holds."""

    base_models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    description: str = ""
    adapter_type: str = ""
    training: JsonObject = field(default_factory=dict)
    metrics: Mapping[str, Json] = field(default_factory=dict)
    evaluated_on: str = ""
    license: str = ""
    license_name: str = ""
    license_link: str = ""
    languages: tuple[str, ...] = ()
    task: str = ""
    card_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeModel:
    """What is known of it. ``details`` are names and values for people, ``files`` the GGUF files and
    their quantisation, ``notes`` what could not be used and why.
    """

    making: Making = Making.OTHER
    library: str = ""
    task: str = ""
    bases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    details: tuple[tuple[str, str], ...] = ()
    training: JsonObject = field(default_factory=dict)
    results: tuple[Result, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def made_model(found: Documents, said: Said) -> MadeModel:
    """What files and maker say together; the maker's word counts where both speak."""
    making = _making(found, said)
    notes: list[str] = []
    bases = _bases(found, said, making, notes)
    if making is Making.OTHER and bases:
        making = Making.FINETUNE
    training = {**_adapter_settings(found.adapter), **shown_training(found.training_args, said.training)}
    results = measured(
        said.metrics, said.evaluated_on, found.results, found.trainer_state, found.training_args
    )
    notes += results.notes
    return MadeModel(
        making=making,
        library=_library(found, making),
        task=said.task or _task(found),
        bases=bases,
        tags=tuple(dict.fromkeys((*_tags(found, said, making), *said.card_tags))),
        details=tuple(_details(found, said, making)),
        training=_merge_settings(found.merge) if making is Making.MERGE else training,
        results=results.found,
        files={path: _quantisation(head) for path, head in found.gguf.items()},
        notes=tuple(notes),
    )


def adapter_kind(found: Documents, said: Said) -> str:
    """``LoRA``, ``QLoRA``, ``DoRA`` and so on, as files or maker say; empty for what is no adapter.

    QLoRA is LoRA over a base model of four bits: the adapter's own configuration does not say so.
    """
    if said.adapter_type or not found.adapter:
        return said.adapter_type
    spelled = _word(found.adapter, "peft_type")
    kind = _ADAPTERS.get(spelled.upper(), spelled)
    if kind != "LoRA":
        return kind
    if any(map(_has_four_bits, (said.training, found.training_args, found.config))):
        return "QLoRA"
    return "DoRA" if found.adapter.get("use_dora") is True else kind


def _has_four_bits(source: JsonObject) -> bool:
    inner = child(source, "quantization_config")
    return source.get("load_in_4bit") is True or inner.get("load_in_4bit") is True


def _making(found: Documents, said: Said) -> Making:
    if found.adapter or said.adapter_type:
        return Making.ADAPTER
    if found.gguf:
        return Making.QUANTIZED
    if found.merge:
        return Making.MERGE
    return Making.FINETUNE if said.base_models or found.trainer_state else Making.OTHER


def _bases(found: Documents, said: Said, making: Making, notes: list[str]) -> tuple[str, ...]:
    if said.base_models:
        return tuple(RepoId.parse(id).full_name for id in said.base_models)
    bases: list[str] = []
    for spelled in dict.fromkeys(filter(None, _named_bases(found, making))):
        try:
            bases.append(RepoId.parse(spelled).full_name)
        except Invalid:
            notes.append(
                "a base model is named by a path on this machine, which is left out: give --base-model"
            )
    return tuple(bases[:_BASES_LIMIT])


def _named_bases(found: Documents, making: Making) -> Iterable[str | None]:
    if making is Making.ADAPTER:
        return [text(found.adapter, "base_model_name_or_path")]
    if making is Making.QUANTIZED:
        return [_gguf_base(head) for head in found.gguf.values()]
    if making is Making.MERGE:
        return _merged(found.merge, 0)
    return [text(found.config, "_name_or_path")]


def _gguf_base(head: JsonObject) -> str | None:
    address = _HUB_ADDRESS.fullmatch(text(head, "base_model") or "")
    return address[1] if address else None


def _merged(value: Json, depth: int) -> Iterator[str]:
    """The models that a merge names, wherever it names them (mergekit's README, "Merge Configuration")."""
    if depth > 8:
        return
    if isinstance(value, Mapping):
        for key, held in value.items():
            if key in ("model", "base_model") and isinstance(held, str):
                yield held.partition("+")[0]  # model+adapter
            else:
                yield from _merged(held, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for held in value:
            yield from _merged(held, depth + 1)


def _library(found: Documents, making: Making) -> str:
    if making is Making.ADAPTER:
        return "peft"
    if making is Making.QUANTIZED:
        return "gguf"
    if "modules.json" in found.paths:
        return "sentence-transformers"
    if "model_index.json" in found.paths:
        return "diffusers"
    return "transformers" if text(found.config, "model_type") else ""


def _task(found: Documents) -> str:
    if found.adapter:
        return _TASKS.get((text(found.adapter, "task_type") or "").upper(), "")
    if "modules.json" in found.paths:
        return "sentence-similarity"
    for spelled in texts(found.config, "architectures"):
        for end, task in _HEADS.items():
            if spelled.endswith(end):
                return task
    return ""


def _tags(found: Documents, said: Said, making: Making) -> Iterable[str]:
    if making is Making.ADAPTER:
        kind = adapter_kind(found, said).lower().replace(" ", "-")
        yield from ("peft", *(["lora"] if "lora" in kind else []), kind, "adapter")
    if making is Making.QUANTIZED:
        yield "gguf"
    if making is Making.MERGE:
        yield from ("mergekit", "merge")
    if found.trainer_state:
        yield "generated_from_trainer"


def _details(found: Documents, said: Said, making: Making) -> Iterator[tuple[str, str]]:
    if making is Making.ADAPTER:
        yield "Adapter Type", adapter_kind(found, said)
    if said.datasets:
        yield "Training Dataset", ", ".join(said.datasets)
    if architecture := _word(found.config, "model_type") or _first(found.gguf, "architecture"):
        yield "Architecture", architecture
    if method := _word(found.merge, "merge_method"):
        yield "Merge Method", method
    if context := next((n for head in found.gguf.values() if (n := whole(head, "context_length"))), None):
        yield "Context Length", f"{context:,} tokens"
    if version := _word(found.adapter, "peft_version"):
        yield "Created with", f"PEFT {version}"
    if version := _word(found.config, "transformers_version"):
        yield "Saved with", f"Transformers {version}"


def _word(source: JsonObject, key: str) -> str:
    return (text(source, key) or "")[:LONGEST_NAME]


def _first(heads: Mapping[str, JsonObject], key: str) -> str:
    return next((said for head in heads.values() if (said := _word(head, key))), "")


def _quantisation(head: JsonObject) -> str:
    kind = whole(head, "file_type")
    return "" if kind is None else FILE_TYPES.get(kind, "")


def _adapter_settings(config: JsonObject) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, name in (("r", "rank"), ("lora_alpha", "alpha"), ("lora_dropout", "dropout")):
        if (value := number(config, key)) is not None:
            found[name] = value
    targets = config.get("target_modules")
    if isinstance(targets, str) and targets:
        found["target_modules"] = targets[:LIMIT_TEXT]
    elif listed := sorted(texts(config, "target_modules")):
        found["target_modules"] = [name[:LONGEST_NAME] for name in listed[:LIMIT_VALUES]]
    for key in ("use_rslora", "use_dora"):
        if config.get(key) is True:
            found[key] = True
    return found


def _merge_settings(merge: JsonObject) -> JsonObject:
    """How it was merged; a model by a path on this machine is called by the end of the path."""
    return shown_training({}, {key: _portable(value, 0) for key, value in merge.items()})


def _portable(value: Json, depth: int) -> Json:
    if depth > 12:
        return None
    if isinstance(value, str):
        return (
            re.split(r"[/\\]", value.rstrip("/\\"))[-1]
            if re.match(r"[/~.\\]|[A-Za-z]:[/\\]", value)
            else value
        )
    if isinstance(value, Mapping):
        return {key: _portable(held, depth + 1) for key, held in value.items()}
    if isinstance(value, Sequence):
        return [_portable(held, depth + 1) for held in value]
    return value
