"""The verbs of an application that is connected to one Hub: describe, search, fetch.

What was learned of models is kept in the index of that Hub, where every other part of the house finds
it too. A memory that cannot be used is worth a warning and no more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from weighbridge.adapters.model_index import ModelIndex
from weighbridge.adapters.model_list import ModelList
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge import now
from weighbridge.bridge.discovery import open_index
from weighbridge.bridge.models import open_models
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.lock import Spec
from weighbridge.domain.model_entry import ModelEntry
from weighbridge.domain.model_search import MOST_FOUND, ModelSearch
from weighbridge.domain.publish_request import Published, PublishRequest
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.errors import BadListing, HubDown, NoAnswer, NotAuthenticated, RateLimited, StoreDown
from weighbridge.flows.describe import Asking, Described, describe
from weighbridge.flows.listed import listed
from weighbridge.settings import Settings

if TYPE_CHECKING:
    from weighbridge.adapters.hub_http import HttpHub
    from weighbridge.ports import Hub

__all__ = ["Described", "Line", "ModelIndex", "Trying", "open_index", "open_line"]
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trying:
    """How long a Hub is waited for: so many tries (0: it is not asked), then pauses in all, and each read."""

    tries: int = 4
    pauses_s: float = 60.0
    read_s: float = 30.0


class Line:
    """A line to one Hub, with the token that was given and no other. Safe for many threads."""

    def __init__(
        self, settings: Settings, endpoint: str, index: ModelIndex, token: str | None, trying: Trying
    ) -> None:
        """Nothing is asked or opened yet. ``endpoint`` is the Hub's address."""
        self._settings, self.endpoint, self._token, self._trying = settings, endpoint, token, trying
        self._index, self._memory = index, _Memory(index)

    def greet(self) -> None:
        """Nothing, if the Hub answers and knows the token; without one, if it shows its list of models.

        Raises:
            NotAuthenticated, NotPermitted: it does not.
            HubDown, RateLimited: it does not answer, or has no accounts.
            BadListing: what answers is no Hub.
        """
        if self._token is None:
            self._hub.find(ModelSearch(limit=1).to_hub(), limit=1)
        elif not self._hub.whoami():
            raise BadListing(f"{self.endpoint} does not say whose token this is")

    def describe(self, repo: RepoId, time_to_live: timedelta, *, use_memory: bool = True) -> Described | None:
        """What is known of a model; see ``flows.describe``."""
        asking = Asking(about=self._about, memory=self._memory, now=now, time_to_live=time_to_live)
        return describe(repo, asking, use_memory=use_memory)

    def search(self, search: ModelSearch, limit: int, time_to_live: timedelta) -> Sequence[Described]:
        """The first ``limit`` models that answer; of what is remembered where the Hub does not answer.

        Raises:
            Denied, BadListing: as the Hub says.
        """
        try:
            found = listed(search.to_hub(), limit, self._hub, self._memory.put, now)
        except (HubDown, RateLimited) as error:
            _LOG.warning("%s; what is remembered answers", error)
            moment = now()
            return [
                Described(entry=entry, is_stale=entry.is_expired(moment, time_to_live))
                for entry in self._remembered(search, limit)
            ]
        return [Described(entry=entry) for entry in found]

    def fetch(self, ref: ModelRef, cache_dir: Path | None, given_up: Event) -> Path:
        """A model in a Hugging Face cache, every byte checked; the folder with its files.

        What a branch means is asked each time; where the Hub does not answer, it is what it was the last
        time. ``HF_HOME`` as the cache means the cache in it, where other programs look.

        Raises:
            NotFound, Denied, Unreachable: as the Hub says.
            IntegrityError: it gave other bytes than it listed.
            Conflict, StoreDown: the cache cannot be used.
        """
        place = cache_dir.expanduser().absolute() if cache_dir else self._settings.hf_cache
        place = self._settings.hf_cache if place == self._settings.hf_home else place
        models = open_models(self._settings, hub=self._hub_or_nobody)
        asked = _list_of(ref, place, self.endpoint, self._settings.home)
        reporter = _Watching(given_up)
        (pinned,) = models.lock(asked, upgrade=[asked.specs[0].id], reporter=reporter)
        if pinned.error is not None:
            if pinned.after is None or not isinstance(pinned.error, HubDown | RateLimited):
                raise pinned.error
            _LOG.warning("%s; %s is taken as it was", pinned.error, ref)
        (synced,) = models.sync(asked, reporter=reporter)
        if synced.error is not None:
            raise synced.error
        return synced.folder

    def publish(self, request: PublishRequest, given_up: Event) -> Published:
        """A folder as one commit of this Hub; see ``bridge.publishing``. Warnings go to the log.

        Raises:
            NotAuthenticated: this line has no token.
            What ``flows.publish.publish`` raises.
        """
        from weighbridge.bridge.publishing import publish

        if self._token is None:
            raise NotAuthenticated("publishing needs a token", hint='connect with {"token": ...}')
        reporter = _Watching(given_up)
        done = publish(request, self._settings, reporter, endpoint=self.endpoint, token=self._token)
        for warning in done.warnings:
            _LOG.warning("%s: %s", done.repo, warning)
        return done

    def close(self) -> None:
        """Give back what is open; it is opened again when it is needed."""
        if "_hub" in self.__dict__:
            self._hub.close()
        self._index.close()

    @cached_property
    def _hub(self) -> HttpHub:
        from weighbridge.adapters.hub_http import HttpHub, Patience

        if not self._trying.tries:
            raise NoAnswer("nobody is connected to the Hub")
        if self._settings.offline:
            raise NoAnswer("the Hub is not asked: HF_HUB_OFFLINE is set", hint="unset HF_HUB_OFFLINE")
        return HttpHub(
            self.endpoint,
            token=self._token,
            environ=self._settings.environ,
            connections=self._settings.connections,
            read_timeout_s=self._trying.read_s,
            patience=Patience(tries=self._trying.tries, total_s=self._trying.pauses_s),
        )

    def _hub_or_nobody(self) -> Hub:
        from weighbridge.adapters.hub_offline import OfflineHub

        return OfflineHub() if self._settings.offline else self._hub

    def _about(self, repo: RepoId) -> JsonObject:
        return self._hub.about(repo)

    def _remembered(self, search: ModelSearch, limit: int) -> list[ModelEntry]:
        found: list[ModelEntry] = []
        page: str | None = None
        while len(found) < limit:
            asked = replace(search, limit=min(limit - len(found), MOST_FOUND), after=page)
            answer = self._index.search(asked)
            found += answer.entries
            page = answer.next
            if page is None:
                break
        return found


class _Memory:
    """An index whose failures stop nobody."""

    def __init__(self, index: ModelIndex) -> None:
        self._index = index

    def get(self, repo: RepoId) -> ModelEntry | None:
        try:
            return self._index.get(repo)
        except StoreDown as error:
            _LOG.warning("%s; nothing is remembered of '%s'", error, repo)
            return None

    def put(self, entries: Iterable[ModelEntry]) -> None:
        try:
            self._index.put(entries)
        except StoreDown as error:
            _LOG.warning("%s; what the Hub said is not remembered", error)

    def remove(self, repo: RepoId) -> None:
        try:
            self._index.remove(repo)
        except StoreDown as error:
            _LOG.warning("%s; '%s' is not forgotten", error, repo)


class _GivenUp(Exception):
    """Nobody waits for this any more; what came in so far is kept."""


class _Watching(SilentReporter):
    """Stops the work once nobody waits for it."""

    def __init__(self, given_up: Event) -> None:
        self._given_up = given_up

    def begin(self, title: str, total_bytes: int) -> None:
        self.moved(0)

    def moved(self, count: int) -> None:
        if self._given_up.is_set():
            raise _GivenUp

    def waiting(self, why: str) -> None:
        self.moved(0)


def open_line(
    settings: Settings, endpoint: str, index: ModelIndex, *, token: str | None, trying: Trying
) -> Line:
    """A line to a Hub, which remembers in ``index``; None as the token: nobody is said to ask."""
    return Line(settings, endpoint, index, token, trying)


def _list_of(ref: ModelRef, place: Path, endpoint: str, home: Path) -> ModelList:
    """A list that asks for one model of one Hub in a Hugging Face cache; its pin lies in the home."""
    digest = sha256(f"{place}\0{endpoint}\0{ref}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
    spec = Spec(id=ref.repo.full_name.replace("/", ".")[:96].lstrip("-."), ref=ref)
    own = home / "connector-v1" / f"{digest}.yaml"
    return ModelList(
        path=own, cache_dir=place, verify="sha256", specs=(spec,), layout="hf-cache", hf_cache=place
    )
