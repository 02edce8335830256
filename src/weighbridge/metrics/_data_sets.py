"""One data set, graded by its record on the Hub and its card."""

from __future__ import annotations

import re
from dataclasses import dataclass

from weighbridge.domain.card import Card, parse_card
from weighbridge.domain.evidence import DataSet
from weighbridge.domain.json_values import JsonObject, child, texts
from weighbridge.domain.licence import stated_by_parent
from weighbridge.domain.markdown import distinct_trigrams
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof
from weighbridge.metrics._proofs import parent_field

FILLED_TRIGRAMS = 8
"""A section of the datasheet is filled in from about one sentence on."""
_DATASHEET = {
    "description": re.compile(r"descri|summary|overview|about|introduction|details"),
    "structure": re.compile(r"structure|field|instance|split|format|columns|schema"),
    "creation": re.compile(r"creation|curation|source|annotat|collect|construct|how .* made"),
    "considerations": re.compile(r"consideration|bias|limitation|social|personal|risk|ethic|out-of-scope"),
    "additional": re.compile(
        r"additional|licen[sc]|citation|contribution|contributor|curator|contact|authors|more information"
    ),
}
"""The parts of the Hub's data set card, after Gebru et al., Datasheets for Datasets (2021)."""
_METADATA = (
    ("task_categories", "task_ids"),
    ("language",),
    ("size_categories",),
    ("configs", "dataset_info"),
)
_SPLIT = re.compile(
    r"\b(?:train|test|validation|dev)\b[^\n]{0,60}\d[\d,. ]{2}"
    r"|(?<![\d,.])\d[\d,.]{2,20}[^\n]{0,60}\b(?:train|test)",
    re.IGNORECASE,
)
_CITATION = re.compile(r"@\w+\s*\{|arxiv\.org|doi\.org|bibtex", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """A data set's grade from 0 to 1, in words, with what was seen."""

    id: str
    grade: float
    reason: str
    proof: Proof


def graded(data_set: DataSet, policy: Policy) -> Graded:
    """Licence .20, datasheet .30, metadata .15, splits .10, no script .10, citation .10, in service .05."""
    info, card = data_set.info or {}, parse_card(data_set.card)
    stated = stated_by_parent(info)
    free = min((row.permissiveness(policy.permissiveness) for row in stated), default=0.0)
    parts = {
        "licence": (0.20, free),
        "datasheet": (0.30, len(_filled(card)) / len(_DATASHEET)),
        "metadata": (0.15, _metadata(info)),
        "splits": (0.10, float(_has_splits(info, data_set.card))),
        "no loading script": (0.10, float(not any(_is_script(path) for path in data_set.files))),
        "citation": (0.10, float(_is_cited(info, data_set.card))),
        "in service": (0.05, float(info.get("disabled") is not True)),
    }
    grade = sum(weight * value for weight, value in parts.values())
    lacking = [name for name, (_, value) in parts.items() if value < 1]
    reason = f"{data_set.id} {grade:.2f}" + (f" (short of: {', '.join(lacking)})" if lacking else "")
    proof = parent_field(data_set.id, "tags", ", ".join(texts(info, "tags")[:5]) or data_set.id)
    return Graded(id=data_set.id, grade=round(grade, 6), reason=reason, proof=proof)


def _filled(card: Card) -> set[str]:
    found: dict[str, list[str]] = {}
    for section in card.sections:
        title = section.title.lower()
        for name, pattern in _DATASHEET.items():
            if pattern.search(title) or (section.level <= 1 and name == "description"):
                found.setdefault(name, []).extend(p.text for p in section.paragraphs)
                found[name] += [" ".join(row) for table in section.tables for _, row in table.rows]
                found[name] += [block.code for block in section.code]
    return {name for name, said in found.items() if distinct_trigrams(said) >= FILLED_TRIGRAMS}


def _metadata(info: JsonObject) -> float:
    card, tags = child(info, "cardData"), texts(info, "tags")

    def has(key: str) -> bool:
        return bool(card.get(key)) or any(tag.startswith(f"{key}:") for tag in tags)

    return sum(any(map(has, keys)) for keys in _METADATA) / len(_METADATA)


def _is_script(path: str) -> bool:
    return "/" not in path and path.endswith(".py")


def _has_splits(info: JsonObject, card: str) -> bool:
    data = child(info, "cardData")
    return bool(data.get("dataset_info") or data.get("configs")) or _SPLIT.search(card[:200_000]) is not None


def _is_cited(info: JsonObject, card: str) -> bool:
    cited = any(tag.startswith(("arxiv:", "doi:")) for tag in texts(info, "tags"))
    return cited or _CITATION.search(card[:200_000]) is not None
