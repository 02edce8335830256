"""What a card says of the data and the making of a model, sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from weighbridge.domain.card import Card, Role
from weighbridge.domain.markdown import Line, Paragraph, Section, distinct_trigrams, words

_DATA_TITLE = re.compile(r"\bdata|corpus|corpora|dataset", re.IGNORECASE)
_DATA_WORD = re.compile(r"\b(?:data|datasets?|corpus|corpora|recordings)\b", re.IGNORECASE)
_MACHINE_TITLE = re.compile(r"hardware|compute|infrastructure|environmental impact", re.IGNORECASE)
_TEST_TITLE = re.compile(r"evaluat|test|result|benchmark", re.IGNORECASE)
_SENTENCE = re.compile(r"(?:[^.!?;]|[.!?;](?!\s))+[.!?;]*")
FEWEST_WORDS = 5
_LETTERS = re.compile(r"[^\W\d_]{2}")
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


def training_sections(card: Card) -> tuple[Section, ...]:
    """The sections on training with all beneath them, whatever it is called, but for evaluations."""
    found = []
    outer: int | None = None
    for section, roles in zip(card.sections, card.roles, strict=True):
        if outer is not None and section.level <= outer:
            outer = None
        if Role.TRAINING in roles:
            outer = section.level if outer is None else outer
            found.append(section)
        elif outer is not None and Role.EVALUATION not in roles:
            found.append(section)
    return tuple(found)


def data_sections(card: Card) -> tuple[Section, ...]:
    """The sections on the training data, by their titles."""
    training = training_sections(card)
    return tuple(s for s in training if _DATA_TITLE.search(s.title) and not _only_tests(s.title))


def data_paragraphs(card: Card) -> list[Paragraph]:
    """What is said of the training data: all of such sections, else what speaks of data in the others."""
    about = paragraphs(data_sections(card))
    if about:
        return about
    return [p for p in paragraphs(training_sections(card)) if _DATA_WORD.search(p.text)]


def _only_tests(title: str) -> bool:
    return bool(_TEST_TITLE.search(title)) and "train" not in title.lower()


def paragraphs(sections: Sequence[Section]) -> list[Paragraph]:
    """Their prose; quotations speak of other models."""
    return [p for section in sections for p in section.paragraphs if not p.is_quote]


def prose_size(sections: Sequence[Section]) -> int:
    """How many different runs of three words their prose holds."""
    return distinct_trigrams(paragraph.text for paragraph in paragraphs(sections))


def data_said(card: Card) -> list[tuple[Line, str]]:
    """What is said of the training data, paragraph by paragraph, then the tables without their numbers."""
    said = [(paragraph.lines[0], paragraph.text) for paragraph in data_paragraphs(card)]
    return said + list(_labels(data_sections(card)))


def _labels(sections: Sequence[Section]) -> Iterator[tuple[Line, str]]:
    """The rows of their tables without the numbers: a list of sources is often a table."""
    for section in sections:
        for table in section.tables:
            for line, cells in table.rows:
                if text := " ".join(cell for cell in cells if _LETTERS.search(cell)):
                    yield line, text


def sentences(said: str) -> Iterator[tuple[int, str]]:
    """The sentences of a paragraph that hold five words or more, each with where it begins.

    Fewer words are a label or a list of catchwords: they state nothing.
    """
    for match in _SENTENCE.finditer(said):
        if len(words(match[0])) >= FEWEST_WORDS:
            yield match.start(), match[0]


def lines_of(sections: Sequence[Section]) -> Iterator[Line]:
    """Every line of their prose."""
    for paragraph in paragraphs(sections):
        yield from paragraph.lines


def procedure_sections(card: Card) -> tuple[Section, ...]:
    """The sections that would say how it was trained and on what machines."""
    machines = tuple(s for s in card.sections if _MACHINE_TITLE.search(s.title))
    return tuple(dict.fromkeys((*training_sections(card), *machines)))


def procedure_line(card: Card) -> Line | None:
    """The first line that says how it was trained or on what machines."""
    return next((line for line in lines_of(procedure_sections(card)) if _PROCEDURE.search(line.text)), None)
