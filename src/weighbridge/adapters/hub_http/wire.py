"""One exchange over a pooled connection: ``http.client``, because it reads into our buffer.

Connections are kept per origin, last in first out, so that few stay warm. A kept connection
that the other side closed meanwhile is replaced at once; that is no failure of the Hub.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Lock

from weighbridge.adapters.hub_http.addresses import Origin, Proxies, trust

CONNECT_TIMEOUT_S = 10.0
_DRAIN_BYTES = 64 * 1024
"""Up to so much of an unread answer is read to keep its connection; beyond, a new one is cheaper."""


class Answer:
    """A response whose body is still to be read; ``close`` gives the connection back or drops it."""

    def __init__(
        self, wire: Wire, origin: Origin, connection: HTTPConnection, response: HTTPResponse
    ) -> None:
        self._wire, self._connection, self._response = wire, connection, response
        self._is_open = True
        self.origin = origin
        self.status = response.status
        self.headers = response.headers

    def header(self, name: str) -> str:
        """The value of a header, or an empty text."""
        value: str | None = self.headers.get(name)
        return value or ""

    @property
    def length(self) -> int | None:
        """How many bytes of the body are still to come; None where the answer does not say."""
        return self._response.length

    @property
    def is_chunked(self) -> bool:
        """Whether the body's end is marked in the body itself, so that a cut is noticed."""
        return bool(self._response.chunked)

    def readinto(self, buffer: memoryview) -> int:
        """Fill ``buffer`` as far as the body goes; 0 at its end, or where the connection ended.

        Raises:
            OSError, HTTPException: the connection broke.
        """
        return self._response.readinto(buffer)

    def read(self, limit: int) -> bytes:
        """The body's first ``limit`` bytes, or all of it where it is shorter.

        Raises:
            OSError, HTTPException: the connection broke, or ended before the announced length.
        """
        body = self._response.read(limit)
        if len(body) < limit and self._response.length:
            raise HTTPException("the connection ended within the answer")
        return body

    def close(self) -> None:
        """Be done with this answer and keep its connection where that is cheap; twice is fine."""
        if not self._is_open:
            return
        with suppress(OSError, HTTPException):
            left = self._response.length
            if not self._response.isclosed() and left is not None and left <= _DRAIN_BYTES:
                self._response.read()
        is_read = self._response.isclosed() and not self._response.length
        if is_read and self._connection.sock is not None:
            self._is_open = False
            self._response.close()
            self._wire.keep(self.origin, self._connection)
        else:
            self.drop()

    def drop(self) -> None:
        """Be done with this answer and its connection, which broke."""
        if self._is_open:
            self._is_open = False
            self._connection.close()
            self._response.close()


class Wire:
    """Connections to origins, straight or through proxies; safe for use by several threads."""

    def __init__(self, environ: Mapping[str, str], *, kept: int, read_timeout_s: float) -> None:
        self._environ, self._kept, self._read_timeout_s = environ, kept, read_timeout_s
        self._proxies = Proxies(environ)
        self._idle: dict[Origin, list[HTTPConnection]] = {}
        self._lock = Lock()
        self._trust: ssl.SSLContext | None = None

    def get(self, origin: Origin, target: str, headers: Mapping[str, str]) -> Answer:
        """Ask for ``target`` and give the answer back as soon as its headers are there.

        Raises:
            OSError, HTTPException: there is no connection, or it broke.
            BadInput: the environment names a proxy or certificates that cannot be used.
        """
        while True:
            with self._lock:
                idle = self._idle.get(origin)
                connection = idle.pop() if idle else None
            is_kept = connection is not None
            if connection is None:
                connection = self._connect(origin)
            try:
                self._send(connection, origin, target, headers)
                return Answer(self, origin, connection, connection.getresponse())
            except (ConnectionError, HTTPException):
                connection.close()
                if not is_kept:
                    raise
            except BaseException:
                connection.close()
                raise

    def keep(self, origin: Origin, connection: HTTPConnection) -> None:
        """Take back a connection whose answer was read to its end."""
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            if len(idle) < self._kept:
                idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            connections = [c for idle in self._idle.values() for c in idle]
            self._idle.clear()
        for connection in connections:
            connection.close()

    def _send(
        self, connection: HTTPConnection, origin: Origin, target: str, headers: Mapping[str, str]
    ) -> None:
        proxy = self._proxies.to(origin) if origin.scheme == "http" else None
        if proxy is not None:
            target, headers = f"{origin}{target}", {**headers, **proxy.headers}
        connection.request("GET", target, headers={"Host": origin.authority, **headers})

    def _connect(self, origin: Origin) -> HTTPConnection:
        proxy = self._proxies.to(origin)
        place = proxy.origin if proxy else origin
        connection: HTTPConnection
        if origin.scheme == "https" or place.scheme == "https":
            connection = HTTPSConnection(
                place.host, place.port, timeout=CONNECT_TIMEOUT_S, context=self._tls()
            )
        else:
            connection = HTTPConnection(place.host, place.port, timeout=CONNECT_TIMEOUT_S)
        if proxy and origin.scheme == "https":
            connection.set_tunnel(origin.host, origin.port, headers=dict(proxy.headers))
        try:
            connection.connect()
            connection.sock.settimeout(self._read_timeout_s)
        except BaseException:
            connection.close()
            raise
        return connection

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._trust is None:
                self._trust = trust(self._environ)
            return self._trust
