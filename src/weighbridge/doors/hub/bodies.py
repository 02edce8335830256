"""Bodies of requests: small ones whole, large ones piece by piece for a thread that reads them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import suppress

from weighbridge.domain.json_values import JsonObject, mended
from weighbridge.doors.hub.answers import TooLarge
from weighbridge.doors.hub.request import Receive, Request
from weighbridge.errors import BadInput

SMALL_BODY_BYTES = 8 << 20
PIECE_BYTES = 1 << 20
"""What is gathered before a thread is told: a hand-over is dear."""
_SMALL_BYTES = 16 << 10
PIECE_LIMIT_S = 60.0
"""A client that needs longer for one piece (17 kB/s) is given up: it would hold a thread for ever."""
_DRAINED_BYTES, _DRAINED_S = 64 << 20, 10.0
_WHOLE_S = 60.0
_VALUES_LIMIT = 500_000
"""Without a bound 8 MiB of empty lists would take thirty times their length of memory."""


def declared_length(request: Request) -> int | None:
    """How long the client says that the body is; None where it does not say.

    Raises:
        BadInput: the header is no length.
    """
    spelled = request.headers.get("content-length", "")
    if not spelled:
        return None
    if not spelled.isascii() or not spelled.isdigit() or len(spelled) > 18:
        raise BadInput("the Content-Length is no length")
    return int(spelled)


def json_object(body: bytes) -> JsonObject:
    """A body that is a JSON object; an empty body is an empty one.

    Raises:
        BadInput: it is something else.
        TooLarge: it has more values than anybody asks for.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > _VALUES_LIMIT:
        raise TooLarge(f"the body has more than {_VALUES_LIMIT} values")
    try:
        value = mended(json.loads(body)) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BadInput("the body is not JSON") from error
    if not isinstance(value, dict):
        raise BadInput("the body is not a JSON object")
    return value


def require_length(request: Request, limit: int) -> None:
    """Refuse a body that is too long before a byte of it was read.

    Raises:
        TooLarge: it is longer than ``limit`` bytes.
    """
    length = declared_length(request)
    if length is not None and length > limit:
        raise TooLarge(f"the body has {length} bytes; the limit here is {limit}")


def needed(request: Request, limit: int) -> int:
    """How many bytes a body may have; ``limit`` where nobody says."""
    length = declared_length(request)
    if length is None:
        return limit if "transfer-encoding" in request.headers else 0
    return min(length, limit)


class IncomingBody:
    """The body of a request, for a thread: each step waits until a piece has come in.

    The client can send no faster than the thread reads, so memory stays at two pieces. ``limit``
    is the most bytes that are taken; it may be set until the first one is asked for.
    """

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop, limit: int = 0) -> None:
        self._receive, self._loop = receive, loop
        self.limit, self._came, self._ended = limit, 0, False
        self._ahead: Future[list[bytes]] | None = None

    def __iter__(self) -> Iterator[bytes]:
        """The pieces, of whatever sizes they came in.

        Raises:
            BadInput: the client went away or was too slow.
            TooLarge: the body is longer than the limit.
        """
        try:
            while pieces := self._next().result(PIECE_LIMIT_S + 5):
                self._ahead = asyncio.run_coroutine_threadsafe(self._gather(), self._loop)
                yield from pieces
        except (TimeoutError, CancelledError) as error:
            raise BadInput("the server stopped, or the body came too slowly") from error

    def _next(self) -> Future[list[bytes]]:
        return self._ahead or asyncio.run_coroutine_threadsafe(self._gather(), self._loop)

    @property
    def is_whole(self) -> bool:
        """Whether the last byte has come."""
        return self._ended

    async def whole(self) -> bytes:
        """All of it, within a minute; raises as iterating does."""
        pieces = []
        try:
            async with asyncio.timeout(_WHOLE_S):
                while gathered := await self._gather():
                    pieces += gathered
        except TimeoutError:
            raise BadInput(f"the body did not come within {_WHOLE_S:.0f} seconds") from None
        return b"".join(pieces)

    async def drain(self, declared: int | None) -> None:
        """Read on what nobody wants, within limits: who is still sending does not hear an answer."""
        if self._ahead is not None:
            with suppress(BadInput):  # what was wrong was said already
                await asyncio.wrap_future(self._ahead)
        left = _DRAINED_BYTES
        if declared is not None and declared - self._came > left:
            return
        with suppress(TimeoutError, BadInput):
            async with asyncio.timeout(_DRAINED_S):
                while not self._ended and left > 0:
                    left -= len(await self._event())

    async def _gather(self) -> list[bytes]:
        """The next pieces. Only small ones are joined: that copies every byte once more."""
        pieces: list[bytes] = []
        small, size = bytearray(), 0
        try:
            async with asyncio.timeout(PIECE_LIMIT_S):
                while not self._ended and size < PIECE_BYTES:
                    came = await self._event()
                    size += len(came)
                    if len(came) < _SMALL_BYTES:
                        small += came
                        continue
                    if small:
                        pieces.append(bytes(small))
                        small.clear()
                    pieces.append(came)
        except TimeoutError:
            raise BadInput(f"less than {PIECE_BYTES} bytes came in {PIECE_LIMIT_S:.0f} seconds") from None
        self._came += size
        if self._came > self.limit:
            raise TooLarge(f"the body is longer than {self.limit} bytes")
        return [*pieces, bytes(small)] if small else pieces

    async def _event(self) -> bytes:
        event = await self._receive()
        if event["type"] == "http.disconnect":
            self._ended = True
            raise BadInput("the client went away before the body was complete")
        self._ended = not event.get("more_body")
        body: bytes = event.get("body", b"")
        return body
