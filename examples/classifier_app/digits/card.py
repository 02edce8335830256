"""The model card: README.md of the repository, written from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from digits.embedder import STROKES
from digits.pictures import LOOPS


def card_of(heads: Sequence[Mapping[str, Any]], *, learnt: int, held: int, seed: int) -> str:
    """The card with its front matter; accuracies are of the images that were held out.

    Each head has ``file``, ``question``, ``classes``, ``hidden`` and ``accuracy``.
    """
    texts = Environment(  # noqa: S701  # markdown, of our own words
        loader=FileSystemLoader(Path(__file__).parent / "templates"), undefined=StrictUndefined
    )
    versions = [f"{name} {version(name)}" for name in ("scikit-learn", "numpy", "safetensors")]
    known = {"loops": LOOPS, "strokes": STROKES, "seed": seed, "versions": versions}
    return texts.get_template("card.md").render(heads=heads, learnt=learnt, held=held, **known) + "\n"
