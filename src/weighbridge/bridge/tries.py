"""Slows the guessing of passwords down."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from threading import BoundedSemaphore
from typing import Protocol

from weighbridge.domain.access import NOBODY, AuditLine
from weighbridge.domain.audit import LOGIN_FAILED
from weighbridge.errors import NotAuthenticated, TooManyTries

TRIES = 5
"""Wrong passwords in a row after which a name has to wait."""
TRIES_FROM_ONE_PLACE = 50
"""Wrong passwords, of whatever names, after which an address has to wait."""
WAIT = timedelta(seconds=30)
_FORGOTTEN = timedelta(hours=1)
_AT_HOME = timedelta(days=30)
"""How long an address counts for itself after somebody logged in from there."""
_NOTED_EVERY = timedelta(days=1)


class Ledger(Protocol):
    """Where failures are counted, for all servers together."""

    def failures(self, keys: Collection[str]) -> Mapping[str, tuple[int, datetime]]:
        """How often each of the keys failed in a row, and when last; those that did."""

    def failed(self, keys: Sequence[str], audit: AuditLine, forgotten: datetime) -> None:
        """One more failure of each key; what failed last before ``forgotten`` counts no more."""

    def succeeded(self, key: str) -> None:
        """Its failures are forgotten."""

    def welcome(self, key: str, at: datetime, forgotten: datetime) -> None:
        """Remember a key without a failure; those of before ``forgotten`` are forgotten."""


class Tries:
    """After ``TRIES`` failures in a row a name waits, known or not; and an address after more of them.

    An address from which somebody logged in counts that name by itself: strangers who fail all the time
    keep it waiting everywhere else, and lock nobody out. Whoever logs in clears the name there and not
    the address, else one account would do to guess at others.
    A few tries run at once in each server, so a burst goes past the limit by no more than those.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger, self._now = ledger, now
        self._at_once = BoundedSemaphore(4)

    @contextmanager
    def one(self, name: str, address: str, *, known: bool) -> Iterator[None]:
        """A try; NotAuthenticated out of the block is a failure. ``address`` is empty for this machine.

        The audit tells the name only if it is ``known``: people type passwords where a name belongs.

        Raises:
            TooManyTries: the name, or whoever is at the address, has to wait.
        """
        at_home = _key("home", f"{address}\0{name}")
        with self._at_once:
            at = self._now()
            since = self._ledger.failures([at_home]).get(at_home, (0, None))[1]
            is_home = since is not None and since + _AT_HOME > at
            of_name = _key("name", f"{address}\0{name}" if is_home else name)
            most = {of_name: TRIES}
            if address:
                most[_key("address", address)] = TRIES_FROM_ONE_PLACE
            failed = self._ledger.failures(most)
            left = [
                last + WAIT - at
                for key, (count, last) in failed.items()
                if count >= most[key] and last + WAIT > at
            ]
            if left:
                raise TooManyTries(max(1, math.ceil(max(left).total_seconds())))
            try:
                yield
            except NotAuthenticated:
                line = AuditLine(
                    at=at,
                    by=NOBODY,
                    verb=LOGIN_FAILED,
                    target=name if known else "",
                    detail=f"from {address or 'this machine'}",
                )
                self._ledger.failed(sorted(most), line, at - _FORGOTTEN)
                raise
            if of_name in failed:
                self._ledger.succeeded(of_name)
            if since is None or since + _NOTED_EVERY < at:
                self._ledger.welcome(at_home, at, at - _AT_HOME)


def _key(kind: str, spelled: str) -> str:
    # Not the name itself, for the same reason.
    return sha256(f"{kind}\0{spelled}".encode("utf-8", "surrogatepass")).hexdigest()
