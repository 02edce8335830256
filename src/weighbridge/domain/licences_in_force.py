"""Which licences are in force: the one reading of them that metric, gate, papers and ``info`` share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from weighbridge.domain.base_models import line_of
from weighbridge.domain.evidence import Evidence, SourceState
from weighbridge.domain.json_values import text, texts
from weighbridge.domain.licence import (
    Category,
    Licence,
    stated_by_parent,
    stated_in_front_matter,
    stated_in_tags,
    text_of_its_own,
)
from weighbridge.domain.terms import Holding, Remark, Terms, Whose

_VERSIONED = ("gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "agpl-3.0")


_OPEN = frozenset(
    {
        Category.PERMISSIVE,
        Category.PUBLIC_DOMAIN,
        Category.WEAK_COPYLEFT,
        Category.COPYLEFT,
        Category.NETWORK_COPYLEFT,
    }
)
"""Classes of licences that permit every use; their texts are well known, and nothing is added to them."""


def terms_of(
    evidence: Evidence,
    known_texts: Mapping[str, Licence | None],
    restricting: Mapping[str, str] | None = None,
) -> Terms:
    """The terms of a revision; ``known_texts`` says of each licence file which licence its text is.

    ``restricting`` says of those that are none what they take away, where that was seen.
    """
    declared_in, declared = _declared(evidence)
    by_text = [(path, row) for path, row in sorted(known_texts.items()) if row]
    stated = _stated(evidence.repo.full_name, declared_in, declared, by_text)
    against = _against(evidence.repo.full_name, stated, by_text)
    if stated and all(held.licence.category in _OPEN for held in stated):
        own_texts = [(path, text_of_its_own(said)) for path, said in sorted((restricting or {}).items())]
        against += tuple(_held(Whose.MODEL, evidence.repo.full_name, row, path) for path, row in own_texts)
    least = min((held.licence.permissiveness() for held in stated), default=0.0)
    stricter = tuple(held for held in against if held.licence.permissiveness() < least)
    inherited, silent, unread = _of_parents(evidence)
    data, unread_data = _of_data_sets(evidence)
    terms = Terms(
        repo=evidence.repo.full_name,
        holdings=(*stated, *stricter, *inherited, *data),
        unknown=silent,
        unread=unread,
        unread_data=unread_data,
        declared_in=declared_in,
        against=against,
    )
    return replace(terms, remarks=tuple(_remarks(evidence, terms, known_texts)))


def _declared(evidence: Evidence) -> tuple[str, tuple[Licence, ...]]:
    """Where the model declares its licence, and which: in the card, else as tags."""
    if declared := stated_in_front_matter(evidence.front_matter or {}):
        return "README.md", declared
    declared = stated_in_tags(texts(evidence.info, "tags"))
    return ("tags", declared) if declared else ("", ())


def _stated(
    repo: str, declared_in: str, declared: Sequence[Licence], by_text: Sequence[tuple[str, Licence]]
) -> tuple[Holding, ...]:
    """What is declared, else the texts; a text says what ``other`` leaves open."""
    found = [] if declared else list(by_text)
    for row in declared:
        found += by_text if row.id == "other" and by_text else [(declared_in, row)]
    return tuple(_held(Whose.MODEL, repo, row, at) for at, row in dict.fromkeys(found))


def _against(
    repo: str, stated: Sequence[Holding], by_text: Sequence[tuple[str, Licence]]
) -> tuple[Holding, ...]:
    """The licence files whose text is none of the stated licences."""
    return tuple(
        _held(Whose.MODEL, repo, row, path)
        for path, row in by_text
        if stated and not any(holding.licence.covers(row) for holding in stated)
    )


def _of_parents(evidence: Evidence) -> tuple[tuple[Holding, ...], tuple[str, ...], tuple[str, ...]]:
    """What the base models are under, those without a known licence, and those nobody could ask for."""
    held, silent, unread = [], [], []
    for parent in line_of(evidence):
        rows = [row for row in stated_by_parent(parent.info or {}) if row.is_resolved]
        if not rows:
            silent.append(parent.id)
        if parent.source.state is SourceState.UNREACHABLE:
            unread.append(parent.id)
        held += [_held(Whose.BASE, parent.id, row, parent.declared_in) for row in rows]
    return tuple(held), tuple(silent), tuple(unread)


def _of_data_sets(evidence: Evidence) -> tuple[tuple[Holding, ...], tuple[str, ...]]:
    held = [
        _held(Whose.DATA, data.id, row, data.declared_in)
        for data in evidence.data_sets
        for row in stated_by_parent(data.info or {})
        if row.is_resolved
    ]
    away = [data.id for data in evidence.data_sets if data.source.state is SourceState.UNREACHABLE]
    if not evidence.data_sets and evidence.state("data_sets") is SourceState.UNREACHABLE:
        away = list(dict.fromkeys(texts(evidence.front_matter or {}, "datasets")))
    return tuple(held), tuple(away)


def _held(whose: Whose, repo: str, licence: Licence, where: str) -> Holding:
    return Holding(whose=whose, repo=repo, licence=licence, stated_in=where)


def _remarks(evidence: Evidence, terms: Terms, known_texts: Mapping[str, Licence | None]) -> Iterable[Remark]:
    own = terms.stated
    if not own:
        yield _remark("none", "No licence is stated: all rights are reserved until one is.")
    for holding in own:
        yield from _traps(holding.licence, evidence, known_texts)
    for text_of in terms.against:
        stated = ", ".join(holding.licence.id for holding in own)
        said = f"{own[0].stated_in} says {stated}, but {text_of.stated_in} is {text_of.licence.name}."
        yield _remark("mismatch", said)
    yield from _of_the_line(terms)
    if own and not known_texts and not _linked(evidence):
        yield _remark(
            "label-without-text", f"It is labelled {own[0].licence.id}, but no licence text is there."
        )
    for holding in terms.of(Whose.DATA):
        if holding.licence.commercial_use == "no":
            told = f"Its data set {holding.repo} is under {holding.licence.name}: no commercial use."
            yield _remark("data", told)
    if evidence.state("data_sets") is SourceState.UNREACHABLE:
        yield _remark("unknown-data", "The licences of its data sets could not be read.")


def _of_the_line(terms: Terms) -> Iterable[Remark]:
    """What is remarkable about the base models' licences."""
    least = min((holding.licence.permissiveness() for holding in terms.stated), default=0.0)
    for holding in terms.of(Whose.BASE):
        if holding.licence.permissiveness() < least:
            yield _remark(
                "mismatch",
                f"It says {terms.stated[0].licence.id}, but its base model {holding.repo} is under "
                f"{holding.licence.name}, which is less free.",
            )
    for id in terms.unknown:
        yield _remark("unknown-base", f"No licence is known of its base model {id}.")


def _traps(
    licence: Licence, evidence: Evidence, known_texts: Mapping[str, Licence | None]
) -> Iterable[Remark]:
    if licence.id in _VERSIONED:
        yield _remark(
            "version",
            f"The Hub's {licence.id} does not say 'only' or 'or later'; it is read as {licence.spdx}.",
        )
    if licence.id == "bsl-1.0":
        business = [
            path for path in known_texts if "business source" in (evidence.content(path) or "").lower()
        ]
        if business:
            yield _remark(
                "mismatch",
                f"bsl-1.0 is the Boost licence on the Hub, but {business[0]} is a Business Source License.",
            )
        else:
            yield _remark(
                "boost", "bsl-1.0 is the Boost licence, not the Business Source License (BUSL-1.1)."
            )
    if not licence.is_resolved:
        yield _remark("ambiguous", f"'{licence.id}' does not say which terms hold: {licence.notes}.")
    if licence.confidence == "low" and licence.is_resolved:
        yield _remark("unconfirmed", f"{licence.name} was read from a summary; confirm it with its text.")


def _remark(rule: str, message: str) -> Remark:
    return Remark(rule=f"licence.{rule}", message=message)


def _linked(evidence: Evidence) -> bool:
    link = text(evidence.front_matter or {}, "license_link") or ""
    return link.startswith(("https://", "http://")) or link in evidence.manifest.by_path
