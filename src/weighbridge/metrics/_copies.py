"""What a model has in common with others in the registry, without saying so.

A copied model brings its author's results, people and data along; they say nothing of the copy. So
whoever publishes another one's weights or card under a new name without naming it is not credited
with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from weighbridge.domain.base_models import base_models_of
from weighbridge.domain.card import Card, card_of
from weighbridge.domain.evidence import Evidence, Likeness, Resemblance, SourceState
from weighbridge.domain.markdown import Paragraph, without_comments
from weighbridge.domain.score import Cap, Proof

COPY_CAP = 0.45
"""Below the usual threshold: a copy does not pass on what belongs to the original."""
_TAKEN_FROM = re.compile(
    r"\b(?:cop(?:y|ies|ied)|clon(?:e|ed)|mirror\w*|fork\w*|re-?upload\w*|original\w*|based|base model|"
    r"deriv\w*|fine-?tun\w*|quanti[sz]\w*|convert\w*|conversion|adapt\w*|distill\w*|merge\w*|"
    r"version of|taken from|credits?)\b",
    re.IGNORECASE,
)
"""Words of a sentence that says where something comes from."""
SAME_CARD = 0.8
"""From this share of common word trigrams on, a card is another one's."""


def copy_caps(evidence: Evidence) -> list[Cap]:
    """A cap for everything that was taken over without naming where it came from.

    It is not certain while the places where it would be named could not be read.
    """
    named = {parent.id.lower() for parent in base_models_of(evidence)}
    own = evidence.repo.namespace
    said = _attributions(card_of(evidence)) if evidence.resemblances else ""
    away = {evidence.state(source) for source in ("texts", "info")}
    caps = []
    for found in sorted(evidence.resemblances, key=lambda r: (r.likeness, r.repo, r.subject)):
        if found.repo.lower() in named or not _counts(found, said):
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


def _attributions(card: Card) -> str:
    """The sentences, in lower case, that may say where something comes from.

    A copied card names the original in every example; and what a reader does not see says nothing.
    """
    said = (" ".join(without_comments(line.raw) for line in p.lines) for p in _prose(card))
    return "\n".join(text.lower() for text in said if _TAKEN_FROM.search(text))


def _prose(card: Card) -> Iterator[Paragraph]:
    for section in card.sections:
        yield from section.paragraphs


def _counts(found: Resemblance, said: str) -> bool:
    if found.likeness is Likeness.SAME_WEIGHTS:
        return True
    return (
        found.likeness is Likeness.SAME_CARD and found.degree > SAME_CARD and found.repo.lower() not in said
    )


_REASONS = {
    Likeness.SAME_WEIGHTS: "{subject} is byte for byte the one of {repo}, which is not named as its base",
    Likeness.SAME_CARD: "the card is that of {repo}, and it does not say so",
}
