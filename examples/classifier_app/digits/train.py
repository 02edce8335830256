"""Train everything: ``python -m digits.train``. Writes models and their card to results/cache."""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from digits.card import card_of
from digits.embedder import FILE as EMBEDDER_FILE
from digits.embedder import SIZE, learn_embedder
from digits.heads import Network, network_of
from digits.pictures import Images, Part, load_parts, shifted

RESULTS = Path("results/cache")
SEED = 0
QUESTIONS: dict[str, dict[str, Any]] = {
    "classifier_deep_mlp.safetensors": {
        "question": "Has it a closed loop?",
        "classes": ["no", "yes"],
        "hidden": [128, 64, 32],
    },
    "classifier_condition.safetensors": {
        "question": "Which digit is it?",
        "classes": [str(digit) for digit in range(10)],
        "hidden": [96],
    },
}


def main() -> None:
    """Train, measure on what was held out, write."""
    parser = argparse.ArgumentParser(prog="python -m digits.train", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS, help="where models go (default: %(default)s)")
    parser.add_argument("--images", type=int, help="learn from so many images only: a quick try")
    asked = parser.parse_args()
    began = time.monotonic()
    asked.out.mkdir(parents=True, exist_ok=True)

    with threadpool_limits(1):  # matrices this small are slower by many threads, and differ
        _train_all(asked.out, asked.images)
    print(f"{asked.out} is ready after {time.monotonic() - began:.1f} s")


def _train_all(out: Path, count: int | None) -> None:
    plain, held = load_parts(count)
    learnt = shifted(plain)
    print(f"{len(plain.digits)} images to learn from ({len(learnt.digits)} with moved ones)")
    print(f"{len(held.digits)} images held out")
    embedder = learn_embedder(learnt.images, SEED)
    sha256 = embedder.save(out / EMBEDDER_FILE)
    print(f"{EMBEDDER_FILE}: {SIZE} numbers for each image, sha256 {sha256[:12]}")

    told = []
    for file, about in QUESTIONS.items():
        on = {"file": EMBEDDER_FILE, "sha256": sha256}
        head, right = _trained(about, embedder.embed, learnt, held, on)
        written = head.save(out / file)
        print(f"{file}: {about['question']} {right:.1%} of what was held out right, sha256 {written[:12]}")
        told.append({"file": file, "accuracy": right, **about})
    card = card_of(told, learnt=len(plain.digits), held=len(held.digits), seed=SEED)
    (out / "README.md").write_text(card, encoding="utf-8")


def _trained(
    about: dict[str, Any], embed: Any, learnt: Part, held: Part, embedder: dict[str, str]
) -> tuple[Network, float]:
    """A head and its accuracy on what was held out, by the very code that will answer."""
    from sklearn.neural_network import MLPClassifier

    def labels(part: Part) -> np.ndarray:
        return part.loops if len(about["classes"]) == 2 else part.digits

    def embedded(images: Images) -> np.ndarray:
        return np.asarray(embed(images))

    classifier = MLPClassifier(
        tuple(about["hidden"]),
        alpha=1e-3,
        max_iter=60,
        early_stopping=True,
        n_iter_no_change=8,
        random_state=SEED,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer rounds than it would like are told by the accuracy
        classifier.fit(embedded(learnt.images), labels(learnt))
    head = network_of(classifier, {})
    right = float((head.answer(embedded(held.images)).argmax(1) == labels(held)).mean())
    said = {**about, "embedder": embedder, "held_out_accuracy": round(right, 4), "seed": SEED}
    return network_of(classifier, said), right


if __name__ == "__main__":
    main()
