"""Downloads are counted once each, whatever the catalogue does meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

from weighbridge.bridge.tally import Tally
from weighbridge.domain.ref import RepoId
from weighbridge.errors import StoreDown

ONE, TWO = RepoId.parse("ann/one"), RepoId.parse("ann/two")


class Book:
    """A ledger in memory that may be told to fail."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[RepoId, date]] = Counter()
        self.fails = False

    def add_downloads(self, counted: Mapping[RepoId, int], day: date) -> None:
        if self.fails:
            raise StoreDown("the disk is full")
        self.counts.update({(repo, day): count for repo, count in counted.items()})


def test_what_cannot_be_written_now_is_written_later() -> None:
    book, at = Book(), datetime(2026, 1, 1, 23, tzinfo=UTC)
    tally = Tally(book, lambda: at)
    tally.add(ONE)
    book.fails = True
    tally.flush()
    assert not book.counts
    tally.add(ONE)
    book.fails = False
    tally.flush()
    tally.flush()
    assert book.counts == {(ONE, at.date()): 2}
    tally.close()


def test_many_at_once_are_all_counted_and_closing_writes_the_rest() -> None:
    book, at = Book(), datetime(2026, 1, 1, tzinfo=UTC)
    tally = Tally(book, lambda: at)

    def some(number: int) -> None:
        for _ in range(50):
            tally.add(ONE if number % 2 else TWO)
        tally.flush()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(some, range(16)))
    tally.add(TWO)
    tally.close()
    assert book.counts == {(ONE, at.date()): 400, (TWO, at.date()): 401}
