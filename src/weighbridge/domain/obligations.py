"""What a licence asks of those who use a model: one sentence each, read out of the licence table.

A reading of the licences, not legal advice: rows of low confidence say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.licence import Category, Licence

_OF_CATEGORY: dict[Category, tuple[tuple[str, str], ...]] = {
    Category.RAIL: (
        ("use policy", "Keep to the licence's use restrictions and pass them on to everybody downstream."),
    ),
    Category.COPYLEFT: (
        ("share alike", "Share what you change or derive under the same licence, with its source."),
    ),
    Category.WEAK_COPYLEFT: (("share alike", "Share your changes to its own files under the same licence."),),
    Category.NETWORK_COPYLEFT: (
        ("share alike", "Share what you change or derive under the same licence, with its source."),
        ("network use", "Offer the source also to those who only use it over a network."),
    ),
    Category.NONCOMMERCIAL: (("no commercial use", "Do not use it, or what it makes possible, for money."),),
    Category.NO_DERIVATIVES: (
        ("no derivatives", "Do not share adapted copies: neither fine-tunes nor quantised files."),
    ),
    Category.RESEARCH: (("research only", "Use it for research only, not in production or for money."),),
    Category.DATA: (("use policy", "Use the data for computation only, on the licence's terms."),),
    Category.AMBIGUOUS: (
        ("unknown terms", "Find out the terms before use; until then all rights are reserved."),
    ),
}
_NOTICE = (
    "apache",
    "mit",
    "bsd",
    "isc",
    "ecl",
    "afl",
    "artistic",
    "epl",
    "mpl",
    "eupl",
    "zlib",
    "ncsa",
    "postgresql",
    "openmdw",
    "bsl-1.0",
    "ms-pl",
    "lppl",
    "ofl",
    "osl",
)
_NO_NOTICE = ("wtfpl", "unlicense", "cc0", "pddl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """One thing to do or not to do. ``kind`` is stable (``attribution``, ``notice``, ``user limit``)."""

    kind: str
    text: str
    licence: str

    def to_json(self) -> JsonObject:
        """All fields."""
        return {"kind": self.kind, "text": self.text, "licence": self.licence}


def obligations_of(licence: Licence) -> tuple[Obligation, ...]:
    """What one licence asks for, in a fixed order."""
    found: dict[str, str] = {}
    if licence.id.startswith("cc-by") or licence.id in ("etalab-2.0", "odc-by", "odbl"):
        found["attribution"] = "Name the authors, link the licence and say what you changed."
    elif licence.id.startswith(_NOTICE) and not licence.id.startswith(_NO_NOTICE):
        found["notice"] = "Keep the copyright notice and the licence text with every copy."
    if licence.id == "apache-2.0":
        found["notice"] = "Keep LICENSE and NOTICE with every copy, and say what you changed."
    if licence.category in (Category.COMMUNITY, Category.CUSTOM, Category.RAIL):
        found.update(_of_vendor(licence))
    for kind, text in _OF_CATEGORY.get(licence.category, ()):
        found.setdefault(kind, text)
    return tuple(Obligation(kind=kind, text=text, licence=licence.id) for kind, text in found.items())


def _of_vendor(licence: Licence) -> dict[str, str]:
    """The terms of vendors' own licences, as far as the table's notes name them."""
    notes = licence.notes.replace("as llama3.1", _LLAMA)
    found = {}
    if users := re.search(r"(?:over )?(\d+) ?(?:million|M) (?:monthly )?users", notes):
        found["user limit"] = f"Ask for a licence of your own above {users[1]} million monthly users."
    if revenue := re.search(r"(\d+) M USD (\w+) revenue", notes):
        limit = f"{revenue[1]} million USD of {revenue[2]} revenue"
        found["revenue limit"] = f"Ask for a licence of your own above {limit}."
    if re.search(r"acceptable use policy|AUP|prohibited|xAI policy|guardrails", notes):
        found["use policy"] = "Keep to the vendor's use policy and pass it on."
    if "Built with" in notes or "attribution" in notes:
        found["attribution"] = "Show the vendor's attribution where the model is used."
    if "names" in notes:
        found["name"] = "Give derivatives the name that the licence asks for."
    if "NOTICE" in notes and licence.id != "apache-2.0":
        found["notice"] = "Keep the licence's NOTICE line with every copy."
    if "not to" in notes:
        found["outputs"] = "Do not use the outputs to make or improve other models."
    if re.search(r"\bEU\b", notes):
        found["region"] = "Not granted, or not for all models, to those in the EU: read the licence."
    if licence.category in (Category.COMMUNITY, Category.CUSTOM):
        found.setdefault("terms", f"Read the licence: {licence.notes}.")
    return found


_LLAMA = "700 M users; AUP; Built with Llama; names start with Llama; NOTICE line"
