"""What a search shows: a model, who told of it, how long ago, and whether it is held here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.listing import PackageQuery
from weighbridge.domain.model_entry import ModelEntry
from weighbridge.domain.model_search import ModelSearch
from weighbridge.domain.package import Listed, PackageState
from weighbridge.domain.ref import RepoId, RepoKind


class Told(StrEnum):
    """Who told of a model: the Hub now, what was remembered of it, or this registry's catalogue."""

    HUB = "hub"
    INDEX = "index"
    REGISTRY = "registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A model that answers a search. One of ``entry`` and ``package`` is there, often both.

    ``seen_at`` is when ``told`` learned of it: now, when the Hub said so, when the package was added.
    ``package`` is the newest that is served here.
    """

    repo: RepoId
    told: Told
    seen_at: datetime
    entry: ModelEntry | None = None
    package: Listed | None = None

    @property
    def licence(self) -> str | None:
        """As the Hub spells it."""
        return (self.entry.licence if self.entry else None) or (
            self.package.licence if self.package else None
        )

    @property
    def size_bytes(self) -> int | None:
        """Of the package that is held, else as the Hub says."""
        return self.package.size_bytes if self.package else self.entry.size_bytes if self.entry else None

    def age(self, now: datetime) -> timedelta:
        """How long ago ``told`` learned of it."""
        return max(now - self.seen_at, timedelta(0))

    def to_json(self, now: datetime) -> JsonObject:
        """All of it but the lists of files."""
        known = self.entry.to_json() if self.entry else {}
        shown = {key: value for key, value in known.items() if key not in _LEFT_OUT}
        return {
            "name": self.repo.full_name,
            "source": self.told.value,
            "age_seconds": int(self.age(now).total_seconds()),
            **shown,
            "licence": self.licence,
            "size_bytes": self.size_bytes,
            "held": None if self.package is None else self.package.to_json(),
        }


_LEFT_OUT = ("repo", "kind", "files", "card", "fetched_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found, and why others were not asked or did not answer, each in a sentence."""

    hits: tuple[Hit, ...]
    remarks: tuple[str, ...] = ()


def package_query(search: ModelSearch) -> PackageQuery | None:
    """The same question to this registry's catalogue; None: it knows nothing of what is asked for."""
    if search.tags or search.pipeline_tag or search.library or len(search.author.split()) > 1:
        return None
    author = f"{search.author.strip()}/" if search.author.strip() else ""  # the name begins so
    return PackageQuery(
        text=" ".join((*search.words, author)),
        kind=RepoKind.MODEL,
        state=PackageState.ACTIVE,
        licence=search.licence or None,
        limit=search.limit,
    )


def newest_of_each(packages: Iterable[Listed], author: str = "") -> Iterator[Listed]:
    """The first package of each model, of one author where one is named: the newest, if they come so."""
    found: set[RepoId] = set()
    for package in packages:
        if package.repo not in found and author.lower() in ("", package.repo.namespace.lower()):
            found.add(package.repo)
            yield package
