"""``dataset_and_code_score``: whether data and code behind the model can be had.

Six signals: data_identified .20, data_obtainable .15, data_described .15, example_code .20,
source_or_training_code .20, training_procedure .10.
"""

from __future__ import annotations

import re

from weighbridge.domain.card import Card, Role, card_of
from weighbridge.domain.evidence import Evidence, SourceState
from weighbridge.domain.json_values import text, texts
from weighbridge.domain.markdown import Line, distinct_trigrams
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof, Score, Signal, weigh
from weighbridge.metrics._copies import copy_caps
from weighbridge.metrics._examples import best_example
from weighbridge.metrics._files import file_set, library_of, task_of
from weighbridge.metrics._proofs import card_line, first, front_field, hub_field, listed
from weighbridge.metrics._training import (
    CORPORA,
    data_paragraphs,
    data_said,
    lines_of,
    procedure_line,
    procedure_sections,
    prose_size,
    training_sections,
)

NAME, VERSION = "dataset_and_code_score", "1.1.0"
WEIGHTS = {
    "data_identified": 0.20,
    "data_obtainable": 0.15,
    "data_described": 0.15,
    "example_code": 0.20,
    "source_or_training_code": 0.20,
    "training_procedure": 0.10,
}
ENOUGH_TRIGRAMS = 60
_A_FEW_TRIGRAMS, _FEWEST_TRIGRAMS = 25, 15
DERIVABLE = 0.3
_DATA_LINK = re.compile(r"zenodo\.org/|huggingface\.co/datasets/|kaggle\.com/datasets/", re.IGNORECASE)
_RECORD_LINK = re.compile(rf"{_DATA_LINK.pattern}|doi\.org/10\.", re.IGNORECASE)
"""In a section on data a DOI is that of data; anywhere else it is a paper's."""
_SCRIPT = re.compile(
    r"(?:.*/)?(?:[\w-]*[_-])?(?:(?:pre)?train(?:er|ing)?|fine[_-]?tun(?:e|ing)|convert)(?:[_-][\w-]*)?\.(?:py|ipynb|sh)"
)
_CODE_LINK = re.compile(r"(?:github\.com|gitlab\.com|codeberg\.org)/([\w.-]+)/([\w.-]+)", re.IGNORECASE)
_GENERIC = frozenset(
    {"transformers", "diffusers", "peft", "datasets", "accelerate", "pytorch", "tensorflow", "keras", "jax",
     "trl", "llama.cpp", "ggml", "tokenizers", "huggingface_hub", "timm", "onnxruntime", "vllm", "hub-docs",
     "deepspeed", "flash-attention", "megatron-lm", "unsloth", "axolotl", "llama-factory", "mergekit",
     "llama-cpp-python", "text-generation-webui", "text-generation-inference", "koboldcpp", "ctransformers",
     "candle", "ollama", "open-webui", "autogptq", "autoawq", "exllama", "exllamav2", "mlx", "mlx-examples",
     "bitsandbytes", "sentence-transformers", "setfit", "spacy", "scikit-learn", "onnx", "optimum",
     "lm-evaluation-harness", "t5x", "fairseq", "espnet", "nemo", "lightning", "pytorch-lightning"}
)  # fmt: skip
"""Libraries that load or train any model: a link to them says nothing of this one."""
_LATER = "Try again when the Hub can be reached."


def dataset_and_code_score(evidence: Evidence, policy: Policy) -> Score:
    """Whether somebody else could get the data and the code."""
    if evidence.state("texts") is SourceState.UNREACHABLE:
        return weigh(
            NAME,
            VERSION,
            [Signal.unknown(id, w, "the card could not be read", _LATER) for id, w in WEIGHTS.items()],
        )
    card = card_of(evidence)
    signals = (
        _identified(evidence, card),
        _obtainable(evidence, card),
        _described(card),
        _example(evidence, card),
        _code(evidence, card),
        _procedure(card),
    )
    return weigh(NAME, VERSION, signals, copy_caps(evidence))


def _identified(evidence: Evidence, card: Card) -> Signal:
    id = "data_identified"
    remedy = "Name the data sets it was trained on: `datasets:` in the card's front matter."
    front = texts(evidence.front_matter or {}, "datasets")
    if front:
        proof = front_field(evidence, card.front_line("datasets"), "datasets")
        return Signal.of(id, WEIGHTS[id], 1.0, f"the card names {', '.join(front[:3])}", (proof,))
    tags = sorted(tag for tag in texts(evidence.info, "tags") if tag.startswith("dataset:"))
    if tags:
        return Signal.of(id, WEIGHTS[id], 1.0, f"the Hub lists {tags[0]}", (hub_field("tags", tags[0]),))
    sections = training_sections(card)
    named = next((line for line in lines_of(sections) if CORPORA.search(line.text)), None)
    value, reason, proofs = 0.0, "no data set is named", tuple[Proof, ...]()
    if named:
        value, reason, proofs = 0.7, "a training section names a well known corpus", (card_line(named),)
    elif distinct_trigrams(p.text for p in data_paragraphs(card)) >= _A_FEW_TRIGRAMS:
        line = data_paragraphs(card)[0].lines[0]
        value, reason, proofs = 0.25, "the data are described, but not named", (card_line(line),)
    if evidence.state("info") is SourceState.UNREACHABLE:
        return Signal.between(
            id, WEIGHTS[id], value, 1.0, f"{reason}; the tags could not be read", proofs, _LATER
        )
    return Signal.of(id, WEIGHTS[id], value, reason, proofs, remedy)


def _obtainable(evidence: Evidence, card: Card) -> Signal:
    id = "data_obtainable"
    remedy = "Link the data: a data set of the Hub, or a record with a DOI."
    there = [each for each in evidence.data_sets if each.is_there]
    if there:
        known = min(there, key=lambda each: each.id)
        proof = Proof(source="hub", path=known.id, locator="sha", excerpt=text(known.info or {}, "sha") or "")
        return Signal.of(id, WEIGHTS[id], 1.0, f"the Hub has {known.id}", (proof,))
    link = _data_link(card)
    value, proofs = (0.6, (card_line(link),)) if link else (0.0, ())
    if evidence.state("data_sets") is SourceState.UNREACHABLE:
        reason = "whether the data sets can be had could not be read"
        return Signal.between(id, WEIGHTS[id], value, 1.0, reason, proofs, _LATER)
    reason = "the card links data" if link else "the Hub has none of the data sets, and no link leads to data"
    return Signal.of(id, WEIGHTS[id], value, reason, proofs, remedy)


def _data_link(card: Card) -> Line | None:
    """The first line that leads to data; a link in an evaluation leads to what it was tested on."""
    for line in (line for paragraph in data_paragraphs(card) for line in paragraph.lines):
        if _RECORD_LINK.search(line.raw[:2000]):
            return line
    tests = set(card.of(Role.EVALUATION))
    elsewhere = lines_of([section for section in card.sections if section not in tests])
    return next((line for line in elsewhere if _DATA_LINK.search(line.raw[:2000])), None)


def _described(card: Card) -> Signal:
    id = "data_described"
    said = data_said(card)
    size = distinct_trigrams(text for _, text in said)
    reason = f"what is said of the data holds {size} different word triples; {ENOUGH_TRIGRAMS} are enough"
    proofs = first([card_line(line) for line, _ in said], 2) if size else ()
    remedy = "Describe the training data in a section of its own: where from, how much, of what kind."
    return Signal.of(id, WEIGHTS[id], size / ENOUGH_TRIGRAMS, reason, proofs, remedy)


def _example(evidence: Evidence, card: Card) -> Signal:
    id = "example_code"
    remedy = f"Show in a Python block how to load {evidence.repo.full_name}."
    best = best_example(card, evidence.repo)
    grade = best.grade if best else 0.0
    value = 1.0 if grade >= 0.7 else 0.5 if grade >= 0.5 else 0.2 if best else 0.0
    reason = f"the best example {best.reason}" if best else "the card shows no example"
    proofs: tuple[Proof, ...] = (card_line(best.line),) if best else ()
    if value < DERIVABLE and file_set(evidence).is_complete:
        library, task = library_of(evidence), task_of(evidence)
        if library and task:
            reason += f"; the Hub derives one for {library}"
            return Signal.of(id, WEIGHTS[id], DERIVABLE, reason, (*proofs, task), remedy)
        if evidence.state("info") is SourceState.UNREACHABLE:
            reason += "; the Hub could not be asked for library and task"
            return Signal.between(id, WEIGHTS[id], value, DERIVABLE, reason, proofs, _LATER)
    return Signal.of(id, WEIGHTS[id], value, reason, proofs, remedy)


def _code(evidence: Evidence, card: Card) -> Signal:
    id = "source_or_training_code"
    remedy = "Put the training script into the repository, or link the repository that holds it."
    script = next((path for path in sorted(evidence.manifest.by_path) if _SCRIPT.fullmatch(path)), None)
    if script:
        return Signal.of(id, WEIGHTS[id], 1.0, f"{script} is in the repository", (listed(evidence, script),))
    generic: Proof | None = None
    for line in card.shown_lines:
        for found in _CODE_LINK.finditer(line.raw[:5000]):
            name = found[2].lower().removesuffix(".git").rstrip(".")
            if name not in _GENERIC:
                return Signal.of(id, WEIGHTS[id], 1.0, f"the card links {found[0]}", (card_line(line),))
            generic = generic or card_line(line)
    if generic:
        return Signal.of(id, WEIGHTS[id], 0.3, "the card links only a library", (generic,), remedy)
    return Signal.of(id, WEIGHTS[id], 0.0, "neither script nor source repository is given", (), remedy)


def _procedure(card: Card) -> Signal:
    id = "training_procedure"
    remedy = "State the hyper-parameters and the machines in a section on training."
    line = procedure_line(card)
    size = prose_size(procedure_sections(card))
    if line is None or size < _FEWEST_TRIGRAMS:
        return Signal.of(id, WEIGHTS[id], 0.0, "how it was trained is not stated", (), remedy)
    return Signal.of(id, WEIGHTS[id], 1.0, "how it was trained is stated", (card_line(line),))
