"""Whether a revision's files can be loaded as they are, by their names and small JSON files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from weighbridge.domain.card import card_of
from weighbridge.domain.evidence import Evidence, ModelShape
from weighbridge.domain.json_values import child, text, texts
from weighbridge.domain.score import Proof
from weighbridge.domain.weights import Deployable, deployable
from weighbridge.metrics._proofs import first, front_field, hub_field, listed

_PROCESSOR = re.compile(
    r"tokenizer(_config)?\.json|tokenizer\.model|vocab\.(json|txt)|merges\.txt|[\w.-]*\.(spm|model|bpe|tiktoken)|"
    r"spiece\.model|sentencepiece[\w.-]*|(pre)?processor_config\.json|feature_extractor[\w/.-]*|"
    r"open_clip_config\.json|video_preprocessor_config\.json"
)
SELF_DESCRIBING = frozenset({"onnx", "keras", "h5", "tflite", "coreml", "tf", "nemo"})
"""Formats whose files hold the network beside its weights."""
_CUSTOM_CODE = re.compile(r"(modeling|configuration|tokenization|processing|image_processing)_[^/]*\.py")
_CONFIGS = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json")

KNOWN_LIBRARIES = re.compile(
    r"transformers|diffusers|sentence-transformers|timm|peft|adapter-transformers|adapters|spacy|keras|tf-keras|"
    r"sklearn|skops|flair|fastai|stanza|speechbrain|espnet|nemo|open_clip|gguf|llama\.cpp|mlx|mlx-lm|onnx|"
    r"transformers\.js|setfit|span-marker|gliner|stable-baselines3|ml-agents|fasttext|bertopic|pyannote-audio|"
    r"vllm|ultralytics|paddlenlp|safetensors"
)
"""Libraries for which the Hub shows how to load a model ("Use this model")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSet:
    """How complete the files are, from 0 to 1, in words, with what was seen."""

    value: float
    reason: str
    proofs: tuple[Proof, ...]

    @property
    def is_complete(self) -> bool:
        return self.value >= 1.0


def file_set(evidence: Evidence) -> FileSet:
    """Whether everything that loading needs is there, for what the files say this is."""
    chosen = deployable(evidence.files, evidence.json_of)
    if not chosen.files:
        return FileSet(value=0.0, reason="there are no weights", proofs=())
    if chosen.missing:
        missing = ", ".join(chosen.missing[:3])
        return FileSet(value=0.0, reason=f"{len(chosen.missing)} shards are missing: {missing}", proofs=())
    value, reason = _completeness(evidence, chosen)
    seen = [chosen.files[0].path, *(p for p in ("config.json", "adapter_config.json", "model_index.json"))]
    proofs = first([listed(evidence, path) for path in seen if path in evidence.manifest.by_path])
    return FileSet(value=value, reason=reason, proofs=proofs if value else ())


def _completeness(evidence: Evidence, chosen: Deployable) -> tuple[float, str]:
    paths = evidence.manifest.by_path
    if evidence.shape is ModelShape.GGUF:
        return 1.0, "a GGUF file holds network, tokenizer and weights"
    if evidence.shape is ModelShape.ADAPTER:
        if any(entry.path.startswith("adapter") for entry in chosen.files):
            return 1.0, "adapter_config.json and the adapter's weights are there"
        return 0.4, "adapter_config.json is there, but no adapter_model file"
    if evidence.shape is ModelShape.DIFFUSERS:
        lacking = _lacking_components(evidence)
        if lacking:
            return 0.4, f"model_index.json names {', '.join(lacking)}, of which there are no files"
        return 1.0, "every component of model_index.json is there"
    if "config.json" not in paths:
        if chosen.format in SELF_DESCRIBING:
            return 0.8, f"{chosen.format} holds the network, but there is no config.json"
        return 0.0, "there is no config.json, so nothing says what the weights are"
    config = evidence.json_of("config.json")
    needs_processor = bool(texts(config, "architectures") or text(config, "model_type"))
    if needs_processor and not any(_PROCESSOR.fullmatch(path.rpartition("/")[2]) for path in paths):
        return 0.6, "weights and config.json are there, but neither tokenizer nor processor"
    return 1.0, "weights, config.json and what prepares the input are there"


def _lacking_components(evidence: Evidence) -> list[str]:
    index = evidence.json_of("model_index.json")
    folders = {path.split("/")[0] for path in evidence.manifest.by_path if "/" in path}
    return sorted(
        name
        for name, value in index.items()
        if not name.startswith("_")
        and isinstance(value, (list, tuple))
        and any(isinstance(part, str) for part in value)
        and name not in folders
    )


def library_of(evidence: Evidence) -> str | None:
    """The known library that loads it: as the Hub or the card says, else as the files show.

    A ``model_type`` is a habit of transformers and no proof: where the card names another library, one
    that is not known here, it says nothing.
    """
    for source in (evidence.info, evidence.front_matter or {}):
        named = (text(source, "library_name") or "").lower()
        if KNOWN_LIBRARIES.fullmatch(named):
            return named
    paths = evidence.manifest.by_path
    for path, library in (
        ("adapter_config.json", "peft"),
        ("model_index.json", "diffusers"),
        ("modules.json", "sentence-transformers"),
    ):
        if path in paths:
            return library
    if evidence.shape is ModelShape.GGUF:
        return "gguf"
    other = text(evidence.front_matter or {}, "library_name")
    return "transformers" if not other and text(evidence.json_of("config.json"), "model_type") else None


def task_of(evidence: Evidence) -> Proof | None:
    """Where the task (``pipeline_tag``) is stated: at the Hub, else in the card."""
    stated = text(evidence.info, "pipeline_tag")
    if stated:
        return hub_field("pipeline_tag", stated)
    if text(evidence.front_matter or {}, "pipeline_tag"):
        return front_field(evidence, card_of(evidence).front_line("pipeline_tag"), "pipeline_tag")
    return None


def custom_code(evidence: Evidence) -> str | None:
    """The file that makes a loader run code of the repository, or None."""
    for path in _CONFIGS:
        if child(evidence.json_of(path), "auto_map"):
            return path
    return next((p for p in sorted(evidence.manifest.by_path) if _CUSTOM_CODE.fullmatch(p)), None)
