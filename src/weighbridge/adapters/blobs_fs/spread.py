"""A large file over one connection, or over several where one does not fill the line.

The first connection asks for the whole rest of the file. Where it turns out slow and much is
left, its claim is cut short and helpers take further stretches, in order, so that the finished
prefix, and with it the hash, keeps pace. Connections double while the total rate rises.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock, Thread

from weighbridge.adapters.blobs_fs.hashing import Follower
from weighbridge.adapters.blobs_fs.partial import BLOCK_BYTES, Partial
from weighbridge.adapters.blobs_fs.straight import PIECE_BYTES, check_end, fill
from weighbridge.errors import IntegrityError, WeighbridgeError
from weighbridge.ports import Source

FAST_BYTES_S = 300e6
"""One connection that brings so much fills the line, the disk or the hash: more would not help."""
FIRST_LOOK_S, LOOK_S = 0.25, 0.5
WORTH_S = 1.0
"""What would arrive within so many seconds anyway is not worth another connection."""
GAIN = 1.15
"""A step that does not raise the rate by so much is a disappointment; two of them end the growth."""
STRETCH_BLOCKS = (4, 64)
"""The least and the most that is asked for at once, in MiB, when there are several connections."""
STRETCH_S = 2.0
"""Between the two, about what one connection brings in so many seconds."""


@dataclass(slots=True)
class Claim:
    """Blocks ``[at, stop)`` that one worker has; another may lower ``stop`` at any time."""

    at: int
    stop: int


class Pace:
    """The rate since the last look, and whether another step of growth is due."""

    def __init__(self) -> None:
        self._since, self._due = time.monotonic(), time.monotonic() + FIRST_LOOK_S
        self._bytes, self._best, self._disappointed = 0, 0.0, 0
        self.rate = 0.0
        self._has_grown = False

    def should_grow(self, came: int, left_bytes: int) -> bool:
        """Count ``came`` bytes; whether more connections may help now."""
        self._bytes += came
        now = time.monotonic()
        if now < self._due:
            return False
        self.rate = rate = self._bytes / (now - self._since)
        self._since, self._due, self._bytes = now, now + LOOK_S, 0
        if rate > self._best * GAIN:
            self._disappointed = 0
        elif self._has_grown:
            self._disappointed += 1
        self._best = max(rate, self._best)
        grows = rate < FAST_BYTES_S and left_bytes > rate * WORTH_S and self._disappointed < 2
        self._has_grown = self._has_grown or grows
        return grows


class Spread:
    """One fetch of the blocks that ``partial`` lacks."""

    def __init__(
        self,
        partial: Partial,
        source: Source,
        follower: Follower,
        moved: Callable[[int], None],
        path: str,
        helpers: BoundedSemaphore,
    ) -> None:
        self._partial, self._source, self._follower = partial, source, follower
        self._moved, self._path, self._free_helpers = moved, path, helpers
        self._lock = Lock()
        self._taken = bytearray(partial.done)
        self._claims: list[Claim] = []
        self._threads: list[Thread] = []
        self._is_wide = False
        self._may_grow = True
        self._error: BaseException | None = None
        self._pace = Pace()
        self._left = partial.size - partial.kept_bytes
        self._prefix = partial.prefix // BLOCK_BYTES if self._left else len(partial.done)

    def run(self) -> None:
        """Bring in everything that is missing, or raise what stopped it.

        Raises:
            SizeMismatch, or whatever the source raises.
        """
        self._moved(self._partial.kept_bytes)
        self._follower.advance(self._partial.prefix)
        while self._left:
            try:
                self._work()
            except BaseException as error:
                self._error = self._error or error
            # A helper may have started others; they stand behind it in the list.
            for thread in self._threads:
                thread.join()
            self._threads.clear()
            if self._error is not None:
                raise self._error

    def _help(self) -> None:
        """A helper's life. What fails it without being a lie is the first worker's to meet again."""
        try:
            self._work()
        except IntegrityError as error:
            self._error = self._error or error
        except WeighbridgeError:
            with self._lock:
                self._may_grow = False
        except BaseException as error:
            self._error = self._error or error
        finally:
            self._free_helpers.release()

    def _work(self) -> None:
        while self._error is None and (claim := self._take()) is not None:
            try:
                self._fetch(claim)
            finally:
                self._give_back(claim)

    def _take(self) -> Claim | None:
        """The next missing stretch: all of it while there is one connection, else a fair part."""
        with self._lock:
            at = self._taken.find(0)
            if at < 0:
                return None
            stop = self._taken.find(1, at)
            stop = len(self._taken) if stop < 0 else stop
            if self._is_wide:
                stop = min(stop, at + self._stretch())
            self._taken[at:stop] = b"\x01" * (stop - at)
            claim = Claim(at, stop)
            self._claims.append(claim)
            return claim

    def _give_back(self, claim: Claim) -> None:
        with self._lock:
            self._claims.remove(claim)
            self._taken[claim.at : claim.stop] = bytes(claim.stop - claim.at)

    def _stretch(self) -> int:
        """Large at first, so that requests are few; smaller to the end, so that all end together."""
        least, most = STRETCH_BLOCKS
        workers = len(self._threads) + 1
        brought = min(self._left / 2, self._pace.rate * STRETCH_S) / workers
        return max(least, min(most, int(brought) // BLOCK_BYTES))

    def _fetch(self, claim: Claim) -> None:
        partial, size = self._partial, self._partial.size
        start, stop = claim.at * BLOCK_BYTES, partial.stop_of(claim.stop - 1)
        with self._source(start, None if stop == size else stop) as stream:
            buffer = memoryview(bytearray(PIECE_BYTES))
            at = start
            while claim.at < claim.stop and self._error is None:
                piece = buffer[: min(PIECE_BYTES, partial.stop_of(claim.at) - at)]
                fill(stream, piece, self._path, at=at, size=size)
                partial.write(piece, at)
                at += len(piece)
                self._moved(len(piece))
                if at == partial.stop_of(claim.at):
                    self._finished(claim)
            if at == size:
                check_end(stream, self._path, size)

    def _finished(self, claim: Claim) -> None:
        """A block is written: mark it, let the hash follow, and look whether to grow."""
        partial, block = self._partial, claim.at
        came = partial.stop_of(block) - block * BLOCK_BYTES
        with self._lock:
            partial.mark(block)
            claim.at += 1
            self._left -= came
            if block == self._prefix:
                gap = partial.done.find(0, block)
                self._prefix = len(partial.done) if gap < 0 else gap
                self._follower.advance(min(self._prefix * BLOCK_BYTES, partial.size))
            if self._may_grow and self._pace.should_grow(came, self._left):
                self._grow()

    def _grow(self) -> None:
        """Double the connections; the caller holds the lock."""
        for _ in range(len(self._threads) + 1):
            if not self._free_helpers.acquire(blocking=False):
                return
            if not self._is_wide:
                self._is_wide = True
                self._shorten()
            thread = Thread(target=self._help, name="weighbridge-fetch", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _shorten(self) -> None:
        """Leave the first worker a fair part of the rest that it had claimed."""
        for claim in self._claims:
            stop = min(claim.stop, claim.at + self._stretch())
            self._taken[stop : claim.stop] = bytes(claim.stop - stop)
            claim.stop = stop
