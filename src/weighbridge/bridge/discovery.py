"""The verbs that look around: search, and learn the Hub's list of models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.adapters.model_index import IndexStatus, ModelIndex
from weighbridge.bridge import now
from weighbridge.bridge.upstream import upstream_hub
from weighbridge.domain.access import LOCAL, sight_of
from weighbridge.domain.discovery import Discovery
from weighbridge.domain.endpoint import hub_address
from weighbridge.domain.listing import PackageQuery
from weighbridge.domain.model_search import ModelSearch
from weighbridge.domain.package import Listed, PackageState
from weighbridge.domain.ref import RepoId
from weighbridge.errors import NoAnswer
from weighbridge.flows.discover import Places, discover
from weighbridge.flows.learn import Learned, Walk, learn

if TYPE_CHECKING:
    from weighbridge.adapters.catalog import Catalog
    from weighbridge.adapters.hub_http import HttpHub
    from weighbridge.settings import Settings

__all__ = ["Discover", "IndexStatus", "Learned", "open_discovery", "open_index"]


_TRIES, _PAUSES_S = 2, 5.0
"""A search has another answer where the Hub has none, and somebody waits for it."""


class Discover:
    """One method per verb, for whoever runs a command on the machine that holds the home."""

    def __init__(self, settings: Settings, index: ModelIndex, pause: Callable[[float], None]) -> None:
        """Nothing is asked or opened yet."""
        self._settings, self._index, self._pause = settings, index, pause
        self._open = ExitStack()
        self._open.callback(index.close)

    def search(self, search: ModelSearch, *, offline: bool = False) -> Discovery:
        """The models that answer: of the Hub, else of what is remembered and held here.

        Raises:
            Denied, BadListing: the Hub answers with that.
            StoreDown: the Hub cannot be asked, and what is remembered cannot be read.
        """
        hub = None if offline or self._settings.offline else self._hub(tries=_TRIES, pauses_s=_PAUSES_S)
        places = Places(hub=hub, remembered=self._index, held=self._held(), now=now)
        return discover(search, places)

    def learn(
        self, search: ModelSearch, *, limit: int | None, again: bool, told: Callable[[int], None]
    ) -> Learned:
        """Learn the Hub's list of models, or of those that answer; see ``flows.learn``.

        Raises:
            NoAnswer: this is offline.
            What ``flows.learn.learn`` raises.
        """
        if self._settings.offline:
            raise NoAnswer("the Hub is not asked: HF_HUB_OFFLINE is set", hint="unset HF_HUB_OFFLINE")
        walk = Walk(query=search.to_hub(), limit=limit, again=again, now=now, pause=self._pause, told=told)
        return learn(walk, self._hub(), self._index)

    def status(self) -> IndexStatus:
        """What is remembered. Raises StoreDown."""
        return self._index.status()

    def forget(self) -> None:
        """Remember nothing any more. Raises StoreDown."""
        self._index.clear()

    def now(self) -> datetime:
        """By this clock the hits are so old."""
        return now()

    def close(self) -> None:
        """Give back what was opened."""
        self._open.close()

    def _hub(self, tries: int = 5, pauses_s: float = 120.0) -> HttpHub:
        from weighbridge.adapters.hub_http import HttpHub, Patience

        hub = upstream_hub(self._settings, patience=Patience(tries=tries, total_s=pauses_s))
        if not isinstance(hub, HttpHub):
            raise NoAnswer("the Hub is not asked")
        self._open.callback(hub.close)
        return hub

    def _held(self) -> _Held | None:
        """None where there is no registry: a search makes none."""
        settings = self._settings
        if not settings.database_url and not (settings.home / "catalog.sqlite3").exists():
            return None
        held = _Held(settings.catalog_url)
        self._open.callback(held.close)
        return held


class _Held:
    """What this registry serves; its database is opened by the first question."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened: Catalog | None = None

    def close(self) -> None:
        """Close the database."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _catalog(self) -> Catalog:
        from weighbridge.adapters.catalog import Catalog

        self._opened = self._opened or Catalog.open(self._url)
        return self._opened

    def matching(self, query: PackageQuery) -> Iterator[Listed]:
        """See ``flows.discover.Held``."""
        following: str | None = None
        while True:
            page = self._catalog.listing(replace(query, after=following), sight_of(LOCAL))
            yield from page.packages
            following = page.next
            if following is None:
                return

    def of(self, repos: Sequence[RepoId]) -> Sequence[Listed]:
        """See ``flows.discover.Held``."""
        listed = (package for repo in repos for package in self._catalog.listed_of(repo))
        return [package for package in listed if package.state is PackageState.ACTIVE]


def open_discovery(settings: Settings, *, pause: Callable[[float], None] = time.sleep) -> Discover:
    """The verbs on the index of the upstream. ``pause`` waits for so many seconds."""
    return Discover(settings, open_index(settings), pause)


def open_index(settings: Settings, endpoint: str = "", folder: Path | None = None) -> ModelIndex:
    """What is remembered of the models of a Hub, by default the upstream; in the home by default.

    Raises:
        Invalid: the address is none.
    """
    return ModelIndex(
        folder or settings.home / "models-index",
        hub_address(endpoint or settings.upstream),
        largest_bytes=settings.index_bytes,
    )
