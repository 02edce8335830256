"""What speaks against a stated licence: a text that says otherwise, or a base model's licence."""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge.domain.base_models import line_of
from weighbridge.domain.card import CARD_PATH, card_of
from weighbridge.domain.evidence import Evidence, Parent
from weighbridge.domain.json_values import child, texts
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Cap, Proof
from weighbridge.domain.terms import Terms, Whose
from weighbridge.metrics._licence_texts import LicenceText
from weighbridge.metrics._proofs import front_field, parent_field, text_line

CONFLICT_CAP = 0.45
WORST_PARENT = 0.2
"""The least free class that a base model's licence can be read as (research only)."""


def silent_parents(terms: Terms) -> str:
    """The base models of which no licence is known: told, never held against the model."""
    silent = sorted(id for id in terms.unknown if id not in terms.unread)
    return f"; no licence is known of its base model {', '.join(silent)}" if silent else ""


def text_caps(found: Sequence[LicenceText], terms: Terms, p: float, policy: Policy) -> list[Cap]:
    proofs = {one.path: one.proof for one in found}
    return [
        Cap(
            limit=CONFLICT_CAP,
            reason=f"{held.stated_in} is {held.licence.name}, which is less free than the licence "
            "that is stated",
            proofs=(proofs[held.stated_in],),
            how_to_improve=f"State the licence that {held.stated_in} holds.",
        )
        for held in terms.against
        if held.licence.permissiveness(policy.permissiveness) < p
    ]


def parent_caps(evidence: Evidence, terms: Terms, p: float, policy: Policy) -> list[Cap]:
    caps = []
    for parent in line_of(evidence):
        if parent.id in terms.unread:
            if p > WORST_PARENT:
                caps.append(_possible_cap(parent))
            continue
        inherited = [held.licence for held in terms.of(Whose.BASE) if held.repo == parent.id]
        if not inherited:
            continue
        row = min(inherited, key=lambda row: (row.permissiveness(policy.permissiveness), row.id))
        theirs = row.permissiveness(policy.permissiveness)
        if theirs < p:
            caps.append(
                Cap(
                    limit=min(CONFLICT_CAP, theirs),
                    reason=f"its base model {parent.id} is under {row.name}, which is less free",
                    proofs=(_stated_by(parent), _declared_in(evidence, parent)),
                    how_to_improve=f"State {parent.id}'s licence ({row.id}), which its derivatives inherit.",
                )
            )
    return caps


def _stated_by(parent: Parent) -> Proof:
    info = parent.info or {}
    stated = child(info, "cardData").get("license")
    if stated:
        return parent_field(parent.id, "cardData.license", stated)
    tags = sorted(tag for tag in texts(info, "tags") if tag.startswith("license:"))
    return parent_field(parent.id, "tags", ", ".join(tags[:1]))


def _possible_cap(parent: Parent) -> Cap:
    return Cap(
        limit=WORST_PARENT,
        reason=f"the licence of its base model {parent.id} could not be read: {parent.source.reason}",
        how_to_improve="Try again when the Hub can be reached.",
        is_certain=False,
    )


def _declared_in(evidence: Evidence, parent: Parent) -> Proof:
    if parent.declared_in.startswith(CARD_PATH):
        return front_field(evidence, card_of(evidence).front_line("base_model"), "base_model")
    path, _, field = parent.declared_in.partition(":")
    if any(path == other.id for other in line_of(evidence)):
        return parent_field(path, field, parent.id)
    if path == "info":
        return Proof(source="hub", path=path, locator=field, excerpt=parent.id)
    return text_line(evidence, path, parent.id)
