"""The one licence engine, as metrics, gate, papers and ``info`` call it: evidence to terms."""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge.domain.card import CARD_PATH, card_of
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.json_values import texts
from weighbridge.domain.licences_in_force import terms_of
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof
from weighbridge.domain.terms import Terms
from weighbridge.metrics._licence_texts import LicenceText, licence_texts
from weighbridge.metrics._proofs import front_field, hub_field


def licence_terms(evidence: Evidence) -> Terms:
    """The licences in force, with those that the repository's licence files are recognised as."""
    return terms_with(evidence, licence_texts(evidence))


def terms_with(evidence: Evidence, found: Sequence[LicenceText]) -> Terms:
    """The same where the licence files were looked at already."""
    return terms_of(
        evidence,
        {text.path: text.licence for text in found},
        {text.path: text.against for text in found if text.against},
    )


def statement_proofs(evidence: Evidence, terms: Terms, found: Sequence[LicenceText]) -> tuple[Proof, ...]:
    """Where the stated licence is seen: in the card, else in the tags, and in the texts that settle it."""
    declared: tuple[Proof, ...] = ()
    if terms.declared_in == CARD_PATH:
        declared = (front_field(evidence, card_of(evidence).front_line("license"), "license"),)
    elif terms.declared_in:
        tags = sorted(tag for tag in texts(evidence.info, "tags") if tag.startswith("license:"))
        declared = tuple(hub_field("tags", tag) for tag in tags)
    places = {holding.stated_in for holding in terms.stated}
    return (*declared, *(one.proof for one in found if one.path in places))


def freedom(evidence: Evidence, policy: Policy) -> tuple[float, tuple[Proof, ...]]:
    """How free the least free licence in force is: of the model itself, and of its base models."""
    found = licence_texts(evidence)
    terms = terms_with(evidence, found)
    free = terms.least_free(policy.permissiveness)
    return (0.0, ()) if free is None else (free, statement_proofs(evidence, terms, found))
