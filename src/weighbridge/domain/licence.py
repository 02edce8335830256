"""Licences: what an identifier of the Hub allows, and which licence a text is."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from functools import cache

from weighbridge.domain.json_values import JsonObject, text, texts
from weighbridge.domain.licence_table import ROWS

SAME_TEXT = 0.9
"""From this Dice coefficient on, two licence texts are the same licence."""


class Category(StrEnum):
    """How free a licence is, in the classes that a policy speaks of."""

    PERMISSIVE = "permissive"
    PUBLIC_DOMAIN = "public-domain"
    WEAK_COPYLEFT = "weak-copyleft"
    RAIL = "rail"
    DATA = "data"
    COPYLEFT = "copyleft"
    NETWORK_COPYLEFT = "network-copyleft"
    COMMUNITY = "community"
    CUSTOM = "custom"
    NONCOMMERCIAL = "noncommercial"
    NO_DERIVATIVES = "no-derivatives"
    RESEARCH = "research"
    AMBIGUOUS = "ambiguous"


PERMISSIVENESS: Mapping[str, float] = {
    Category.PERMISSIVE: 1.0,
    Category.PUBLIC_DOMAIN: 1.0,
    Category.WEAK_COPYLEFT: 0.9,
    Category.RAIL: 0.75,
    Category.DATA: 0.75,
    Category.COPYLEFT: 0.7,
    Category.NETWORK_COPYLEFT: 0.6,
    Category.COMMUNITY: 0.6,
    Category.CUSTOM: 0.6,
    Category.NONCOMMERCIAL: 0.3,
    Category.NO_DERIVATIVES: 0.3,
    Category.RESEARCH: 0.2,
    Category.AMBIGUOUS: 0.1,
}
"""How much a registry's users may do, from 0 to 1; a policy may say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """One row of the table. ``id`` is the Hub's; uses are yes, no, conditional or unknown."""

    id: str
    name: str
    spdx: str
    category: Category
    commercial_use: str
    redistribution: str
    derivatives: str
    notes: str
    confidence: str

    @property
    def is_resolved(self) -> bool:
        """Whether the identifier says which terms hold."""
        return self.category is not Category.AMBIGUOUS

    def permissiveness(self, table: Mapping[str, float] = PERMISSIVENESS) -> float:
        """How free it is, by ``table``; ``unknown`` is as good as none."""
        return 0.0 if self.id == "unknown" else table.get(self.category, 0.0)

    def covers(self, other: Licence) -> bool:
        """Whether a text of ``other`` may stand beside a declaration of this one.

        A family (``gpl``, ``bsd``, ``cc``) covers its members, and the LGPL is written as
        additions to the GPL of the same version.
        """
        if self.id == other.id or self.spdx == other.spdx != "NOASSERTION":
            return True
        if self.spdx == "NOASSERTION" and self.id != "other":
            return other.id == self.id or other.id.startswith((f"{self.id}-", f"bigscience-{self.id}"))
        return self.id.startswith("lgpl") and other.id == self.id.removeprefix("l")


@cache
def _table() -> Mapping[str, Licence]:
    return {
        row[0]: Licence(
            id=row[0],
            name=row[1],
            spdx=row[2],
            category=Category(row[3]),
            commercial_use=row[4],
            redistribution=row[5],
            derivatives=row[6],
            notes=row[7],
            confidence=row[8],
        )
        for row in ROWS
    }


def licence_of(id: str) -> Licence | None:
    """The licence with this identifier of the Hub, in any case; None for one that nobody knows."""
    known, wanted = _table(), id.strip().lower()
    same_spdx = (row for row in known.values() if row.spdx.lower() == wanted != "noassertion")
    return known.get(wanted) or next(same_spdx, None)


def ids_of_category(category: Category) -> Sequence[str]:
    """The identifiers of all licences of a class, as the Hub spells them."""
    return [licence.id for licence in _table().values() if licence.category == category]


def unresolved(id: str) -> Licence:
    """A licence of which only the name is known."""
    return Licence(
        id=id,
        name=id,
        spdx="NOASSERTION",
        category=Category.AMBIGUOUS,
        commercial_use="unknown",
        redistribution="unknown",
        derivatives="unknown",
        notes="not an identifier of the Hub",
        confidence="low",
    )


def text_of_its_own(name: str) -> Licence:
    """What a text comes to that no table knows and that takes something away; ``name`` says what."""
    return replace(unresolved("own-text"), name=name, notes="a text of its own")


def stated_in_front_matter(front: JsonObject) -> tuple[Licence, ...]:
    """What ``license`` and, for ``other``, ``license_name`` say; empty where nothing is said."""
    named = text(front, "license_name")
    return tuple(_stated(id, named) for id in texts(front, "license") if id.strip())


def stated_in_tags(tags: Iterable[str]) -> tuple[Licence, ...]:
    """What the Hub's ``license:`` tags say, in a fixed order."""
    ids = sorted(tag.removeprefix("license:") for tag in tags if tag.startswith("license:"))
    return tuple(_stated(id, None) for id in ids if id.strip())


def stated_by_parent(info: JsonObject) -> tuple[Licence, ...]:
    """What the Hub's answer for a model says of its licence."""
    card = info.get("cardData")
    front = stated_in_front_matter(card) if isinstance(card, Mapping) else ()
    return front or stated_in_tags(texts(info, "tags"))


def _stated(id: str, named: str | None) -> Licence:
    id = id.strip().lower()
    if id == "other" and named:
        name = re.sub(r"\s+", "-", named.strip().lower())
        return licence_of(f"other:{name}") or licence_of(name) or _table()["other"]
    return licence_of(id) or unresolved(id)


_COPYRIGHT_LINE = re.compile(
    r"^[^\w\n]*(?:copyright\b(?=[^\n]{0,80}(?:\d{4}|\(c\)|©|[<\[{]))|\(c\)\s|©)[^\n]{0,200}$",
    re.IGNORECASE | re.MULTILINE,
)
"""A holder's line, which differs in every copy; a sentence about copyright is kept."""
_WORD = re.compile(r"[a-z0-9]+")


def bigrams_of(licence_text: str) -> Counter[tuple[str, str]]:
    """The pairs of neighbouring words, without case, punctuation and copyright lines."""
    return Counter(itertools.pairwise(words_of(licence_text)))


_RESTRICTING = frozenset(
    ["not", "non", "noncommercial", "commercial", "except", "excluding", "only", "prohibited", "forbidden"]
)
"""Words that take something away: put into a sentence of a licence, they make it another one."""
_DENIED = frozenset({"not", "nor", "neither", "no", "non", "only", "except"})
"""Where one of these stood, the sentence took something away before, and says it in other words now."""
_FEW, _AROUND = 12, 3
"""So many words are an insertion into a sentence, with so many known ones before and behind them."""
_USES = r"(?:academic|research|educational|evaluation|personal)"
_NOT_FOR_ALL = re.compile(
    rf"\bnon-?\s?commercial|\b{_USES}\s+(?:use\s+|purposes?\s+)?only\b|\bonly\s+for\s+{_USES}\b"
    r"|\bcommercial\s+(?:use|purposes?)\s+(?:is|are)\s+(?:not|prohibited|forbidden)",
    re.IGNORECASE,
)


def words_of(licence_text: str) -> list[str]:
    """The words in lower case, without copyright lines."""
    return _WORD.findall(_COPYRIGHT_LINE.sub("", licence_text).lower())


def inserted_restriction(licence_text: str, template: str) -> str:
    """What was put into a sentence of a known text and takes something away; empty where nothing was."""
    found, known = words_of(licence_text), words_of(template)
    if all(found.count(word) <= known.count(word) for word in _RESTRICTING):
        return ""
    blocks = SequenceMatcher(None, known, found, autojunk=False).get_matching_blocks()
    for before, behind in itertools.pairwise(block for block in blocks if block.size >= _AROUND):
        added = found[before.b + before.size : behind.b]
        replaced = known[before.a + before.size : behind.a]
        if len(added) <= _FEW and _RESTRICTING & set(added) and not _DENIED & set(replaced):
            return " ".join(added)
    return ""


def restriction_in(licence_text: str) -> str:
    """The words by which a text keeps out commercial use; empty where there are none."""
    seen = _NOT_FOR_ALL.search(licence_text)
    return " ".join(seen[0].split()) if seen else ""


def similarity(one: Counter[tuple[str, str]], other: Counter[tuple[str, str]]) -> float:
    """The Dice coefficient of two multisets of word pairs (Dice 1945), from 0 to 1."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


def could_match(one: Counter[tuple[str, str]], other: Counter[tuple[str, str]]) -> bool:
    """Whether the sizes alone allow a similarity of ``SAME_TEXT``; cheap, so that it is asked first."""
    total = one.total() + other.total()
    return total > 0 and 2 * min(one.total(), other.total()) / total >= SAME_TEXT
