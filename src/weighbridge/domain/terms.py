"""The terms under which a model may be used: its own licence, its base models' and its data sets'.

The least free of them all counts: 35.5 % of the models that applications take over drop a restrictive
clause on the way (arXiv 2509.09873), and 95.8 % come without a licence's text (arXiv 2602.08816).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.licence import PERMISSIVENESS, Licence
from weighbridge.domain.obligations import Obligation, obligations_of

USES = ("commercial_use", "redistribution", "derivatives")
_WORST_FIRST = ("no", "unknown", "conditional", "yes")


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

    ``declared_in`` is where the model declares its licence: ``README.md``, ``tags``, or nowhere (empty);
    a licence that is only there as a text is none that is declared.
    ``against`` are licence texts of the repository that are none of its stated licences; those that
    are less free than what is stated are in force as well, and so among ``holdings``.
    ``unknown`` names the base models whose licence is not known: nothing is allowed for certain then.
    ``unread`` are those of them that could not be asked for, so that trying again may help;
    ``unread_data`` says the same of data sets.
    """

    repo: str
    holdings: tuple[Holding, ...]
    remarks: tuple[Remark, ...] = ()
    unknown: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    unread_data: tuple[str, ...] = ()
    declared_in: str = ""
    against: tuple[Holding, ...] = ()

    def of(self, whose: Whose) -> tuple[Holding, ...]:
        """The licences of one kind of origin."""
        return tuple(holding for holding in self.holdings if holding.whose is whose)

    @property
    def stated(self) -> tuple[Holding, ...]:
        """What the model says of itself: without the texts that say otherwise."""
        return tuple(holding for holding in self.of(Whose.MODEL) if holding not in self.against)

    def least_free(self, permissiveness: Mapping[str, float] = PERMISSIVENESS) -> float | None:
        """How free the model's own and its base models' licences leave its users; None without one."""
        if not self.stated:
            return None
        in_force = (*self.of(Whose.MODEL), *self.of(Whose.BASE))
        return min(holding.licence.permissiveness(permissiveness) for holding in in_force)

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
            "unread_data": list(self.unread_data),
            "advice": "A reading of the licences, not legal advice.",
        }


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
