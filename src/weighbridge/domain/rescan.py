"""What a rescan came to, package by package."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from weighbridge.domain.json_values import JsonObject


class Fate(StrEnum):
    """What became of one package."""

    KEPT = "kept"
    WITHDRAWN = "withdrawn"
    CURRENT = "current"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescanned:
    """One package: ``before`` and ``after`` are verdicts, ``after`` empty where nobody looked.

    ``reason`` says why it was withdrawn, or why nothing could be told: then it is served as before
    and the next rescan looks again.
    """

    package_id: str
    name: str
    version: str
    fate: Fate
    before: str = ""
    after: str = ""
    reason: str = ""

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "package_id": self.package_id,
            "name": self.name,
            "version": self.version,
            "fate": self.fate.value,
            "before": self.before,
            "after": self.after,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescan:
    """Every package that was looked at or passed over, and the rule set that did."""

    rules: str
    packages: tuple[Rescanned, ...]

    def count(self, fate: Fate) -> int:
        """How many came to this."""
        return Counter(each.fate for each in self.packages)[fate]

    def of(self, *fates: Fate) -> Iterable[Rescanned]:
        """Those that came to one of these."""
        return (each for each in self.packages if each.fate in fates)

    def to_json(self) -> JsonObject:
        """The counts on top; packages that are current are only counted."""
        told = self.of(Fate.WITHDRAWN, Fate.UNSURE, Fate.KEPT)
        return {
            "rules": self.rules,
            "counts": {fate.value: self.count(fate) for fate in Fate},
            "packages": [each.to_json() for each in told],
        }
