"""Whether it is stated with which versions of the libraries a model was made."""

from __future__ import annotations

import re

from weighbridge.domain.card import Card
from weighbridge.domain.evidence import Evidence, ModelShape
from weighbridge.domain.json_values import child, text
from weighbridge.domain.score import Signal
from weighbridge.metrics._proofs import card_line, text_line

_KEYS = ("transformers_version", "_diffusers_version", "peft_version", "__version__", "keras_version")
_LEADING = ("config.json", "adapter_config.json", "model_index.json", "config_sentence_transformers.json")
"""Files that loading reads first; a version in any other one is worth half."""
_FRAMEWORK = re.compile(
    r"\b(?:transformers|pytorch|torch|datasets|tokenizers|peft|diffusers|keras|tensorflow|numpy|scikit-learn|"
    r"sentence[- ]transformers|llama\.cpp|onnxruntime)\b[^\n\d]{0,20}\b\d+\.\d+",
    re.IGNORECASE,
)
_PIN = re.compile(r"[\w.\]-][ \t]*(?:==|>=|~=|<)[ \t]*\d")


def versions_stated(evidence: Evidence, card: Card, weight: float) -> Signal:
    """The signal: requirements, the card's own words, or a configuration name versions."""
    id = "versions_stated"
    remedy = "Say with which versions of the libraries it was made, in the card or in requirements.txt."
    if evidence.shape is ModelShape.GGUF:
        return Signal.not_applicable(id, weight, "a GGUF file states the version of its own format")
    for path in sorted(p for p in evidence.texts if p.startswith("requirements")):
        if pin := _PIN.search(evidence.content(path) or ""):
            proof = text_line(evidence, path, pin[0])
            return Signal.of(id, weight, 1.0, f"{path} states versions", (proof,))
    said = next((line for line in card.shown_lines if _FRAMEWORK.search(line.raw[:1000])), None)
    if said:
        return Signal.of(id, weight, 1.0, "the card states versions", (card_line(said),))
    for path in (*_LEADING, *sorted(p for p in evidence.texts if p.endswith(".json") and p not in _LEADING)):
        config = evidence.json_of(path)
        key = next((key for key in _KEYS if text(config, key) or child(config, key)), None)
        if key:
            proof = text_line(evidence, path, key)
            value = 1.0 if path in _LEADING else 0.5
            return Signal.of(id, weight, value, f"{path} states the version", (proof,), remedy)
    return Signal.of(id, weight, 0.0, "no version is stated", (), remedy)
