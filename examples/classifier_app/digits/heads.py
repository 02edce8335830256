"""Heads: from an embedding to an answer. Trained by scikit-learn, kept and run without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from digits.artefacts import NoModel, read_model, write_model
from digits.embedder import FILE as EMBEDDER_FILE
from digits.embedder import SIZE

Numbers = NDArray[np.float32]


class Head(Protocol):
    """Answers with a probability for each class."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What it can answer."""

    @property
    def about(self) -> dict[str, Any]:
        """What its file says of it."""

    def answer(self, embeddings: Numbers) -> Numbers:
        """(count, classes) probabilities."""


@dataclass(frozen=True)
class Network:
    """Layers with ReLU between them, then a softmax; ``about`` is what its file says of it."""

    weights: tuple[Numbers, ...]
    biases: tuple[Numbers, ...]
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """What it can answer."""
        return tuple(self.about["classes"])

    def answer(self, embeddings: Numbers) -> Numbers:
        """(count, classes) probabilities."""
        now = embeddings
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            now = np.maximum(now @ weight + bias, 0)
        scores = now @ self.weights[-1] + self.biases[-1]
        if scores.shape[1] == 1:  # one score for yes: its sigmoid is the softmax of (0, score)
            scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
        raised = np.exp(scores - scores.max(1, keepdims=True))
        return np.asarray(raised / raised.sum(1, keepdims=True), np.float32)

    def save(self, path: Path) -> str:
        """Write the head; its sha256."""
        tensors = {f"layer{n}.weight": w for n, w in enumerate(self.weights)}
        tensors |= {f"layer{n}.bias": b for n, b in enumerate(self.biases)}
        return write_model(path, tensors, {"kind": "head", "layers": len(self.weights), **self.about})


@dataclass(frozen=True)
class Pickled:
    """An estimator out of a pickle that somebody allowed."""

    estimator: Any
    classes: tuple[str, ...]
    about: dict[str, Any] = field(default_factory=lambda: {"embedder": {"file": EMBEDDER_FILE}})

    def answer(self, embeddings: Numbers) -> Numbers:
        """(count, classes) probabilities."""
        return np.asarray(self.estimator.predict_proba(embeddings), np.float32)


def network_of(classifier: Any, about: dict[str, Any]) -> Network:
    """A trained ``MLPClassifier`` as a network of ours."""
    return Network(
        tuple(np.asarray(weight, np.float32) for weight in classifier.coefs_),
        tuple(np.asarray(bias, np.float32) for bias in classifier.intercepts_),
        about,
    )


def _words(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _named(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def read_head(path: Path, sha256: str) -> Network:
    """The head of a file. Raises NoModel."""
    tensors, about = read_model(path, sha256)
    count, classes, embedder = (about.get(name) for name in ("layers", "classes", "embedder"))
    if (
        about.get("kind") != "head"
        or not isinstance(count, int)
        or not (_words(classes) and _named(embedder))
    ):
        raise NoModel(f"'{path.name}' is no head of this application")
    try:
        weights = tuple(tensors[f"layer{n}.weight"] for n in range(count))
        biases = tuple(tensors[f"layer{n}.bias"] for n in range(count))
        network = Network(weights, biases, about)
        shown = network.answer(np.zeros((1, SIZE), np.float32)).shape
    except (KeyError, ValueError, IndexError) as error:
        raise NoModel(f"'{path.name}' has layers that do not fit together: {error}") from error
    if shown != (1, len(classes)):
        raise NoModel(f"'{path.name}' answers with {shown[1]} numbers for {len(classes)} classes")
    return network
