"""Results in sentences, references to a paper for them, and praise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from weighbridge.domain.card import Card, Role
from weighbridge.domain.markdown import Paragraph
from weighbridge.domain.score import Proof
from weighbridge.metrics._claims import (
    BENCHMARK,
    METRIC,
    PROSE,
    PROTOCOL,
    SPLIT,
    TEXT_LIMIT,
    Claim,
    number_of,
)
from weighbridge.metrics._proofs import card_line

_FIGURE = r"(?<![\w.,/-])(?P<{name}>\d{{1,3}}(?:[.,]\d{{1,8}})?)(?![\w.,]\d|\w|\s?-?bit)\s?%?"
_METRIC_FIRST = re.compile(
    rf"{METRIC.pattern}(?:\s(?:score|rate))?\*?(?:\s?[:=(≈~]\s?|\s(?:of|is|was|at|reaches|score)\s)"
    rf"(?:about\s|around\s|over\s|up\sto\s|~\s?)?{_FIGURE.format(name='value')}",
    re.IGNORECASE | re.VERBOSE,
)
_FIGURE_FIRST = re.compile(
    rf"{_FIGURE.format(name='value')}\s(?:top-[15]\s|macro\s|micro\s|weighted\s|average\s|overall\s|test\s|validation\s)?"
    rf"{METRIC.pattern}",
    re.IGNORECASE | re.VERBOSE,
)
_ON_TRAINING = re.compile(r"\btrain(?:ing)?[- ](?:set|split|data|accuracy|f1|score)\b", re.IGNORECASE)
_DATASET_NAME = re.compile(r"\bon\s(?:the\s)?(?P<name>[A-Z][\w-]{1,30}(?:\s[A-Z0-9][\w-]{0,30}){0,3})")
_DELEGATES = re.compile(
    r"\b(?:see|refer|found|available|reported|described|detailed|listed|given|consult|check)\b.{0,120}?"
    r"\b(?:paper|(?:technical )?report|publication|preprint|article|table|appendix)\b",
    re.IGNORECASE,
)
_RESULTS = re.compile(r"\b(?:results?|evaluat\w+|benchmarks?|performance|scores?)\b", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://|\]\(|arxiv", re.IGNORECASE)
_PRAISE = re.compile(
    r"state[- ]of[- ]the[- ]art|\bsota\b|\bbest\b|outperform\w*|superior|excellent|impressive|remarkabl\w+|"
    r"cutting[- ]edge|surpass\w*|high(?:est|er|ly)?[- ](?:quality|accura\w+|perform\w+|effective)|"
    r"strong (?:performance|results)|competitive|powerful|world[- ]class|unmatched|revolutionary",
    re.IGNORECASE,
)
MAX_CLAIMS = 300
"""More numbers than any card states in sentences; who repeats one a thousand times gains nothing by it."""
_AROUND = 1000
"""How far a sentence is looked through around its number, in characters."""


def prose_claims(card: Card) -> Iterator[Claim]:
    """Numbers in sentences, the first MAX_CLAIMS. A block quote is somebody else's: it is not read."""
    return islice(_all_claims(card), MAX_CLAIMS)


def _all_claims(card: Card) -> Iterator[Claim]:
    for section in card.sections:
        for paragraph in section.paragraphs:
            if not paragraph.is_quote:
                yield from _sentence_claims(paragraph)


def delegation(card: Card) -> Proof | None:
    """The sentence that refers to a linked paper for the results, if there is one."""
    evaluation = card.of(Role.EVALUATION)
    for section in card.sections:
        for paragraph in section.paragraphs:
            said = paragraph.text[:TEXT_LIMIT]
            about_results = section in evaluation or _RESULTS.search(said)
            linked = any(_ADDRESS.search(line.raw[:TEXT_LIMIT]) for line in paragraph.lines)
            found = _DELEGATES.search(said)
            if found and about_results and linked and not paragraph.is_quote:
                return card_line(paragraph.line_at(found.start()))
    return None


def praise(card: Card) -> Proof | None:
    """The first line that praises without a number."""
    for section in card.sections:
        for paragraph in section.paragraphs:
            for line in paragraph.lines if not paragraph.is_quote else ():
                if _PRAISE.search(line.text[:TEXT_LIMIT]):
                    return card_line(line)
    return None


def _sentence_claims(paragraph: Paragraph) -> Iterator[Claim]:
    said = paragraph.text[:TEXT_LIMIT]
    for pattern in (_METRIC_FIRST, _FIGURE_FIRST):
        for match in pattern.finditer(said):
            metric = METRIC.search(match[0])
            first, last = max(match.start() - _AROUND, 0), match.end() + _AROUND
            start = max(said.rfind(". ", first, match.start()), first)
            end = said.find(". ", match.end(), last)
            sentence = said[start : end if end > 0 else last]
            benchmark = BENCHMARK.search(sentence)
            named = _DATASET_NAME.search(said, match.end(), match.end() + 120)
            split = SPLIT.search(sentence)
            yield Claim(
                rung=PROSE,
                metric=metric[0] if metric else "",
                dataset=named["name"] if named else benchmark[0] if benchmark else "",
                split="train" if _ON_TRAINING.search(sentence) else split[0] if split else "",
                value=number_of(match["value"]),
                has_protocol=bool(PROTOCOL.search(sentence)),
                proof=card_line(paragraph.line_at(match.start("value"))),
            )
