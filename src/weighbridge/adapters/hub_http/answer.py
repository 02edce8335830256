"""A connection and the answers that come over it: HTTP/1.1 (RFC 9112), the reading half.

Our own, for two reasons that were measured: ``http.client`` spends more time on the headers of a
small file than on its bytes, and a large body here goes from the socket straight into the
caller's buffer. What is not plain HTTP/1.1 is refused, never guessed at.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic

MAX_HEAD_BYTES = 64 * 1024
_DRAIN_BYTES = 64 * 1024
"""Up to so much of an unread answer is read to keep its connection; beyond, a new one is cheaper."""
_SLOWEST_BYTES_PER_S = 1000
"""Who sends a small answer slower than this for longer than twice the time-out means to keep us waiting."""
_MOST_INTERIM = 10
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?")


class BrokenAnswer(OSError):
    """What came is not an HTTP/1.1 answer."""


class Connection:
    """A connected socket with what was received of it and not yet taken."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buffer = bytearray(MAX_HEAD_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0

    def send(self, request: bytes) -> None:
        """Send all of it."""
        self.sock.sendall(request)

    def until(self, mark: bytes) -> bytes:
        """The bytes before ``mark``, which is taken too.

        Raises:
            ConnectionResetError: the other side closed before its first byte.
            BrokenAnswer: it closed within, or the mark does not come.
        """
        searched, began = self._start, monotonic()
        while (found := self._buffer.find(mark, searched, self._end)) < 0:
            searched = max(self._start, self._end - len(mark) + 1)
            if self._start:
                self._view[: self._end - self._start] = self._buffer[self._start : self._end]
                searched -= self._start
                self._start, self._end = 0, self._end - self._start
            if self._end == len(self._buffer):
                raise BrokenAnswer("the answer has too long a head")
            count = self.sock.recv_into(self._view[self._end :])
            if not count:
                if self._end:
                    raise BrokenAnswer("the connection ended within an answer's head")
                raise ConnectionResetError("the connection was closed before the answer")
            self._end += count
            self.require_pace(began, 0)
        taken = bytes(self._view[self._start : found])
        self._start = found + len(mark)
        return taken

    def readinto(self, buffer: memoryview) -> int:
        """Some bytes; 0 where the other side has closed."""
        waiting = self._end - self._start
        if not waiting:
            return self.sock.recv_into(buffer)
        count = min(waiting, len(buffer))
        buffer[:count] = self._view[self._start : self._start + count]
        self._start += count
        return count

    def require_pace(self, began: float, count: int) -> None:
        """Nothing, if ``count`` bytes since ``began`` are no reason to hang up.

        Raises:
            TimeoutError: the other side drips.
        """
        limit_s = self.sock.gettimeout()
        if limit_s is not None and monotonic() - began > 2 * limit_s + count / _SLOWEST_BYTES_PER_S:
            raise TimeoutError("the answer comes too slowly")

    @property
    def is_drained(self) -> bool:
        """Whether nothing was received that nobody asked for."""
        return self._start == self._end

    def close(self) -> None:
        """Close the socket."""
        with suppress(OSError):
            self.sock.close()


class Answer:
    """A response whose body is still to be read; ``close`` gives the connection back or drops it."""

    def __init__(self, connection: Connection, keep: Callable[[Connection], None]) -> None:
        """Read the head.

        Raises:
            OSError: the connection broke, or this is no answer.
        """
        self._connection, self._keep = connection, keep
        self.status, self._headers, self._may_keep = _read_head(connection)
        self.is_chunked = False
        self.length = self._announced()
        self._chunk_left = 0
        self._is_open, self._is_over = True, self.length == 0

    def header(self, name: str) -> str:
        """The value of a header (its name in lower case), or an empty text."""
        return self._headers.get(name, "")

    def readinto(self, buffer: memoryview) -> int:
        """Fill a part of ``buffer``; 0 at the body's end, or where the connection ended.

        Raises:
            OSError: the connection broke.
        """
        if self._is_over or not buffer:
            return 0
        if self.is_chunked:
            return self._read_chunk(buffer)
        if self.length is None:
            count = self._connection.readinto(buffer)
            self._is_over = not count
            return count
        count = self._connection.readinto(buffer[: self.length])
        self.length -= count
        self._is_over = not self.length
        return count

    def read(self, limit: int) -> bytes:
        """The body, or its first ``limit`` bytes.

        Raises:
            OSError: the connection broke, ended before the announced length, or hardly moves.
        """
        began = monotonic()
        body, piece = bytearray(), memoryview(bytearray(min(self.length or MAX_HEAD_BYTES, 1 << 20, limit)))
        while len(body) < limit:
            count = self.readinto(piece[: limit - len(body)])
            if not count:
                if self.length:
                    raise BrokenAnswer("the connection ended within an answer")
                break
            body += piece[:count]
            self._connection.require_pace(began, len(body))
        return bytes(body)

    def close(self) -> None:
        """Be done with this answer, and keep its connection where that is cheap; twice is fine."""
        if not self._is_open:
            return
        with suppress(OSError):
            if self.length is not None and self.length <= _DRAIN_BYTES:
                self.read(_DRAIN_BYTES)
        if self._is_over and self._may_keep and self._connection.is_drained:
            self._is_open = False
            self._keep(self._connection)
        else:
            self.drop()

    def drop(self) -> None:
        """Be done with this answer and its connection."""
        if self._is_open:
            self._is_open = False
            self._connection.close()

    def _announced(self) -> int | None:
        """How long the body is (RFC 9112, 6.3); None where its end will show."""
        coding, length = self.header("transfer-encoding"), self.header("content-length")
        if self.status in (204, 304):
            return 0
        if coding:
            if coding.lower() != "chunked":
                raise BrokenAnswer("the answer has an unknown transfer encoding")
            self.is_chunked = True
            self._may_keep = self._may_keep and not length
            return None
        if length:
            if not (length.isascii() and length.isdigit() and len(length) < 19):
                raise BrokenAnswer("the answer has a length that is no number")
            return int(length)
        self._may_keep = False
        return None

    def _read_chunk(self, buffer: memoryview) -> int:
        if not self._chunk_left:
            found = _CHUNK.fullmatch(self._connection.until(b"\r\n"))
            if not found:
                raise BrokenAnswer("the answer has a broken chunk")
            self._chunk_left = int(found[1], 16)
            if not self._chunk_left:
                while self._connection.until(b"\r\n"):
                    pass  # trailers say nothing that we need
                self._is_over = True
                return 0
        count = self._connection.readinto(buffer[: self._chunk_left])
        if not count:
            raise BrokenAnswer("the connection ended within a chunk")
        self._chunk_left -= count
        if not self._chunk_left and self._connection.until(b"\r\n"):
            raise BrokenAnswer("the answer has a broken chunk")
        return count


def _read_head(connection: Connection) -> tuple[int, Mapping[str, str], bool]:
    """Status, headers (names in lower case), and whether the connection may be used again."""
    for _ in range(_MOST_INTERIM):
        first, *lines = connection.until(b"\r\n\r\n").split(b"\r\n")
        found = _STATUS.fullmatch(first)
        if not found:
            raise BrokenAnswer("what answers does not speak HTTP/1.1")
        if not found[2].startswith(b"1"):
            break
    else:
        raise BrokenAnswer("no answer comes, only announcements of one")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            raise BrokenAnswer("the answer has a broken header")
        name, value = name.lower(), value.strip(" \t")
        if name in headers:
            if name == "content-length" and headers[name] != value:
                raise BrokenAnswer("the answer has two lengths")
            value = value if name == "content-length" else f"{headers[name]}, {value}"
        headers[name] = value
    may_keep = found[1] == b"1" and "close" not in headers.get("connection", "").lower()
    return int(found[2]), headers, may_keep
