"""``code_quality``: the quality of everything that one must execute or parse to use the model.

Five signals: safe_serialisation .25, config_integrity .20, executed_code .25, examples_parse .20,
versions_stated .10. What the library runs is judged as the library's; what is unsafe caps it at .2.
"""

from __future__ import annotations

import json

from weighbridge.domain.card import Card, card_of
from weighbridge.domain.evidence import Evidence, ModelShape, SourceState, weight_format
from weighbridge.domain.json_values import text, texts
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof, Score, Signal, weigh
from weighbridge.domain.weights import FORMAT_ORDER, deployable
from weighbridge.metrics._examples import PARSES, examples
from weighbridge.metrics._files import SELF_DESCRIBING, custom_code, library_of
from weighbridge.metrics._proofs import card_line, first, listed, text_line
from weighbridge.metrics._python_files import mean_grade, python_files
from weighbridge.metrics._unsafe import unsafe_caps
from weighbridge.metrics._versions import versions_stated

NAME, VERSION = "code_quality", "1.1.0"
WEIGHTS = {
    "safe_serialisation": 0.25,
    "config_integrity": 0.20,
    "executed_code": 0.25,
    "examples_parse": 0.20,
    "versions_stated": 0.10,
}
_INERT = frozenset({"safetensors", "gguf", "onnx", "msgpack", "tflite"})
"""Formats that hold numbers and a description of the network: reading them runs nothing."""
_BETWEEN = frozenset({"keras", "h5", "tf", "npz", "coreml", "rust"})
"""Formats that are no pickles, but whose readers can be made to run layers or operations."""
_LATER = "Try again when the Hub can be reached."


def code_quality(evidence: Evidence, policy: Policy) -> Score:
    """How sound the files and the code are that using the model brings into a process."""
    if evidence.state("texts") is SourceState.UNREACHABLE:
        reason = "configuration, code and card could not be read"
        return weigh(NAME, VERSION, [Signal.unknown(id, w, reason, _LATER) for id, w in WEIGHTS.items()])
    card = card_of(evidence)
    signals = (
        _serialisation(evidence),
        _integrity(evidence),
        _executed(evidence),
        _examples(evidence, card),
        versions_stated(evidence, card, WEIGHTS["versions_stated"]),
    )
    return weigh(NAME, VERSION, signals, unsafe_caps(evidence))


def _serialisation(evidence: Evidence) -> Signal:
    id = "safe_serialisation"
    found = {f: p for p in sorted(evidence.manifest.by_path, reverse=True) if (f := weight_format(p))}
    remedy = "Publish the weights as safetensors."
    if not found:
        return Signal.of(id, WEIGHTS[id], 0.0, "there are no weights", (), remedy)
    inert, between = sorted(_INERT & found.keys()), sorted(_BETWEEN & found.keys())
    best = min(inert or between or found, key=FORMAT_ORDER.index)
    value = 1.0 if inert else 0.6 if between else 0.3
    reason = f"the weights can be had as {best}" + (
        "" if inert or between else ", a pickle, and as nothing else"
    )
    return Signal.of(id, WEIGHTS[id], value, reason, (listed(evidence, found[best]),), remedy)


def _integrity(evidence: Evidence) -> Signal:
    """Three questions of equal weight: the JSON can be read, no shard is missing, the kind is stated.

    Weights that come without any configuration leave nothing to ask.
    """
    id = "config_integrity"
    remedy = "Publish a config.json that parses and names model_type or architectures, and every shard."
    if not evidence.files:
        return Signal.of(id, WEIGHTS[id], 0.0, "the revision holds no files", (), remedy)
    chosen = deployable(evidence.files, evidence.json_of)
    stated, proof = _stated_kind(evidence)
    configs = [path for path in sorted(evidence.texts) if path.endswith(".json")]
    if not configs and not stated:
        return Signal.of(id, WEIGHTS[id], 0.0, "no configuration says what the weights are", (), remedy)
    broken = [path for path in configs if not _parses(evidence, path)]
    parts = (not broken, bool(chosen.files) and not chosen.missing, stated)
    weights = (
        "shards are missing" if chosen.missing else "weights are there" if chosen.files else "no weights"
    )
    kind = "the kind of network is stated" if stated else "nothing states the kind of network"
    json_files = f"{broken[0]} does not parse" if broken else "every JSON file parses"
    reason = f"{json_files}; {weights}; {kind}"
    value = round(sum(parts) / 3, 6)
    if proof is None:
        proof = listed(evidence, sorted(evidence.manifest.by_path)[0])
    return Signal.of(id, WEIGHTS[id], value, reason, (proof,) if value else (), remedy)


def _parses(evidence: Evidence, path: str) -> bool:
    try:
        json.loads(evidence.content(path) or "")
    except (ValueError, RecursionError):
        return False
    return True


def _stated_kind(evidence: Evidence) -> tuple[bool, Proof | None]:
    if evidence.shape is ModelShape.GGUF:
        path = next(p for p in sorted(evidence.manifest.by_path) if p.lower().endswith(".gguf"))
        return "error" not in evidence.headers.get(path, {}), listed(evidence, path)
    chosen = deployable(evidence.files, evidence.json_of)
    if chosen.format in SELF_DESCRIBING:
        return True, listed(evidence, chosen.files[0].path)
    for path, keys in (
        ("config.json", ("model_type", "architectures")),
        ("adapter_config.json", ("peft_type", "base_model_name_or_path")),
        ("model_index.json", ("_class_name",)),
    ):
        config = evidence.json_of(path)
        key = next((key for key in keys if text(config, key) or texts(config, key)), None)
        if key:
            return True, text_line(evidence, path, key)
    return False, None


def _executed(evidence: Evidence) -> Signal:
    id = "executed_code"
    files, custom = python_files(evidence), custom_code(evidence)
    if not files and not custom:
        library = library_of(evidence)
        away = evidence.state("info") is SourceState.UNREACHABLE and not library
        remedy = "Name the library that loads it (`library_name`) in the card."
        if not evidence.files:
            return Signal.of(id, WEIGHTS[id], 0.0, "the revision holds no files", (), remedy)
        seen = (listed(evidence, _telling(evidence)),)
        if away:
            return Signal.between(
                id, WEIGHTS[id], 0.5, 1.0, "which library loads it could not be read", seen, _LATER
            )
        reason = f"only {library} runs, no code of the repository" if library else "no known library is named"
        return Signal.of(id, WEIGHTS[id], 1.0 if library else 0.5, reason, seen, remedy)
    remedy = "Document and annotate the repository's code, keep functions small, run no commands."
    if not files:
        reason = f"{custom} makes the loader run code that is not in this repository"
        return Signal.of(id, WEIGHTS[id], 0.0, reason, (), remedy)
    worst = min(files, key=lambda file: (file.grade, file.path))
    value = mean_grade(files) * (0.8 if custom else 1.0)
    reason = f"Python files: {len(files)}; the weakest is {worst.path}: {worst.reason}"
    if custom:
        reason += "; loading runs them"
    return Signal.of(
        id, WEIGHTS[id], value, reason, (text_line(evidence, worst.path),) if value else (), remedy
    )


def _telling(evidence: Evidence) -> str:
    """The file that says what loads the model."""
    paths = evidence.manifest.by_path
    leading = [p for p in ("config.json", "adapter_config.json", "model_index.json") if p in paths]
    return next(iter([*leading, *sorted(p for p in paths if weight_format(p)), *sorted(paths)]))


def _examples(evidence: Evidence, card: Card) -> Signal:
    id = "examples_parse"
    found = examples(card, evidence.repo)
    remedy = "Show an example in a Python block that parses."
    if not found:
        return Signal.of(id, WEIGHTS[id], 0.0, "the card shows no example", (), remedy)
    sound = [example.line for example in found if example.grade >= PARSES]
    reason = f"{len(sound)} of {len(found)} examples parse"
    proofs = first([card_line(line) for line in sound])
    return Signal.of(id, WEIGHTS[id], len(sound) / len(found), reason, proofs, remedy)
