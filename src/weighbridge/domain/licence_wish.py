"""What a policy says of licences: which ones may be in force, and for what use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, text, texts
from weighbridge.domain.licence import Category, licence_of
from weighbridge.domain.terms import Holding, Terms, Whose, spelled, use_of

COMMERCIAL = ("required", "unconditional")
CATEGORIES = tuple(category.value for category in Category)
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

    def __post_init__(self) -> None:
        if self.commercial not in ("", *COMMERCIAL):
            raise Invalid("commercial", self.commercial, f"is none of {', '.join(COMMERCIAL)}")
        for category in self.categories:
            if category not in CATEGORIES:
                raise Invalid(
                    "licence category", category, "is not known", hint=f"one of {', '.join(CATEGORIES)}"
                )

    @property
    def asks(self) -> bool:
        """Whether anything is asked at all."""
        return bool(self.commercial or self.spdx or self.categories)

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
        if self.asks and not terms.of(Whose.MODEL):
            found.append("no licence is stated")
        if self.asks:
            silent = [id for id in terms.unknown if id not in terms.unread]
            found += [f"no licence is known of the base model {id}" for id in silent]
        return tuple(dict.fromkeys(found))

    def doubts(self, terms: Terms) -> tuple[str, ...]:
        """What may be a fault, for the licence could not be read; trying again may tell."""
        if not self.asks:
            return ()
        data = terms.unread_data if self.with_data else ()
        return (
            *(f"the licence of the base model {id} could not be read" for id in terms.unread),
            *(f"the licence of the data set {id} could not be read" for id in data),
        )

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

    @classmethod
    def from_json(cls, source: JsonObject) -> LicenceWish:
        """Read what ``to_json`` wrote; an empty object asks nothing.

        Raises:
            Invalid: a field is not what it must be.
        """
        return cls(
            commercial=text(source, "commercial") or "",
            spdx=texts(source, "spdx"),
            categories=texts(source, "categories"),
            with_data=source.get("with_data") is not False,
        )


def _of(holding: Holding) -> str:
    return "" if holding.whose is Whose.MODEL else f" (of the {holding.whose.value} {holding.repo})"


def outside(allowed: Sequence[str], terms: Terms) -> tuple[str, ...]:
    """Why a model is not under licences of a list, one clause each; empty where it is.

    This is the question of whoever runs a model (``ALLOWED_LICENSES``): are its own licence and those of
    all its base models among these? ``allowed`` holds single licences, in SPDX's spelling or in the
    Hub's, in any case, and classes of licences (``CATEGORIES``); to be any one of them is enough. An SPDX
    expression is taken apart before (``adapters.spdx.permitted``). A licence that is not stated, not
    known or could not be read is outside: at a start nobody can be asked. Data sets do not count, for
    who runs a model does not hand them out. An empty list allows nothing.
    """
    if not allowed:
        return ("the list of licences is empty, so that none is allowed",)
    known = {_named(one) for one in allowed}
    found = [
        f"{holding.licence.id}{_of(holding)} is none of {', '.join(allowed)}"
        for holding in terms.holdings
        if holding.whose is not Whose.DATA
        and known.isdisjoint({holding.licence.id, _named(holding.licence.id), holding.licence.category.value})
    ]
    if not terms.of(Whose.MODEL):
        found.append("no licence is stated")
    found += [
        f"the licence of the base model {id} could not be read"
        if id in terms.unread
        else f"no licence is known of the base model {id}"
        for id in terms.unknown
    ]
    return tuple(dict.fromkeys(found))


def is_wished(wish: str, license: str | None) -> bool:
    """Whether a licence is the one that a model list asks for.

    Both are spelled as the Hub or as SPDX does, in any case; ``apache-2.0 OR mit`` asks for either.
    """
    named = _named(license or "")
    return any(_named(one) == named for one in re.split(r"\s+or\s+", wish, flags=re.IGNORECASE))


def _named(id: str) -> str:
    row = licence_of(id)
    return (spelled(row) if row else id).strip().lower()
