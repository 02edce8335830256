"""The results that are stated of a model: for its bill of materials, and for whoever looks at it."""

from __future__ import annotations

from weighbridge.domain.about import StatedClaim
from weighbridge.domain.bom import Result
from weighbridge.domain.card import card_of
from weighbridge.domain.evidence import Evidence
from weighbridge.metrics._claims import ATTESTED, COMPLETE, SOURCED, TABLE, Claim
from weighbridge.metrics._structured_claims import structured_claims
from weighbridge.metrics.performance_claims import collect_claims

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


def stated_claims(evidence: Evidence) -> tuple[StatedClaim, ...]:
    """Every result that is stated as data, in a table or in a sentence: the best backed first."""
    found = collect_claims(evidence, card_of(evidence))
    counted = sorted(found.accepted, key=lambda claim: -claim.rung)
    return tuple(_stated(claim) for claim in (*counted, *found.rejected))[:LIMIT]


def _stated(claim: Claim) -> StatedClaim:
    proof = claim.proof
    return StatedClaim(
        metric=claim.metric,
        dataset=" ".join(part for part in (claim.dataset, claim.config) if part),
        split=claim.split,
        value=claim.value,
        where=f"{proof.path} {proof.locator}".strip(),
        backing=_backing(claim),
        not_counted=claim.rejected,
    )


def _backing(claim: Claim) -> str:
    if claim.is_noted:
        return "attached by an operator"
    if claim.rung >= ATTESTED:
        return "with a verification token"
    if claim.rung >= SOURCED:
        return "with its source"
    if claim.rung >= COMPLETE:
        return "as data"
    return "in a table" if claim.rung >= TABLE else "in words"
