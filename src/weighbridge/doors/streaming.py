"""A stretch of a file in large pieces, which are read in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeAlias

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_PIECES_BYTES = 8 << 20
_LEAST_BYTES, _MOST_BYTES = 64 << 10, 1 << 20


class Reader(Protocol):
    """The bytes of a stretch, in order; opening it and reading may block."""

    def read(self, count: int) -> bytes:
        """The next bytes: at most ``count``, at least one."""

    def close(self) -> None:
        """Give back what is open."""


class Streams:
    """The ranges that are being sent, which share a budget for their pieces.

    The server below buffers some eight pieces of a client that reads slowly. The first seven clients
    get pieces of 1 MiB, which is fastest; further ones get half of what is left, and at least 64 KiB.
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._taken = 0

    async def send(self, opened: Callable[[], Reader], left: int, receive: Receive, send: Send) -> None:
        """Send the ``left`` bytes that the reader has.

        Raises:
            What the reader raises.
        """
        loop = asyncio.get_running_loop()
        reader = await loop.run_in_executor(self._pool, opened)
        gone = asyncio.ensure_future(_disconnect(receive))
        size = 0
        try:
            while left and not gone.done():
                size = self._sized(size)
                piece = await loop.run_in_executor(self._pool, reader.read, min(size, left))
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
        finally:
            self._taken -= size
            gone.cancel()
            reader.close()

    def _sized(self, had: int) -> int:
        """The size of a client's next piece; ``had`` is that of the one before."""
        free = _PIECES_BYTES - self._taken + had
        size = max(_LEAST_BYTES, min(_MOST_BYTES, free // 2))
        self._taken += size - had
        return size


async def _disconnect(receive: Receive) -> None:
    """Return once the client is gone: nothing is read for nobody."""
    while (await receive())["type"] != "http.disconnect":
        pass
