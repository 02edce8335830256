"""A range of a file in large pieces, which are read in threads."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from weighbridge.doors.hub.answers import FileAnswer
from weighbridge.doors.hub.request import Receive, Send
from weighbridge.errors import SizeMismatch

_PIECES_BYTES = 8 << 20
_LEAST_BYTES, _MOST_BYTES = 64 << 10, 1 << 20


class Streams:
    """The ranges that are being sent, which share a budget for their pieces.

    The server below buffers some eight pieces of a client that reads slowly. The first seven clients
    get pieces of 1 MiB, which is fastest; further ones get half of what is left, and at least 64 KiB.
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._taken = 0

    async def send(self, answer: FileAnswer, receive: Receive, send: Send) -> None:
        """Send the range.

        Raises:
            SizeMismatch: the file is shorter than its entry says.
        """
        loop = asyncio.get_running_loop()
        reader = await loop.run_in_executor(self._pool, _Reader, answer)
        gone = asyncio.ensure_future(_disconnect(receive))
        size = 0
        try:
            left = answer.stop - answer.start
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


class _Reader:
    """Reads a range in order: from the file where it lies here, else from its stream."""

    def __init__(self, answer: FileAnswer) -> None:
        self._file, self._path = None, answer.file.entry.path
        if answer.file.path is None:
            self._opened = answer.file.open(answer.start, answer.stop)
            self._stream = self._opened.__enter__()
        else:
            self._file = answer.file.path.open("rb", buffering=0)
            self._file.seek(answer.start)

    def read(self, count: int) -> bytes:
        """The next bytes, at most ``count``, at least one.

        Raises:
            SizeMismatch: the file is shorter than its entry says.
        """
        if self._file is not None:
            piece = self._file.read(count)
        else:
            buffer = bytearray(count)
            piece = bytes(buffer[: self._stream.readinto(memoryview(buffer))])
        if not piece:
            raise SizeMismatch(self._path, wanted=count, got=0)
        return piece

    def close(self) -> None:
        """Close the file or the stream."""
        if self._file is not None:
            self._file.close()
        else:
            self._opened.__exit__(None, None, None)
