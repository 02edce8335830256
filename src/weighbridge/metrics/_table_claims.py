"""Results in tables of evaluation sections.

Read are tables with numbers whose headers name measures or benchmarks; a log of training (epochs,
steps, losses) is none. A column counts once, however many models and rows the table compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from weighbridge.domain.card import Card, Role
from weighbridge.domain.markdown import Line, Section, Table
from weighbridge.metrics._claims import (
    BENCHMARK,
    METRIC,
    PROTOCOL,
    SPLIT,
    TABLE,
    TEXT_LIMIT,
    Claim,
    number_of,
)
from weighbridge.metrics._proofs import card_line

_TRAINING_LOG = re.compile(
    r"epochs?|(?:global )?steps?|iterations?|(?:train(?:ing)?|validation|eval) loss", re.IGNORECASE
)
_NOT_RESULTS = re.compile(r"\b(?:shots?|params?|parameters|size|#|epochs?|tokens|date|rank)\b", re.IGNORECASE)
ROW_LIMIT = 200
"""Rows of one table that are read; a results table has some tens."""
_DATA_COLUMN = re.compile(
    r"(?:benchmarks?|data ?sets?|tasks?|metrics?|evaluation|test(?: set)?|category|corpus)", re.IGNORECASE
)


def table_claims(card: Card, name: str) -> Iterator[Claim]:
    """What the result tables state of this model; ``name`` is the repository's."""
    for section in card.of(Role.EVALUATION):
        for table in section.tables:
            yield from _table_claims(table, section, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What the text around a table says of how its numbers came about."""

    split: str
    metric: str
    has_protocol: bool


def _table_claims(table: Table, section: Section, name: str) -> Iterator[Claim]:
    heads, rows = _heads(table)
    if not rows or any(_TRAINING_LOG.fullmatch(head.strip()) for head in table.header):
        return
    setting = _setting(section, table)
    by_row = any(_DATA_COLUMN.fullmatch(head.strip()) for head in heads) or _labels_are_benchmarks(rows)
    measures = [i for i, head in enumerate(heads) if i and _tells(head) and not _NOT_RESULTS.search(head)]
    labels = [label for _, cells in rows if (label := _label(cells))]
    if by_row and labels and (measures or any(map(_tells, labels))):
        yield from _row_claims(heads, rows, measures, setting, name)
        return
    line, cells = next((row for row in rows if name.casefold() in row[1][0].casefold()), rows[0])
    for column, head in enumerate(heads[: len(cells)]):
        if _tells(head) and not _NOT_RESULTS.search(head) and number_of(cells[column]) is not None:
            yield _cell_claim(line, cells[column], head, setting)


def _row_claims(
    heads: Sequence[str],
    rows: Sequence[tuple[Line, tuple[str, ...]]],
    measures: Sequence[int],
    setting: _Setting,
    name: str,
) -> Iterator[Claim]:
    """A table with one result, or one data set, in each row."""
    for line, cells in rows:
        label = _label(cells)
        for column in _columns_of(heads, cells, measures, name) if label else ():
            if column in measures:
                yield _cell_claim(line, cells[column], f"{label} {heads[column]}", setting)
            elif _tells(label):
                yield _cell_claim(line, cells[column], label, setting)


def _label(cells: Sequence[str]) -> str:
    """What a row says besides its numbers."""
    return " ".join(cell for cell in cells if number_of(cell) is None).strip()


def _heads(table: Table) -> tuple[list[str], list[tuple[Line, tuple[str, ...]]]]:
    """Column headers, rows without any number beneath the rule included, and the rows of numbers."""
    heads, rows = list(table.header), list(table.rows)
    while rows and len(rows) > 1 and not any(number_of(cell) is not None for cell in rows[0][1]):
        cells = rows.pop(0)[1]
        if not any(METRIC.search(cell) for cell in cells):
            break
        heads = [f"{head} {cell}" for head, cell in zip(heads, cells, strict=False)] + heads[len(cells) :]
    return heads, [row for row in rows[:ROW_LIMIT] if any(number_of(cell) is not None for cell in row[1])]


def _labels_are_benchmarks(rows: Sequence[tuple[Line, tuple[str, ...]]]) -> bool:
    return sum(bool(_tells(row[1][0])) for row in rows) * 2 > len(rows)


def _columns_of(heads: Sequence[str], cells: Sequence[str], measures: Sequence[int], name: str) -> list[int]:
    """The columns of one row that hold this model's numbers."""
    numeric = [
        i
        for i in range(1, min(len(cells), len(heads)))
        if number_of(cells[i]) is not None and not _NOT_RESULTS.search(heads[i])
    ]
    if measures:
        return [i for i in numeric if i in measures]
    return [i for i in numeric if name.casefold() in heads[i].casefold()][:1] or numeric[:1]


def _tells(label: str) -> bool:
    label = label[:TEXT_LIMIT]
    return bool(METRIC.search(label) or BENCHMARK.search(label))


def _cell_claim(line: Line, cell: str, label: str, setting: _Setting) -> Claim:
    label = label[:200]
    metric = METRIC.search(label)
    dataset = " ".join(METRIC.sub(" ", label).split()).strip("()[]:, ")
    return Claim(
        rung=TABLE,
        metric=metric[0] if metric else setting.metric,
        dataset=dataset,
        split=setting.split,
        value=number_of(cell),
        has_protocol=setting.has_protocol,
        proof=card_line(line),
    )


def _setting(section: Section, table: Table) -> _Setting:
    said = " ".join([section.title, *table.header, *(p.text for p in section.paragraphs)])[:TEXT_LIMIT]
    raw = " ".join(line.raw for p in section.paragraphs for line in p.lines)[:TEXT_LIMIT]
    split, metric = SPLIT.search(said.replace("Evaluation", "")), METRIC.search(said)
    return _Setting(
        split=split[0] if split else "",
        metric=metric[0] if metric else "",
        has_protocol=bool(PROTOCOL.search(said) or PROTOCOL.search(raw)),
    )
