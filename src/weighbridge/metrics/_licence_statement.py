"""What licence a model states, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge.domain.card import card_of
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.json_values import texts
from weighbridge.domain.licence import Licence, stated_in_front_matter, stated_in_tags
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof
from weighbridge.domain.terms import Whose, terms_of
from weighbridge.metrics._licence_texts import LicenceText, licence_texts
from weighbridge.metrics._proofs import front_field, hub_field


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Where the licence is stated and what it comes to; empty where it is nowhere stated."""

    licences: tuple[Licence, ...] = ()
    proofs: tuple[Proof, ...] = ()
    is_declared: bool = False


def statement_of(evidence: Evidence, found: Sequence[LicenceText]) -> Statement:
    """The stated licences: the card's, else the tags', else those of the texts that are known."""
    front = evidence.front_matter or {}
    recognised = tuple(t for t in found if t.licence is not None)
    stated = stated_in_front_matter(front)
    if stated:
        line = card_of(evidence).front_line("license")
        proofs: tuple[Proof, ...] = (front_field(evidence, line, "license"),)
    else:
        tags = [tag for tag in texts(evidence.info, "tags") if tag.startswith("license:")]
        stated = stated_in_tags(tags)
        proofs = tuple(hub_field("tags", tag) for tag in sorted(tags))
    if not stated:
        return Statement(
            licences=tuple(t.licence for t in recognised if t.licence),
            proofs=tuple(t.proof for t in recognised),
        )
    resolved: list[Licence] = []
    for licence in stated:
        by_text = [t for t in recognised if t.licence] if licence.id == "other" else []
        resolved += [t.licence for t in by_text if t.licence] or [licence]
        proofs += tuple(t.proof for t in by_text)
    return Statement(licences=tuple(resolved), proofs=proofs, is_declared=True)


def freedom(evidence: Evidence, policy: Policy) -> tuple[float, tuple[Proof, ...]]:
    """How free the least free licence in force is: of those stated, and of the base models."""
    found = licence_texts(evidence)
    statement = statement_of(evidence, found)
    if not statement.licences:
        return 0.0, ()
    terms = terms_of(evidence, {text.path: text.licence for text in found})
    in_force = (*terms.of(Whose.MODEL), *terms.of(Whose.BASE))
    return min(held.licence.permissiveness(policy.permissiveness) for held in in_force), statement.proofs
