"""Room for bodies: what all callers may keep in memory together, and how many each sends at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from weighbridge.errors import RateLimited

ROOM_BYTES = 16 << 20
"""As objects a body of JSON takes ten times its length; this is for those with an account, and once
more for all others."""
_FREE_BYTES = 64 << 10
_WAIT_S = 30.0
_AT_ONCE = 28
"""Less than half of the threads, and more than clients use. What is above it waits, and keeps no thread."""


class Room:
    """Memory for bodies that are held whole. Small ones need none of it."""

    def __init__(self, size: int = ROOM_BYTES) -> None:
        self._free, self._changed = size, asyncio.Condition()

    @asynccontextmanager
    async def of(self, need: int) -> AsyncIterator[None]:
        """So many bytes for as long as the block lasts, once they are free.

        Raises:
            RateLimited: they were not within half a minute.
        """
        if need <= _FREE_BYTES:
            yield
            return
        await self._take(need)
        try:
            yield
        finally:
            self._free += need
            async with self._changed:
                self._changed.notify_all()

    async def _take(self, need: int) -> None:
        try:
            async with asyncio.timeout(_WAIT_S), self._changed:
                await self._changed.wait_for(lambda: self._free >= need)
                self._free -= need
        except TimeoutError:
            raise RateLimited(
                "too many large requests come in at the moment: try again", retry_after_s=5
            ) from None


class Shares:
    """Of the bodies that are read in threads each caller has some at once: the others wait for their own."""

    def __init__(self, most: int = _AT_ONCE) -> None:
        self._most = most
        self._turns: dict[str, tuple[asyncio.Semaphore, int]] = {}

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """A turn of this caller."""
        turns, users = self._turns.get(name, (asyncio.Semaphore(self._most), 0))
        self._turns[name] = turns, users + 1
        try:
            async with turns:
                yield
        finally:
            turns, users = self._turns.pop(name)
            if users > 1:
                self._turns[name] = turns, users - 1
