"""Connections to origins, straight or through proxies, kept and used again.

They are kept per origin, last in first out, so that few stay warm. A kept connection that the
other side closed meanwhile is replaced at once; that is no failure of the Hub.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from weighbridge.adapters.hub_http.addresses import Origin, Proxies, Proxy, trust
from weighbridge.adapters.hub_http.answer import Answer, Connection

if TYPE_CHECKING:
    import ssl

CONNECT_TIMEOUT_S = 10.0


class Wire:
    """Asks origins; safe for use by several threads."""

    def __init__(self, environ: Mapping[str, str], *, kept: int, read_timeout_s: float) -> None:
        self._environ, self._kept, self._read_timeout_s = environ, kept, read_timeout_s
        self._proxies = Proxies(environ)
        self._idle: dict[Origin, list[Connection]] = {}
        self._lock = Lock()
        self._trust: ssl.SSLContext | None = None

    def get(self, origin: Origin, target: str, headers: Mapping[str, str]) -> Answer:
        """Ask for ``target`` and give the answer back as soon as its headers are there.

        Raises:
            OSError: there is no connection, or it broke.
            BadInput: the environment names a proxy or certificates that cannot be used.
        """
        proxy = self._proxies.to(origin)
        if proxy and origin.scheme == "http":
            target, headers = f"{origin}{target}", {**headers, **proxy.headers}
        request = _request("GET", target, {"Host": origin.authority, **headers})
        while True:
            with self._lock:
                idle = self._idle.get(origin)
                kept = idle.pop() if idle else None
            connection = kept or self._connect(origin, proxy)
            try:
                connection.send(request)
                return Answer(connection, partial(self._keep, origin))
            except ConnectionError:
                connection.close()
                if not kept:
                    raise
            except BaseException:
                connection.close()
                raise

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            connections = [c for idle in self._idle.values() for c in idle]
            self._idle.clear()
        for connection in connections:
            connection.close()

    def _keep(self, origin: Origin, connection: Connection) -> None:
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            if len(idle) < self._kept:
                idle.append(connection)
                return
        connection.close()

    def _connect(self, origin: Origin, proxy: Proxy | None) -> Connection:
        place = proxy.origin if proxy else origin
        tls = self._tls() if "https" in (place.scheme, origin.scheme) else None
        sock = socket.create_connection((place.host, place.port), timeout=CONNECT_TIMEOUT_S)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                if proxy and origin.scheme == "https":
                    _tunnel(sock, origin, proxy)
                secured = origin if origin.scheme == "https" else place
                sock = tls.wrap_socket(sock, server_hostname=secured.host)
            sock.settimeout(self._read_timeout_s)
        except BaseException:
            sock.close()
            raise
        return Connection(sock)

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._trust is None:
                self._trust = trust(self._environ)
            return self._trust


def _request(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of a request; every part was checked to be plain ASCII where it came in."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _tunnel(sock: socket.socket, origin: Origin, proxy: Proxy) -> None:
    """Have the proxy pass everything on to the origin (RFC 9110, 9.3.6)."""
    place = f"[{origin.host}]:{origin.port}" if ":" in origin.host else f"{origin.host}:{origin.port}"
    connection = Connection(sock)
    connection.send(_request("CONNECT", place, {"Host": place, **proxy.headers}))
    status = Answer(connection, lambda _: None).status
    if not 200 <= status < 300 or not connection.is_drained:
        raise ConnectionRefusedError(f"the proxy answered {status}")
