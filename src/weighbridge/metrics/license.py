"""``license``: whether those who fetch this model may use it, and whether that is clear.

score = .70 P + .30 P C. P is how free the licence is (the policy's table), C how clearly it is
stated. A text that contradicts the card, or a base model under a less free licence, caps it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weighbridge.domain.card import card_of
from weighbridge.domain.evidence import Evidence, SourceState
from weighbridge.domain.json_values import text
from weighbridge.domain.licence import Licence
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Proof, Score, Signal, weigh
from weighbridge.domain.terms import Terms
from weighbridge.metrics._licence_conflicts import parent_caps, silent_parents, text_caps
from weighbridge.metrics._licence_texts import LicenceText, is_licence_file, licence_texts
from weighbridge.metrics._proofs import front_field, listed
from weighbridge.metrics.licence_terms import statement_proofs, terms_with

NAME, VERSION = "license", "1.1.0"
_STATE_IT = "State the licence in the card's front matter, for example `license: apache-2.0`."


def license_score(evidence: Evidence, policy: Policy) -> Score:
    """How free and how clear the licence is."""
    if evidence.state("texts") is SourceState.UNREACHABLE:
        return _unknown(evidence.sources["texts"].reason if "texts" in evidence.sources else "")
    found = licence_texts(evidence)
    terms = terms_with(evidence, found)
    if not terms.declared_in and evidence.state("info") is SourceState.UNREACHABLE:
        return _unknown("the card states no licence, and the Hub's tags could not be read")
    if not terms.stated:
        return weigh(NAME, VERSION, _absent(found))
    stated = [holding.licence for holding in terms.stated]
    worst = min(stated, key=lambda row: (row.permissiveness(policy.permissiveness), row.id))
    p = worst.permissiveness(policy.permissiveness)
    proofs = statement_proofs(evidence, terms, found)
    free = _permissiveness(worst, p, terms, proofs)
    signals = (free, _clarity(evidence, found, terms, proofs, worst, p))
    caps = [*text_caps(found, terms, p, policy), *parent_caps(evidence, terms, p, policy)]
    return weigh(NAME, VERSION, signals, caps)


def _permissiveness(worst: Licence, p: float, terms: Terms, proofs: tuple[Proof, ...]) -> Signal:
    notes = f"; {worst.notes}" if worst.notes else ""
    reason = f"{worst.name} ({worst.spdx}) is {worst.category.value}{notes}{silent_parents(terms)}"
    if len(terms.stated) > 1:
        reason = f"of {len(terms.stated)} licences the least free counts: {reason}"
    remedy = (
        "Name the licence: give `license_name` and `license_link`, and put the text into LICENSE."
        if not worst.is_resolved
        else "Only a model under a freer licence scores higher; a waiver records that its terms are accepted."
    )
    return Signal.of("permissiveness", 0.70, p, reason, proofs if p else (), remedy)


def _clarity(
    evidence: Evidence,
    found: Sequence[LicenceText],
    terms: Terms,
    stated_at: tuple[Proof, ...],
    worst: Licence,
    p: float,
) -> Signal:
    proofs = list(stated_at)
    front = evidence.front_matter or {}
    link = text(front, "license_link") or ""
    files = [path for path in evidence.manifest.by_path if is_licence_file(path)]
    linked = link.startswith(("https://", "http://")) or link in evidence.manifest.by_path
    if files:
        proofs += [t.proof for t in found] or [listed(evidence, files[0])]
    elif linked:
        proofs.append(front_field(evidence, card_of(evidence).front_line("license_link"), "license_link"))
    parts = (
        (0.40, bool(terms.declared_in) and worst.id != "unknown", "declared", _STATE_IT),
        (0.25, worst.is_resolved, "recognised", "Use one of the Hub's licence identifiers."),
        (0.20, not terms.against, "not contradicted", "Make card and LICENSE say the same."),
        (0.15, bool(files) or linked, "text present", "Add the licence text as a file LICENSE."),
    )
    c = sum(weight for weight, holds, _, _ in parts if holds)
    reason = ", ".join(name if holds else f"not {name}" for _, holds, name, _ in parts)
    remedy = " ".join(advice for _, holds, _, advice in parts if not holds)
    if not remedy:
        remedy = "The licence is as clear as can be; clarity counts only as far as the licence is free."
    return Signal.of("clarity", 0.30, p * c, reason, tuple(dict.fromkeys(proofs)) if p * c else (), remedy)


def _absent(found: Sequence[LicenceText]) -> tuple[Signal, Signal]:
    reason = "no licence is stated: not in the card, not as a tag"
    if found:
        reason += f"; the text of {found[0].path} is none of those known here"
    return (
        Signal.of("permissiveness", 0.70, 0.0, reason, (), _STATE_IT),
        Signal.of("clarity", 0.30, 0.0, reason, (), _STATE_IT),
    )


def _unknown(why: str) -> Score:
    reason = f"the licence could not be read: {why}" if why else "the licence could not be read"
    advice = "Try again when the Hub can be reached."
    weights: Mapping[str, float] = {"permissiveness": 0.70, "clarity": 0.30}
    return weigh(
        NAME, VERSION, [Signal.unknown(id, weight, reason, advice) for id, weight in weights.items()]
    )
