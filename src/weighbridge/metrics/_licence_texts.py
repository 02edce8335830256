"""Which licence a LICENSE file is, by comparison with the texts in ``licence_texts``.

The texts are package data, read when the first LICENSE file is judged.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from weighbridge.domain.evidence import Evidence
from weighbridge.domain.licence import SAME_TEXT, Licence, bigrams_of, could_match, licence_of, similarity
from weighbridge.domain.score import Proof
from weighbridge.metrics._proofs import text_line

_LICENCE_FILE = re.compile(r"(?:.*[-_.])?(?:licen[sc]es?|copying)(?:[-_.][^/]*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceText:
    """A licence file and what its text was found to be (None: none of the texts known here)."""

    path: str
    licence: Licence | None
    similarity: float
    proof: Proof


def is_licence_file(path: str) -> bool:
    """Whether a file at the top of a repository is named as a licence."""
    return "/" not in path and _LICENCE_FILE.fullmatch(path) is not None


def licence_texts(evidence: Evidence) -> tuple[LicenceText, ...]:
    """The captured licence files with what they are, by path."""
    return tuple(_recognised(evidence, path) for path in sorted(evidence.texts) if is_licence_file(path))


def _recognised(evidence: Evidence, path: str) -> LicenceText:
    found = bigrams_of(evidence.content(path) or "")
    ranked = [
        (similarity(found, template), id)
        for id, template in _templates().items()
        if could_match(found, template)
    ]
    best, id = max(ranked, default=(0.0, ""))
    licence = licence_of(id) if best >= SAME_TEXT else None
    seen = text_line(evidence, path)
    verdict = f"is {licence.spdx}, similarity {best:.2f}" if licence else "is no licence known here"
    sha256 = evidence.texts[path].sha256
    proof = Proof(source="file", path=path, locator=f"sha256 {sha256[:12]}, {verdict}", excerpt=seen.excerpt)
    return LicenceText(path=path, licence=licence, similarity=round(best, 4), proof=proof)


@cache
def _templates() -> dict[str, Counter[tuple[str, str]]]:
    folder = files(__package__).joinpath("licence_texts")
    return {
        entry.name.removesuffix(".txt"): bigrams_of(entry.read_text("utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".txt")
    }
