"""``tree_score``: how the models stand that this one was made from. Reported, not gated.

The mean net score of the direct base models that this registry has judged; None where it has none.
"""

from __future__ import annotations

from weighbridge.domain.evidence import Evidence
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof, Score, Signal, weigh

NAME, VERSION = "tree_score", "1.0.0"


def tree_score(evidence: Evidence, policy: Policy) -> Score | None:
    """The mean over the known base models; ``parts`` says how many are known and missing."""
    known = [parent for parent in evidence.parents if parent.net_score is not None]
    if not known:
        return None
    scores = [parent.net_score or 0.0 for parent in known]
    proofs = [
        Proof(source="registry", path=parent.id, locator="net_score", excerpt=f"{parent.net_score:.4f}")
        for parent in known
    ]
    missing = len(evidence.parents) - len(known)
    reason = f"{len(known)} base models are in this registry, {missing} are not"
    signal = Signal.of("parents", 1.0, sum(scores) / len(scores), reason, tuple(proofs))
    parts = {"parents_known": float(len(known)), "parents_missing": float(missing)}
    return weigh(NAME, VERSION, [signal], parts=parts)
