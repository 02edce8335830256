"""Results that are those of the base model, and not of the model that repeats them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from weighbridge.domain.card import parse_card
from weighbridge.domain.evidence import Parent
from weighbridge.metrics._claims import DELEGATED, Claim, folded
from weighbridge.metrics._prose_claims import prose_claims
from weighbridge.metrics._structured_claims import recorded_claims
from weighbridge.metrics._table_claims import table_claims


def inherited(claims: Iterable[Claim], parents: Iterable[Parent], name: str) -> Iterator[Claim]:
    """The claims, those with a base model's numbers worth no more than a reference to it.

    The numbers of a base model are those of the Hub's record of it and of its card; ``name`` is the
    judged repository's, by which a table that was copied may be read otherwise. What an operator
    attached was measured, not copied.
    """
    known = {
        (folded(claim.metric), claim.value)
        for parent in parents
        for claim in _claims_of(parent, name)
        if claim.value is not None
    }
    for claim in claims:
        same = not claim.is_noted and (folded(claim.metric), claim.value) in known
        yield replace(claim, rung=min(claim.rung, DELEGATED)) if same else claim


def _claims_of(parent: Parent, name: str) -> Iterator[Claim]:
    yield from recorded_claims(parent.info or {})
    if parent.card:
        card = parse_card(parent.card)
        yield from prose_claims(card)
        for reader in (parent.id.rpartition("/")[2], name):
            yield from table_claims(card, reader)
