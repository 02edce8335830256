"""A port of loopback that stays one's own while nobody listens on it: for servers that end and come back."""

from __future__ import annotations

import socket


class HeldPort:
    """A free port, from now until ``release``, between two servers on it too.

    The socket is bound and does not listen: a client is refused as where there is nobody, the system gives
    the number to nobody who asks for any, and a server that is told the number (with SO_REUSEADDR or
    SO_REUSEPORT, which ours, Go's and Python's set) may listen on it.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        if hasattr(socket, "SO_REUSEPORT"):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.number: int = self._socket.getsockname()[1]

    def release(self) -> None:
        """Anybody may have it."""
        self._socket.close()
