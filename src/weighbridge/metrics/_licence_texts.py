"""Which licence a LICENSE file is, by comparison with the texts in ``licence_texts``.

The texts are package data, read when the first LICENSE file is judged.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from weighbridge.domain.evidence import Evidence
from weighbridge.domain.licence import (
    SAME_TEXT,
    Licence,
    bigrams_of,
    could_match,
    inserted_restriction,
    licence_of,
    restriction_in,
    similarity,
)
from weighbridge.domain.score import Proof
from weighbridge.metrics._proofs import text_line

_LICENCE_FILE = re.compile(r"(?:.*[-_.])?(?:licen[sc]es?|copying)(?:[-_.][^/]*)?", re.IGNORECASE)


FILES_LIMIT = 12
"""Licence files that are read; a repository with a dozen licences is none that anybody can keep to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceText:
    """A licence file and what its text was found to be (None: none of the texts known here).

    ``against`` says what such an unknown text takes away; empty where nothing was found.
    """

    path: str
    licence: Licence | None
    similarity: float
    proof: Proof
    against: str = ""


def is_licence_file(path: str) -> bool:
    """Whether a file at the top of a repository is named as a licence."""
    return "/" not in path and _LICENCE_FILE.fullmatch(path) is not None


def licence_texts(evidence: Evidence) -> tuple[LicenceText, ...]:
    """The captured licence files with what they are, by path."""
    found = [path for path in sorted(evidence.texts) if is_licence_file(path)][:FILES_LIMIT]
    return tuple(_recognised(evidence, path) for path in found)


def _recognised(evidence: Evidence, path: str) -> LicenceText:
    said = evidence.content(path) or ""
    found = bigrams_of(said)
    ranked = [
        (similarity(found, template), id)
        for id, template in _templates().items()
        if could_match(found, template)
    ]
    best, id = max(ranked, default=(0.0, ""))
    licence = licence_of(id) if best >= SAME_TEXT else None
    against = _against(said, id if licence else "")
    seen = text_line(evidence, path, against.partition(" ")[0] if against and not licence else "")
    if licence and against:
        against, licence = f"the text of {licence.name} with '{against}' in it", None
    elif against:
        against = f"a text of its own ('{against}')"
    verdict = f"is {licence.spdx}, similarity {best:.2f}" if licence else "is no licence known here"
    sha256 = evidence.texts[path].sha256
    proof = Proof(source="file", path=path, locator=f"sha256 {sha256[:12]}, {verdict}", excerpt=seen.excerpt)
    return LicenceText(path=path, licence=licence, similarity=round(best, 4), proof=proof, against=against)


@lru_cache(maxsize=FILES_LIMIT)
def _against(said: str, template: str) -> str:
    """What a text takes away: of the uses at all, or of the known text that it was made from."""
    if not template:
        return restriction_in(said)
    known = _template_texts()[template]
    return inserted_restriction(said, known) or ("" if restriction_in(known) else restriction_in(said))


@cache
def _templates() -> dict[str, Counter[tuple[str, str]]]:
    return {id: bigrams_of(text) for id, text in _template_texts().items()}


@cache
def _template_texts() -> dict[str, str]:
    folder = files(__package__).joinpath("licence_texts")
    return {
        entry.name.removesuffix(".txt"): entry.read_text("utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".txt")
    }
