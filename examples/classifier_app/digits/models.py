"""The models that answer: the ones that the environment names, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digits.artefacts import NoModel
from digits.embedder import FILE as EMBEDDER_FILE
from digits.embedder import SIZE, Embedder, read_embedder
from digits.heads import Head, Pickled, read_head
from digits.pictures import Images
from weighbridge.model_hub import HeldModel, ModelSource, load_pickled, source_from_env

RESULTS = Path("results/cache")
CACHE_SUBDIR = "digits"
PICKLES = (".pkl", ".joblib")
LOOP, DIGIT = ("no", "yes"), tuple(map(str, range(10)))


@dataclass(frozen=True)
class Answer:
    """Probabilities of one picture, by class."""

    loop: Mapping[str, float]
    digit: Mapping[str, float]


@dataclass(frozen=True)
class Models:
    """Embedder and heads in memory; ``identity`` says for each where it came from."""

    embedder: Embedder
    loop: Head
    digit: Head
    identity: tuple[Mapping[str, str], ...]

    def look(self, image: Images) -> Answer:
        """Both answers for one picture."""
        embedded = self.embedder.embed(image)
        return Answer(*(_by_class(head, embedded) for head in (self.loop, self.digit)))


def load_models(local: Path = RESULTS, reviewed: tuple[str, ...] = ()) -> Models:
    """What ``USE_HF_MODELS`` and its companions ask for.

    Raises:
        NoModel: a file is not what its place asks for.
        weighbridge.errors.WeighbridgeError: a file is missing, wrong or not allowed.
    """
    source = source_from_env(local, CACHE_SUBDIR, hint="run 'make train-all'")
    loop_file, digit_file = source.find(source.classifier_file), source.find(source.condition_file)
    loop, digit = _head(loop_file, LOOP, reviewed), _head(digit_file, DIGIT, reviewed)
    embedder_file = _embedder_of(source, loop, digit)
    embedder = read_embedder(embedder_file.path, embedder_file.sha256)
    return Models(
        embedder,
        loop,
        digit,
        (
            _identity("Embeddings", embedder_file),
            _identity("Closed loop", loop_file),
            _identity("Digit", digit_file),
        ),
    )


def _head(held: HeldModel, classes: tuple[str, ...], reviewed: tuple[str, ...]) -> Head:
    if held.path.suffix in PICKLES:
        estimator: Any = load_pickled(held.path, reviewed)
        head: Head = Pickled(estimator, classes)
        try:
            fits = head.answer(np.zeros((1, SIZE), np.float32)).shape == (1, len(classes))
        except (AttributeError, ValueError, TypeError) as error:
            raise NoModel(f"'{held.path.name}' does not answer: {error}") from error
        if not fits:
            raise NoModel(f"'{held.path.name}' does not answer with {len(classes)} classes")
        return head
    head = read_head(held.path, held.sha256)
    if head.classes != classes:
        raise NoModel(f"'{held.path.name}' answers {', '.join(head.classes)}, not {', '.join(classes)}")
    return head


def _embedder_of(source: ModelSource, *heads: Head) -> HeldModel:
    """The embedder that the heads were trained on; a head on another one would answer nonsense."""
    named = {head.about["embedder"].get("file", EMBEDDER_FILE) for head in heads}
    if len(named) != 1:
        raise NoModel(f"the heads were trained on different embedders: {', '.join(sorted(named))}")
    held = source.find(named.pop())
    for head in heads:
        wanted = head.about["embedder"].get("sha256", held.sha256)
        if wanted != held.sha256:
            told = f"'{held.path.name}' is {held.sha256[:12]}"
            raise NoModel(f"a head was trained on the embedder {wanted[:12]}, but {told}")
    return held


def _by_class(head: Head, embedded: Any) -> Mapping[str, float]:
    return dict(zip(head.classes, map(float, head.answer(embedded)[0]), strict=True))


def _identity(role: str, held: HeldModel) -> Mapping[str, str]:
    return {
        "role": role,
        "file": held.files[0].path,
        "source": held.repo_id or "this machine",
        "revision": held.revision,
        "commit": held.commit,
        "sha256": held.sha256,
    }
