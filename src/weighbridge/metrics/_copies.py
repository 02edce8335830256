"""What a model has in common with others in the registry, without saying so.

A copied model brings its author's results, people and data along; they say nothing of the copy. So
whoever publishes another one's weights or card under a new name without naming it is not credited
with them.
"""

from __future__ import annotations

from weighbridge.domain.base_models import base_models_of
from weighbridge.domain.evidence import Evidence, Likeness, Resemblance, SourceState
from weighbridge.domain.score import Cap, Proof

COPY_CAP = 0.45
"""Below the usual threshold: a copy does not pass on what belongs to the original."""
SAME_CARD = 0.8
"""From this share of common word trigrams on, a card is another one's."""


def copy_caps(evidence: Evidence) -> list[Cap]:
    """A cap for everything that was taken over without naming where it came from.

    It is not certain while the places where it would be named could not be read.
    """
    named = {parent.id.lower() for parent in base_models_of(evidence)}
    own = evidence.repo.namespace
    card = (evidence.content("README.md") or "").lower()
    away = {evidence.state(source) for source in ("texts", "info")}
    caps = []
    for found in sorted(evidence.resemblances, key=lambda r: (r.likeness, r.repo, r.subject)):
        if found.repo.lower() in named or not _counts(found, card):
            continue
        if own and found.repo.partition("/")[0].lower() == own.lower():
            continue  # a publisher may give a model of its own a second name
        caps.append(
            Cap(
                limit=COPY_CAP,
                reason=_REASONS[found.likeness].format(repo=found.repo, subject=found.subject),
                proofs=(proof_of(found),),
                how_to_improve=f"Name {found.repo} as base_model in the card.",
                is_certain=SourceState.UNREACHABLE not in away,
            )
        )
    return caps


def proof_of(found: Resemblance) -> Proof:
    """A resemblance as evidence."""
    return Proof(
        source="registry",
        path=found.repo,
        locator=found.likeness.value,
        excerpt=f"{found.subject} ({found.degree:.2f})",
    )


def _counts(found: Resemblance, card: str) -> bool:
    if found.likeness is Likeness.SAME_WEIGHTS:
        return True
    return (
        found.likeness is Likeness.SAME_CARD and found.degree > SAME_CARD and found.repo.lower() not in card
    )


_REASONS = {
    Likeness.SAME_WEIGHTS: "{subject} is byte for byte the one of {repo}, which is not named as its base",
    Likeness.SAME_CARD: "the card is that of {repo}, which it does not mention",
}
