"""How packages are found: what a list is asked for, and its rows, which know nothing of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import is_unicode
from weighbridge.domain.licence import Category, ids_of_category
from weighbridge.domain.package import Listed, Package, PackageState, Version
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.waiver import METRICS

MOST_WORDS = 8
"""How many words a search may have; each one is looked for by itself."""
SEARCHED = 300
"""How much of a description is searched, in characters."""


class Sort(StrEnum):
    """What a list is in the order of; its value is that of a package never changes."""

    CREATED_AT = "created_at"
    NAME = "name"
    NET_SCORE = "net_score"
    SIZE_BYTES = "size_bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageQuery:
    """Which packages, in which order, and which page of them.

    ``text`` is words that the name or the beginning of the description must have, all of them, as any
    part and in any case.
    ``name`` is the whole name in any case. ``licence`` is an identifier as the Hub spells it, or a
    ``Category``. ``minima`` are what metrics must reach; a metric that was not judged reaches
    nothing. ``since`` is the first instant. ``rising`` None: the newest, the highest score and the
    largest first, names from a to z. ``after`` is the id of the last package of the page before.
    """

    text: str = ""
    kind: RepoKind | None = None
    name: str | None = None
    state: PackageState | None = None
    licence: str | None = None
    min_net_score: float | None = None
    minima: Mapping[str, float] = field(default_factory=dict)
    by: str | None = None
    since: datetime | None = None
    sort: Sort = Sort.CREATED_AT
    rising: bool | None = None
    limit: int = 100
    after: str | None = None
    counted: bool = False

    def __post_init__(self) -> None:
        for value in (self.text, self.name, self.licence, self.by, self.after):
            if value is not None and (not is_unicode(value) or "\0" in value):
                raise Invalid("filter", value, "is not text")
        if len(self.words) > MOST_WORDS:
            raise Invalid("search", self.text, f"has more than {MOST_WORDS} words")
        for metric in self.minima:
            if metric not in METRICS:
                raise Invalid("metric", metric, "is none of the gate", hint="one of " + ", ".join(METRICS))
        if self.since is not None and self.since.tzinfo is None:
            raise Invalid(
                "since", str(self.since), "has no time zone", hint="write it as 2026-11-21T08:00:00Z"
            )

    @property
    def words(self) -> Sequence[str]:
        """The words of the search, in lower case."""
        return self.text.lower().split()

    @property
    def is_rising(self) -> bool:
        """Whether the smallest comes first."""
        return self.sort is Sort.NAME if self.rising is None else self.rising

    @property
    def licences(self) -> Sequence[str] | None:
        """The identifiers that are asked for; None: any."""
        if self.licence is None:
            return None
        asked = self.licence.strip().lower()
        return ids_of_category(Category(asked)) if asked in list(Category) else (asked,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A page; ``next`` is the ``after`` of the next one, None at the end.

    ``total`` counts all pages, where it was asked for.
    """

    packages: Sequence[Listed]
    next: str | None
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Every package of a name, the highest version first.

    ``latest`` is the highest one that is served and no pre-release, else the highest that is served.
    ``next`` is what a new package of this name would be numbered without a tag; None: not told.
    """

    repo: RepoId
    packages: Sequence[Listed]
    latest: Listed | None
    next: Version | None


def versions_of(repo: RepoId, packages: Sequence[Listed], next: Version | None) -> Versions:
    """The packages of one name in the order of their versions (semver.org 2.0.0, section 11)."""
    ordered = sorted(packages, key=lambda package: package.version.precedence, reverse=True)
    served = [package for package in ordered if package.state is PackageState.ACTIVE]
    final = [package for package in served if not package.version.is_pre_release]
    latest = (final or served)[0] if served else None
    return Versions(repo=repo, packages=ordered, latest=latest, next=next)


def searched_text(package: Package) -> str:
    """What the words of a search are looked for in: it is part of an index, whose entries are short."""
    return f"{package.name}\n{package.description[:SEARCHED]}".lower()
