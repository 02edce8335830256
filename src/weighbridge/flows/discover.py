"""A search: of the Hub, or of what is remembered and held here where the Hub cannot be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Protocol

from weighbridge.domain.discovery import Discovery, Hit, Told, newest_of_each, package_query
from weighbridge.domain.listing import PackageQuery
from weighbridge.domain.model_entry import ModelEntry
from weighbridge.domain.model_search import MOST_FOUND, FoundModels, ModelSearch
from weighbridge.domain.package import Listed
from weighbridge.domain.ref import RepoId
from weighbridge.errors import StoreDown, Unreachable
from weighbridge.flows.listed import Finder, listed


class Remembered(Protocol):
    """What is remembered of a Hub's models. Every method raises StoreDown."""

    def get(self, repo: RepoId) -> ModelEntry | None:
        """What is known of one, however old."""

    def put(self, entries: Iterable[ModelEntry]) -> None:
        """Remember."""

    def search(self, search: ModelSearch) -> FoundModels:
        """A page of what answers."""


class Held(Protocol):
    """The packages of this registry. Every method raises StoreDown."""

    def matching(self, query: PackageQuery) -> Iterable[Listed]:
        """All that answer, the newest first; ``limit`` of them are asked for at once."""

    def of(self, repos: Sequence[RepoId]) -> Sequence[Listed]:
        """Those of some repositories that are served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where models are looked for. Without ``hub`` it is not asked; without ``held`` there is no registry."""

    hub: Finder | None
    remembered: Remembered
    held: Held | None
    now: Callable[[], datetime]


def discover(search: ModelSearch, places: Places) -> Discovery:
    """The models that answer, each with who told of it and when.

    Raises:
        Denied, BadListing: the Hub answers with that.
        StoreDown: the Hub cannot be asked, and what is remembered cannot be read.
    """
    if places.hub is None:
        return _offline(search, places, "the Hub was not asked")
    remarks: list[str] = []

    def remember(entries: Iterable[ModelEntry]) -> None:
        try:
            places.remembered.put(entries)
        except StoreDown as error:
            remarks.append(f"{error}; what the Hub said is not remembered")

    try:
        found = listed(search.to_hub(), search.limit, places.hub, remember, places.now)
    except Unreachable as error:
        return _offline(search, places, f"{error}; this is what is remembered and held here")
    hits = [Hit(repo=row.repo, told=Told.HUB, seen_at=row.fetched_at, entry=row) for row in found]
    return _marked(hits, places, remarks[:1])


def _offline(search: ModelSearch, places: Places, why: str) -> Discovery:
    """What is held here first: it can be used without the Hub."""
    remarks, here = [why], dict[RepoId, Listed]()
    query = package_query(search)
    if places.held is not None and query is not None:
        try:
            newest = newest_of_each(places.held.matching(query), search.author)
            here = {package.repo: package for package in islice(newest, search.limit)}
        except StoreDown as error:
            remarks.append(str(error))
    hits = [
        Hit(
            repo=repo,
            told=Told.REGISTRY,
            seen_at=package.created_at,
            entry=places.remembered.get(repo),
            package=package,
        )
        for repo, package in here.items()
    ]
    if left := search.limit - len(hits):
        enough = min(left + len(here), MOST_FOUND)  # some of them may be held here
        found = places.remembered.search(replace(search, limit=enough)).entries
        others = [entry for entry in found if entry.repo not in here][:left]
        hits += (
            Hit(repo=entry.repo, told=Told.INDEX, seen_at=entry.fetched_at, entry=entry) for entry in others
        )
    if not hits:
        remarks.append("nothing that answers is known here; 'weighbridge catalog sync' learns the Hub's list")
    return _marked(hits, places, remarks)


def _marked(hits: Sequence[Hit], places: Places, remarks: Sequence[str]) -> Discovery:
    """The hits with their packages here."""
    if places.held is None:
        return Discovery(hits=tuple(hits), remarks=tuple(remarks))
    try:
        held = places.held.of([hit.repo for hit in hits if hit.package is None])
        newest = sorted(held, key=attrgetter("created_at"), reverse=True)
        here = {package.repo: package for package in newest_of_each(newest)}
    except StoreDown as error:
        return Discovery(hits=tuple(hits), remarks=(*remarks, str(error)))
    marked = (replace(hit, package=hit.package or here.get(hit.repo)) for hit in hits)
    return Discovery(hits=tuple(marked), remarks=tuple(remarks))
