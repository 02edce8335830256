"""``tree_score``: how the models stand that this one was made from. Reported, not gated.

The mean net score of the direct base models that this registry has judged; None where it has none.
"""

from __future__ import annotations

from weighbridge.domain.evidence import Evidence
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof, Score, Signal, weigh
from weighbridge.metrics._proofs import first

NAME, VERSION = "tree_score", "1.0.0"


def tree_score(evidence: Evidence, policy: Policy) -> Score | None:
    """The mean over the known base models; ``parts`` says how many are known and missing.

    ``weakest_ancestor`` is the lowest net score of the whole line, where this registry has some of it.
    """
    known = sorted((p.id, p.net_score) for p in evidence.parents if p.net_score is not None)
    if not known:
        return None
    proofs = [
        Proof(source="registry", path=id, locator="net_score", excerpt=f"{net:.4f}") for id, net in known
    ]
    missing = len(evidence.parents) - len(known)
    reason = f"{len(known)} base models are in this registry, {missing} are not"
    remedy = "Take in the base models, too, or start from better ones."
    mean = sum(net for _, net in known) / len(known)
    signal = Signal.of("parents", 1.0, mean, reason, first(proofs) if mean else (), remedy)
    parts = {"parents_known": float(len(known)), "parents_missing": float(missing)}
    if further := [one.net_score for one in evidence.ancestors if one.net_score is not None]:
        parts["weakest_ancestor"] = min(*further, *(net for _, net in known))
    return weigh(NAME, VERSION, [signal], parts=parts)
