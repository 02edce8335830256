"""``dataset_quality``: how good the training data are known to be.

R: the better half of the named data sets' grades, times (.6 + .4 x share that the Hub has). C: the share
of six facets that the card states of its data. score = max(.65 C, .75 R + .25 C): a public data set
can beat prose, and prose alone comes to .65 at most.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from weighbridge.domain.card import Card, Role, card_of
from weighbridge.domain.evidence import Evidence, SourceState
from weighbridge.domain.markdown import Line, Paragraph, distinct_trigrams
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Score, Signal, weigh
from weighbridge.metrics._copies import copy_caps
from weighbridge.metrics._data_sets import graded
from weighbridge.metrics._proofs import card_line, first
from weighbridge.metrics._training import data_paragraphs, paragraphs, sentences

NAME, VERSION = "dataset_quality", "1.1.0"
WEIGHTS = {"records": 0.75, "card": 0.25}
PROSE_ALONE = 0.65
_FEWEST_TRIGRAMS = 15
TEXT_LIMIT = 10_000
"""Longer paragraphs are read up to here, in characters."""
FACETS = {
    "source": re.compile(
        r"\b(?:scrap|crawl|collect|download|source|drawn|taken|extract|deriv|gather|obtain)\w*\b.{0,60}"
        r"\b(?:from|of|in)\b"
        r"|publicly available|wikipedia|common ?crawl|book ?corpus|\bweb ?pages\b|\binternet\b|\breddit\b"
        r"|\bnews\b|\bdatasets?",
        re.IGNORECASE,
    ),
    "size": re.compile(
        r"\d[\d,.]{0,20} ?(?:k|m|b|thousand|million|billion|trillion|[KMGT]i?B)? ?(?:of )?(?:\w{1,30} ){0,2}"
        r"(?:tokens|words|sentences|examples|samples|pairs|images|pictures|hours|minutes|documents|records|rows|"
        r"articles|books|utterances|tuples|lines|questions|reviews|pages|conversations|triplets|[KMGT]i?B)\b",
        re.IGNORECASE,
    ),
    "composition": re.compile(
        r"\b(?:consist|compos|contain|include|including|compris|cover)\w*\b|languages?\b|\bdomains?\b|\bclasses\b|"
        r"concatenation|mixture|combination of|\bsplits?\b",
        re.IGNORECASE,
    ),
    "processing": re.compile(
        r"token|lower-?cas|filter|dedup|clean|normali[sz]|pre-?process|resampl|\bmask|truncate|remov|"
        r"split into|balanc|convert",
        re.IGNORECASE,
    ),
    "supervision": re.compile(
        r"label|annotat|supervis|crowd|objective|contrastive|masked language|next sentence|causal language|"
        r"instruction|distill|fine-?tun|reward|human",
        re.IGNORECASE,
    ),
    "limits": re.compile(
        r"bias|limitation|not (?:suitable|intended|filtered)|unfiltered|offensive|risk|stereotyp|skew|"
        r"under-?represent|not (?:been )?(?:release|publish)|unbalanced|noisy|only (?:in )?english",
        re.IGNORECASE,
    ),
}
"""What one would ask of data, and the words by which a sentence answers it."""
_LATER = "Try again when the Hub can be reached."


def dataset_quality(evidence: Evidence, policy: Policy) -> Score:
    """How much is known for the good of the data."""
    if evidence.state("texts") is SourceState.UNREACHABLE:
        unread = [Signal.unknown(id, w, "the card could not be read", _LATER) for id, w in WEIGHTS.items()]
        return weigh(NAME, VERSION, unread)
    said = _said(evidence)
    return weigh(NAME, VERSION, (_records(evidence, policy, said.value or 0.0), said), copy_caps(evidence))


def _said(evidence: Evidence) -> Signal:
    """C: the facets that the card states."""
    card = card_of(evidence)
    remedy = "Say of the data: source, amount with its unit, composition, processing, labels, known limits."
    found = facets(card) if distinct_trigrams(p.text for p in _read(card)) >= _FEWEST_TRIGRAMS else {}
    lacking = [name for name in FACETS if name not in found]
    reason = f"the card states {len(found)} of {len(FACETS)} facets of its data"
    if lacking:
        reason += f"; not stated: {', '.join(lacking)}"
    proofs = tuple(card_line(line) for line in dict.fromkeys(found.values()))
    return Signal.of("card", WEIGHTS["card"], len(found) / len(FACETS), reason, proofs, remedy)


def _read(card: Card) -> list[Paragraph]:
    """What can state a facet: the words on the data, and the description of the model."""
    return list(dict.fromkeys((*data_paragraphs(card), *paragraphs(card.of(Role.DESCRIPTION)))))


def facets(card: Card) -> dict[str, Line]:
    """Each facet that a sentence states, with the line on which it does."""
    found: dict[str, Line] = {}
    for paragraph in _read(card):
        for start, sentence in sentences(paragraph.text[:TEXT_LIMIT]):
            for name, pattern in FACETS.items():
                if name not in found and (seen := pattern.search(sentence)):
                    found[name] = paragraph.line_at(start + seen.start())
    return {name: found[name] for name in FACETS if name in found}


def _records(evidence: Evidence, policy: Policy, said: float) -> Signal:
    """R, or what the card's own words are worth in its place, which makes .65 C of the whole."""
    id, weight = "records", WEIGHTS["records"]
    stand_in = (PROSE_ALONE - WEIGHTS["card"]) / weight * said
    known = [graded(d, policy) for d in evidence.data_sets if d.is_there]
    known.sort(key=lambda each: (-each.grade, each.id))
    grades, count = [each.grade for each in known], len(evidence.data_sets)
    proofs = first([each.proof for each in known[: (len(known) + 1) // 2]])
    proofs = proofs or first([card_line(line) for line in facets(card_of(evidence)).values()], 1)
    if evidence.state("data_sets") is SourceState.UNREACHABLE:
        away = [d.id for d in evidence.data_sets if d.source.state is SourceState.UNREACHABLE]
        low, high = _bounds(grades, len(away), count) if away else (0.0, 1.0)
        reason = f"not read: {', '.join(away)}" if away else "which data sets there are could not be read"
        return Signal.between(id, weight, max(stand_in, low), max(stand_in, high), reason, proofs, _LATER)
    remedy = "Name data sets of the Hub whose cards state licence, structure, creation, splits and limits."
    value = resolved_quality(grades, count)
    reason = "; ".join(each.reason for each in known[:3])
    if value <= stand_in:
        value = stand_in
        reason = "no data set of the Hub says more than the card itself" if said else "no data set is known"
    return Signal.of(id, weight, value, reason, proofs if value else (), remedy)


def resolved_quality(grades: Sequence[float], named: int) -> float:
    """R: the mean of the better half of the grades, by the share of the named that the Hub has."""
    if not grades:
        return 0.0
    better = sorted(grades, reverse=True)[: (len(grades) + 1) // 2]
    return sum(better) / len(better) * (0.6 + 0.4 * len(grades) / named)


def _bounds(grades: Sequence[float], away: int, named: int) -> tuple[float, float]:
    """The least and the most that R can be, each unread data set being absent, bad or excellent."""
    worst = [resolved_quality([*grades, *[0.0] * there], named) for there in range(away + 1)]
    best = [resolved_quality([*grades, *[1.0] * there], named) for there in range(away + 1)]
    return min(worst), max(best)
