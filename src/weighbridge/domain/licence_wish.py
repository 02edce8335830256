"""What a policy says of licences: which ones may be in force, and for what use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.terms import Holding, Terms, Whose, spelled, use_of

_SAYS = {
    "no": "forbids commercial use",
    "unknown": "does not tell about commercial use",
    "conditional": "allows commercial use on conditions only",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceWish:
    """What a policy allows; all that is asked must hold.

    ``commercial``: ``""`` (not asked), ``required`` (allowed, perhaps on conditions) or
    ``unconditional``. ``spdx`` are the SPDX identifiers that may be in force, ``categories`` the
    classes of licences (``licence.Category``); empty means any. ``with_data``: data sets count too.
    """

    commercial: str = ""
    spdx: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    with_data: bool = True

    def faults(self, terms: Terms) -> tuple[str, ...]:
        """Why these terms are not allowed, one clause each; empty where they are."""
        counted = [h for h in terms.holdings if self.with_data or h.whose is not Whose.DATA]
        found = list(self._commercial_faults(terms, counted))
        for holding in counted:
            row, of = holding.licence, _of(holding)
            if self.spdx and row.spdx.lower() not in {one.lower() for one in self.spdx}:
                found.append(f"{spelled(row)}{of} is none of {', '.join(self.spdx)}")
            if self.categories and row.category.value not in self.categories:
                found.append(f"{row.id}{of} is {row.category.value}, not {' or '.join(self.categories)}")
        asks = self.commercial or self.spdx or self.categories
        if asks and not terms.of(Whose.MODEL):
            found.append("no licence is stated")
        if asks:
            found += [f"no licence is known of the base model {id}" for id in terms.unknown]
        return tuple(dict.fromkeys(found))

    def _commercial_faults(self, terms: Terms, counted: Sequence[Holding]) -> Iterable[str]:
        if not self.commercial:
            return
        enough = ("yes",) if self.commercial == "unconditional" else ("yes", "conditional")
        for holding in counted:
            use = use_of(holding.licence, "commercial_use")
            if use not in enough:
                yield f"{holding.licence.id}{_of(holding)} {_SAYS[use]}"

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "commercial": self.commercial,
            "spdx": list(self.spdx),
            "categories": list(self.categories),
            "with_data": self.with_data,
        }


def _of(holding: Holding) -> str:
    return "" if holding.whose is Whose.MODEL else f" (of the {holding.whose.value} {holding.repo})"
