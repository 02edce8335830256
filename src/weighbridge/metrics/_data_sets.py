"""One data set, graded by its record on the Hub and its card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from weighbridge.domain.card import Card, parse_card
from weighbridge.domain.data_files import loading_script
from weighbridge.domain.evidence import DataSet
from weighbridge.domain.json_values import JsonObject, child, texts
from weighbridge.domain.licence import stated_by_parent
from weighbridge.domain.markdown import Line, Section, distinct_trigrams
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


PARTS: Mapping[str, float] = {
    "licence": 0.20,
    "datasheet": 0.30,
    "metadata": 0.15,
    "splits": 0.10,
    "no loading script": 0.10,
    "citation": 0.10,
    "in service": 0.05,
}
"""What a data set is graded by, and what each part weighs."""


def graded_parts(data_set: DataSet, policy: Policy) -> Mapping[str, tuple[float, str]]:
    """Each of ``PARTS`` from 0 to 1, and why."""
    info, card = data_set.info or {}, parse_card(data_set.card)
    stated = stated_by_parent(info)
    free = min((row.permissiveness(policy.permissiveness) for row in stated), default=0.0)
    named = ", ".join(row.id for row in stated) or "none is stated"
    filled, script = datasheet(card), loading_script(data_set.files)
    lacking = [name for name in _DATASHEET if name not in filled]
    metadata = _metadata(info)
    splits, cited = _has_splits(info, data_set.card), _is_cited(info, data_set.card)
    served = info.get("disabled") is not True
    return {
        "licence": (free, f"{named} ({free:.2f} free)"),
        "datasheet": (
            len(filled) / len(_DATASHEET),
            f"not filled in: {', '.join(lacking)}" if lacking else "every section is filled in",
        ),
        "metadata": (metadata, f"{metadata * len(_METADATA):.0f} of {len(_METADATA)} kinds are stated"),
        "splits": (float(splits), "stated" if splits else "not stated"),
        "no loading script": (float(not script), script or "there is none"),
        "citation": (float(cited), "stated" if cited else "not stated"),
        "in service": (float(served), "yes" if served else "the Hub disabled it"),
    }


def graded(data_set: DataSet, policy: Policy) -> Graded:
    """The parts of the grade, weighed by ``PARTS``."""
    info, parts = data_set.info or {}, graded_parts(data_set, policy)
    grade = sum(PARTS[name] * value for name, (value, _) in parts.items())
    lacking = [name for name, (value, _) in parts.items() if value < 1]
    reason = f"{data_set.id} {grade:.2f}" + (f" (short of: {', '.join(lacking)})" if lacking else "")
    proof = parent_field(data_set.id, "tags", ", ".join(texts(info, "tags")[:5]) or data_set.id)
    return Graded(id=data_set.id, grade=round(grade, 6), reason=reason, proof=proof)


def datasheet(card: Card) -> dict[str, Line]:
    """The sections of the datasheet that are filled in, each with a line of it."""
    found: dict[str, list[str]] = {}
    lines: dict[str, Line] = {}
    for section in card.sections:
        title = section.title.lower()
        for name, pattern in _DATASHEET.items():
            if pattern.search(title) or (section.level <= 1 and name == "description"):
                found.setdefault(name, []).extend(p.text for p in section.paragraphs)
                found[name] += [" ".join(row) for table in section.tables for _, row in table.rows]
                found[name] += [block.code for block in section.code]
                if shown := _first_line(section):
                    lines.setdefault(name, shown)
    filled = (name for name, said in found.items() if distinct_trigrams(said) >= FILLED_TRIGRAMS)
    return {name: lines[name] for name in filled}


def _first_line(section: Section) -> Line | None:
    lines = [line for paragraph in section.paragraphs for line in paragraph.lines]
    lines += [line for table in section.tables for line, _ in table.rows]
    lines += [line for block in section.code for line in block.lines]
    return next((line for line in lines if line.raw.strip()), None)


def _metadata(info: JsonObject) -> float:
    card, tags = child(info, "cardData"), texts(info, "tags")

    def has(key: str) -> bool:
        return bool(card.get(key)) or any(tag.startswith(f"{key}:") for tag in tags)

    return sum(any(map(has, keys)) for keys in _METADATA) / len(_METADATA)


def _has_splits(info: JsonObject, card: str) -> bool:
    data = child(info, "cardData")
    return bool(data.get("dataset_info") or data.get("configs")) or _SPLIT.search(card[:200_000]) is not None


def _is_cited(info: JsonObject, card: str) -> bool:
    cited = any(tag.startswith(("arxiv:", "doi:")) for tag in texts(info, "tags"))
    return cited or _CITATION.search(card[:200_000]) is not None
