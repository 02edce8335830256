"""A range of a file in large pieces, which are read in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from weighbridge.doors.hub.answers import FileAnswer
from weighbridge.doors.hub.request import Receive, Send
from weighbridge.errors import SizeMismatch

_PIECES_BYTES = 8 << 20
_LEAST_BYTES, _MOST_BYTES = 64 << 10, 1 << 20


class Streams:
    """The ranges that are being sent; together they hold about as much memory as one or two.

    The server below buffers some eight pieces of a client that reads slowly. Eight clients get
    pieces of 1 MiB, which is fastest; a hundred get a twelfth of that.
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._open = 0

    async def send(self, answer: FileAnswer, receive: Receive, send: Send) -> None:
        """Send the range.

        Raises:
            SizeMismatch: the file is shorter than its entry says.
        """
        loop = asyncio.get_running_loop()
        gone = asyncio.ensure_future(_disconnect(receive))
        with self._counted():
            reader = await loop.run_in_executor(self._pool, _Reader, answer)
            try:
                left = answer.stop - answer.start
                while left and not gone.done():
                    count = min(self._piece_bytes(), left)
                    piece = await loop.run_in_executor(self._pool, reader.read, count)
                    left -= len(piece)
                    await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
            finally:
                gone.cancel()
                reader.close()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    def _piece_bytes(self) -> int:
        return max(_LEAST_BYTES, min(_MOST_BYTES, _PIECES_BYTES // self._open))


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
