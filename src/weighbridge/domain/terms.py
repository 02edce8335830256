"""The terms under which a model may be used: its own licence, its base models' and its data sets'.

The least free of them all counts: 35.5 % of the models that applications take over drop a restrictive
clause on the way (arXiv 2509.09873), and 95.8 % come without a licence's text (arXiv 2602.08816).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from weighbridge.domain.evidence import Evidence, SourceState
from weighbridge.domain.json_values import JsonObject, text, texts
from weighbridge.domain.licence import (
    PERMISSIVENESS,
    Licence,
    stated_by_parent,
    stated_in_front_matter,
    stated_in_tags,
)
from weighbridge.domain.obligations import Obligation, obligations_of

USES = ("commercial_use", "redistribution", "derivatives")
_WORST_FIRST = ("no", "unknown", "conditional", "yes")
_VERSIONED = ("gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "agpl-3.0")


class Whose(StrEnum):
    """What a licence in force belongs to."""

    MODEL = "model"
    BASE = "base model"
    DATA = "data set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A licence in force: whose it is, of which repository, and where it is stated."""

    whose: Whose
    repo: str
    licence: Licence
    stated_in: str

    def to_json(self) -> JsonObject:
        """The licence spelled out, with what it allows."""
        row = self.licence
        return {
            "whose": self.whose.value,
            "repo": self.repo,
            "stated_in": self.stated_in,
            "license": row.id,
            "name": row.name,
            "spdx": row.spdx,
            "category": row.category.value,
            "commercial_use": row.commercial_use,
            "redistribution": row.redistribution,
            "derivatives": row.derivatives,
            "confidence": row.confidence,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something about the licences that a reader has to know; ``rule`` is stable."""

    rule: str
    message: str

    def to_json(self) -> JsonObject:
        """Both fields."""
        return {"rule": self.rule, "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All licences in force, and what is remarkable about them.

    ``unknown`` names the base models whose licence is not known: nothing is allowed for certain then.
    ``unread`` are those of them that could not be asked for, so that trying again may help.
    """

    repo: str
    holdings: tuple[Holding, ...]
    remarks: tuple[Remark, ...] = ()
    unknown: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def of(self, whose: Whose) -> tuple[Holding, ...]:
        """The licences of one kind of origin."""
        return tuple(holding for holding in self.holdings if holding.whose is whose)

    def use(self, what: str) -> str:
        """Whether ``commercial_use``, ``redistribution`` or ``derivatives`` is allowed by all together.

        ``yes``, ``conditional``, ``unknown`` or ``no``; the data sets do not speak of redistribution,
        for the model does not hand them out.
        """
        found = [
            use_of(holding.licence, what)
            for holding in self.holdings
            if what == "commercial_use" or holding.whose is not Whose.DATA
        ]
        found += ["unknown"] * bool(self.unknown or not self.of(Whose.MODEL))
        return min(found, key=_WORST_FIRST.index)

    @property
    def effective(self) -> tuple[Licence, ...]:
        """The different licences in force, the least free first."""
        rows = {holding.licence.id: holding.licence for holding in self.holdings}
        return tuple(sorted(rows.values(), key=lambda row: (row.permissiveness(PERMISSIVENESS), row.id)))

    @property
    def obligations(self) -> tuple[Obligation, ...]:
        """What all the licences together ask for, each thing once for each licence."""
        return tuple(one for licence in self.effective for one in obligations_of(licence))

    def to_json(self) -> JsonObject:
        """Everything, with the derived fields spelled out for readers."""
        return {
            "repo": self.repo,
            **{what: self.use(what) for what in USES},
            "effective": [spelled(row) for row in self.effective],
            "licences": [holding.to_json() for holding in self.holdings],
            "obligations": [one.to_json() for one in self.obligations],
            "remarks": [remark.to_json() for remark in self.remarks],
            "unknown": list(self.unknown),
            "unread": list(self.unread),
            "advice": "A reading of the licences, not legal advice.",
        }


def terms_of(evidence: Evidence, known_texts: Mapping[str, Licence | None]) -> Terms:
    """The terms of a revision; ``known_texts`` says of each licence file which licence its text is."""
    own = _own(evidence, known_texts)
    inherited, silent = _of_parents(evidence)
    data = _of_data_sets(evidence)
    return Terms(
        repo=evidence.repo.full_name,
        holdings=(*own, *inherited, *data),
        remarks=tuple(_remarks(evidence, own, inherited, data, silent, known_texts)),
        unknown=silent,
        unread=tuple(p.id for p in evidence.parents if p.source.state is SourceState.UNREACHABLE),
    )


def _own(evidence: Evidence, known_texts: Mapping[str, Licence | None]) -> tuple[Holding, ...]:
    """What the card states, else the tags, else the texts; a text says what ``other`` leaves open."""
    by_text = [(path, row) for path, row in sorted(known_texts.items()) if row]
    where, stated = "README.md", stated_in_front_matter(evidence.front_matter or {})
    if not stated:
        where, stated = "tags", stated_in_tags(texts(evidence.info, "tags"))
    found = [] if stated else by_text
    for row in stated:
        found += by_text if row.id == "other" and by_text else [(where, row)]
    return tuple(_held(Whose.MODEL, evidence.repo.full_name, row, at) for at, row in dict.fromkeys(found))


def _of_parents(evidence: Evidence) -> tuple[tuple[Holding, ...], tuple[str, ...]]:
    held, silent = [], []
    for parent in evidence.parents:
        rows = stated_by_parent(parent.info or {})
        if not any(row.is_resolved for row in rows):
            silent.append(parent.id)
        held += [_held(Whose.BASE, parent.id, row, parent.declared_in) for row in rows if row.is_resolved]
    return tuple(held), tuple(silent)


def _of_data_sets(evidence: Evidence) -> tuple[Holding, ...]:
    return tuple(
        _held(Whose.DATA, data.id, row, data.declared_in)
        for data in evidence.data_sets
        for row in stated_by_parent(data.info or {})
        if row.is_resolved
    )


def _held(whose: Whose, repo: str, licence: Licence, where: str) -> Holding:
    return Holding(whose=whose, repo=repo, licence=licence, stated_in=where)


def _remarks(
    evidence: Evidence,
    own: Sequence[Holding],
    inherited: Sequence[Holding],
    data: Sequence[Holding],
    silent: Sequence[str],
    known_texts: Mapping[str, Licence | None],
) -> Iterable[Remark]:
    if not own:
        yield _remark("none", "No licence is stated: all rights are reserved until one is.")
    for holding in own:
        yield from _traps(holding.licence, evidence, known_texts)
    for path, row in sorted(known_texts.items()):
        if row and own and not any(holding.licence.covers(row) for holding in own):
            stated = ", ".join(holding.licence.id for holding in own)
            yield _remark("mismatch", f"{own[0].stated_in} says {stated}, but {path} is {row.name}.")
    freest = min((h.licence.permissiveness() for h in own), default=0.0)
    for holding in inherited:
        if own and holding.licence.permissiveness() < freest:
            yield _remark(
                "mismatch",
                f"It says {own[0].licence.id}, but its base model {holding.repo} is under "
                f"{holding.licence.name}, which is less free.",
            )
    if own and not known_texts and not _linked(evidence):
        yield _remark(
            "label-without-text", f"It is labelled {own[0].licence.id}, but no licence text is there."
        )
    for id in silent:
        yield _remark("unknown-base", f"No licence is known of its base model {id}.")
    for holding in data:
        if holding.licence.commercial_use == "no":
            told = f"Its data set {holding.repo} is under {holding.licence.name}: no commercial use."
            yield _remark("data", told)
    if evidence.state("data_sets") is SourceState.UNREACHABLE:
        yield _remark("unknown-data", "The licences of its data sets could not be read.")


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


def use_of(licence: Licence, what: str) -> str:
    """What one licence says of ``commercial_use``, ``redistribution`` or ``derivatives``."""
    said = {
        "commercial_use": licence.commercial_use,
        "redistribution": licence.redistribution,
        "derivatives": licence.derivatives,
    }[what]
    return said if said in _WORST_FIRST else "unknown"


def spelled(licence: Licence) -> str:
    """The SPDX identifier; the Hub's where SPDX has none."""
    return licence.id if licence.spdx == "NOASSERTION" else licence.spdx
