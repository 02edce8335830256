"""``performance_claims``: whether results are stated, and how well they are backed.

Four signals: best_evidence .50, breadth .15, setup_stated .15, corroborated .20. Claims that
cannot be true or were measured on training data are worth nothing, and many of them cap it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge.domain.base_models import base_models_of
from weighbridge.domain.card import Card, card_of
from weighbridge.domain.evidence import Evidence, Likeness, SourceState
from weighbridge.domain.json_values import texts
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Cap, Proof, Score, Signal, weigh
from weighbridge.metrics._claims import ADJECTIVE, DELEGATED, Claim, false_claims, sift
from weighbridge.metrics._copies import copy_caps
from weighbridge.metrics._inherited_claims import inherited
from weighbridge.metrics._proofs import card_line, first, hub_field
from weighbridge.metrics._prose_claims import delegation, praise, prose_claims
from weighbridge.metrics._structured_claims import structured_claims
from weighbridge.metrics._table_claims import table_claims

NAME, VERSION = "performance_claims", "1.2.0"
WEIGHTS = {"best_evidence": 0.50, "breadth": 0.15, "setup_stated": 0.15, "corroborated": 0.20}
WORTH_BACKING = 0.3
"""Below this rung there is nothing that a paper could corroborate."""
UNTRUE_CAP = 0.4
_PAPER = re.compile(
    r"arxiv\.org/(?:abs|pdf|html)/|arxiv[: ]\s?\d{4}\.\d{4,5}|"
    r"doi\.org/10\.|aclanthology\.org/|openreview\.net/",
    re.IGNORECASE,
)
_LATER = "Try again when the Hub can be reached."
_THREE_WAYS = (
    "State results as data: add `.eval_results/<benchmark>.yaml` with dataset, task, value and source, "
    "or a model-index to the card; or let an operator attach measured results; "
    "else a waiver records why none are needed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The claims that count, those that do not, and the weaker kinds of evidence."""

    accepted: tuple[Claim, ...]
    rejected: tuple[Claim, ...]
    delegated: Proof | None
    praised: Proof | None

    @property
    def best(self) -> float:
        """How well the best backed of them is backed."""
        rungs = [claim.rung for claim in self.accepted]
        return max([0.0, *rungs, DELEGATED if self.delegated else 0.0, ADJECTIVE if self.praised else 0.0])


def performance_claims(evidence: Evidence, policy: Policy) -> Score:
    """How well the stated results are backed."""
    if evidence.state("texts") is SourceState.UNREACHABLE:
        reason = "card and result files could not be read"
        return weigh(NAME, VERSION, [Signal.unknown(id, w, reason, _LATER) for id, w in WEIGHTS.items()])
    card = card_of(evidence)
    found = collect_claims(evidence, card)
    signals = [
        _best_evidence(evidence, found),
        _breadth(found),
        _setup_stated(found),
        _corroborated(evidence, card, found),
    ]
    more_at_hub = SourceState.UNREACHABLE in (evidence.state("info"), evidence.state("details"))
    if more_at_hub:
        signals = [_perhaps_more(signal) for signal in signals]
    caps = [*_caps(evidence, card, found, is_certain=not more_at_hub), *copy_caps(evidence)]
    return weigh(NAME, VERSION, signals, caps)


def collect_claims(evidence: Evidence, card: Card) -> Found:
    """Everything that is stated of results, sorted into what counts and what does not."""
    name = evidence.repo.name
    stated = [*structured_claims(evidence, card), *table_claims(card, name), *prose_claims(card)]
    accepted, rejected = sift(inherited(stated, evidence.parents, name))
    return Found(accepted=accepted, rejected=rejected, delegated=delegation(card), praised=praise(card))


def _best_evidence(evidence: Evidence, found: Found) -> Signal:
    id, weight = "best_evidence", WEIGHTS["best_evidence"]
    best = found.best
    strongest = [claim for claim in found.accepted if claim.rung == best]
    if strongest:
        proofs: tuple[Proof, ...] = first([claim.proof for claim in strongest])
        reason = f"{len(found.accepted)} results are stated; the best backed one: {_described(strongest[0])}"
    elif best == DELEGATED and found.delegated:
        proofs, reason = (found.delegated,), "the card refers to a linked paper for its results"
    elif best and found.praised:
        proofs, reason = (found.praised,), "the card praises the model and states no results"
    else:
        proofs, reason = (), "no results are stated"
    if found.rejected:
        reason += f"; {len(found.rejected)} not counted, for example {_described(found.rejected[0])}"
    if borrowed := sorted({r.repo for r in evidence.resemblances if r.likeness is Likeness.SAME_TOKEN}):
        reason += f"; verification tokens of {', '.join(borrowed[:3])} are not counted"
    away = [p.id for p in base_models_of(evidence) if p.source.state is SourceState.UNREACHABLE]
    if away and best > DELEGATED:
        reason += f"; whether the numbers are those of {', '.join(away)} could not be read"
        least = max([DELEGATED, *(claim.rung for claim in found.accepted if claim.is_noted)])
        return Signal.between(id, weight, least, best, reason, proofs, _LATER)
    return Signal.of(id, weight, best, reason, proofs, _THREE_WAYS)


def _described(claim: Claim) -> str:
    on = f" on {claim.dataset}" if claim.dataset else ""
    value = f" {claim.value:g}" if claim.value is not None else ""
    return f"{claim.metric or 'a result'}{on}{value}" + (f" ({claim.rejected})" if claim.rejected else "")


def _breadth(found: Found) -> Signal:
    count = len(found.accepted)
    return Signal.of(
        "breadth",
        WEIGHTS["breadth"],
        1 - 2 ** (-count / 2),
        f"{count} different combinations of data set, configuration and metric",
        first([claim.proof for claim in found.accepted]),
        "State results on more benchmarks.",
    )


def _setup_stated(found: Found) -> Signal:
    """The best stated claim counts: a mean would punish an author for adding one more result."""
    best = max(found.accepted, key=lambda claim: claim.setup, default=None)
    value = best.setup if best else 0.25 if found.delegated else 0.0
    proofs = (best.proof,) if best else (found.delegated,) if found.delegated else ()
    return Signal.of(
        "setup_stated",
        WEIGHTS["setup_stated"],
        value,
        f"of data set, split, metric, and source or protocol, {value * 4:.0f} of 4 are stated",
        proofs,
        "Say on which data set and split, by which metric and with which script it was measured.",
    )


def _corroborated(evidence: Evidence, card: Card, found: Found) -> Signal:
    id, weight = "corroborated", WEIGHTS["corroborated"]
    remedy = "Link the paper, or the log or script, that the numbers come from."
    if found.best < WORTH_BACKING:
        return Signal.of(id, weight, 0.0, "there is no result that could be corroborated", (), remedy)
    proofs = [claim.proof for claim in found.accepted if claim.has_source]
    tags = sorted(tag for tag in texts(evidence.info, "tags") if tag.startswith(("arxiv:", "doi:")))
    proofs += [hub_field("tags", tag) for tag in tags[:1]]
    proofs += [card_line(line) for line in card.shown_lines if _PAPER.search(line.raw[:5_000])][:1]
    if proofs:
        return Signal.of(id, weight, 1.0, "a paper or a source stands behind the results", first(proofs))
    return Signal.of(id, weight, 0.0, "neither paper nor source is given", (), remedy)


def _perhaps_more(signal: Signal) -> Signal:
    """The signal where the Hub's own record of results could not be read: it may hold more."""
    reason = f"{signal.reason}; the Hub's evalResults could not be read"
    return Signal.between(signal.id, signal.weight, signal.least, 1.0, reason, signal.proofs, _LATER)


def _caps(evidence: Evidence, card: Card, found: Found, *, is_certain: bool) -> Sequence[Cap]:
    untrue = false_claims(found.rejected)
    if 2 * untrue <= 3 * len(found.accepted) or any(table_claims(card, evidence.repo.name)):
        return ()
    return (
        Cap(
            limit=UNTRUE_CAP,
            reason=f"{untrue} claims cannot count, against {len(found.accepted)} that do",
            proofs=first([claim.proof for claim in found.rejected]),
            how_to_improve="Remove results on training data and numbers outside their metric's range.",
            is_certain=is_certain,
        ),
    )
