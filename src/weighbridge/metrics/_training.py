"""What a card says of the data and the making of a model, sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from weighbridge.domain.card import Card, Role
from weighbridge.domain.markdown import Line, Paragraph, Section, distinct_trigrams

_DATA_TITLE = re.compile(r"\bdata|corpus|corpora|dataset", re.IGNORECASE)
_TEST_TITLE = re.compile(r"evaluat|test|result|benchmark", re.IGNORECASE)
_PROCEDURE = re.compile(
    r"learning[ _-]?rate|batch[ _-]?size|epochs?\b|optimi[sz]er|adamw?\b|\bsgd\b|warm-?up|weight decay|"
    r"\bsteps\b|\bTPU|\bGPUs?\b|A100|H100|V100|hyper-?parameters?|fp16|bf16|mixed precision|seed\b|scheduler",
    re.IGNORECASE,
)
CORPORA = re.compile(
    r"\b(?:"
    r"wikipedia|book ?corpus|common ?crawl|c4|mc4|the pile|openwebtext|webtext|cc-?news|"
    r"imagenet(?:-\d+k?)?|ms[ -]?coco|coco|librispeech|common voice|squad|glue|sst-?2|mnli|snli|"
    r"multi-?nli|laion(?:-\w+)?|redpajama|refinedweb|fineweb|oscar|roots|stack ?exchange|ms ?marco|"
    r"natural questions|trivia ?qa|cifar-?10+|mnist|fashion-mnist|ljspeech|voxpopuli|opus|wmt\d*|"
    r"s2orc|reddit comments|flan|super-?natural instructions|dolma|slim ?pajama|starcoderdata|"
    r"the stack|github code|pubmed|arxiv papers|conll-?\d+|ag ?news|imdb"
    r")\b",
    re.IGNORECASE,
)
"""Corpora that can be found by their name alone."""


def data_sections(card: Card) -> tuple[Section, ...]:
    """The sections on the training data; where none is called so, those on training."""
    training = card.of(Role.TRAINING)
    about = tuple(s for s in training if _DATA_TITLE.search(s.title) and not _only_tests(s.title))
    return about or training


def _only_tests(title: str) -> bool:
    return bool(_TEST_TITLE.search(title)) and "train" not in title.lower()


def paragraphs(sections: Sequence[Section]) -> list[Paragraph]:
    """Their prose; quotations speak of other models."""
    return [p for section in sections for p in section.paragraphs if not p.is_quote]


def prose_size(sections: Sequence[Section]) -> int:
    """How many different runs of three words their prose holds."""
    return distinct_trigrams(paragraph.text for paragraph in paragraphs(sections))


def lines_of(sections: Sequence[Section]) -> Iterator[Line]:
    """Every line of their prose."""
    for paragraph in paragraphs(sections):
        yield from paragraph.lines


def procedure_line(card: Card) -> Line | None:
    """The first line of a training section that says how it was trained or on what machines."""
    return next((line for line in lines_of(card.of(Role.TRAINING)) if _PROCEDURE.search(line.text)), None)
