"""The results that a card states as data, for the bill of materials: those that count, once each."""

from __future__ import annotations

from weighbridge.domain.bom import Result
from weighbridge.domain.card import card_of
from weighbridge.domain.evidence import Evidence
from weighbridge.metrics._structured_claims import structured_claims

LIMIT = 200
"""The most results that a bill of materials repeats."""


def stated_results(evidence: Evidence) -> tuple[Result, ...]:
    """The accepted results of ``.eval_results``, the Hub's record and ``model-index``, in their order."""
    found = dict.fromkeys(
        Result(
            metric=claim.metric,
            value=f"{claim.value:g}",
            dataset=" ".join(part for part in (claim.dataset, claim.config) if part),
            split=claim.split,
        )
        for claim in structured_claims(evidence, card_of(evidence))
        if claim.value is not None and not claim.rejected
    )
    return tuple(found)[:LIMIT]
