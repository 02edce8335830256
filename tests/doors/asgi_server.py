"""Serves an ASGI application on loopback for a test, and stops with it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address of ``app``, for as long as the block lasts."""
    with socket.socket() as claim:
        claim.bind(("127.0.0.1", 0))
        # The server listens with SO_REUSEPORT. The claim was made without it and is kept, so that no
        # other test's server can be given the same port.
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        yield from _serving(app, claim.getsockname()[1])


def _serving(app: Any, port: int) -> Iterator[str]:
    running: dict[str, Any] = {}
    ready = threading.Event()

    async def main() -> None:
        server = Server(
            app,
            "127.0.0.1",
            port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=False,
            log_enabled=False,
        )
        server.workers_kill_timeout = 5
        running.update(server=server, loop=asyncio.get_running_loop())
        task = asyncio.ensure_future(server.serve())
        while not task.done():
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                ready.set()
                break
            await asyncio.sleep(0.01)
        await task

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(600)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running["loop"].call_soon_threadsafe(running["server"].stop)
        thread.join(600)
        assert not thread.is_alive()
        time.sleep(0.05)  # granian's own threads end a moment later, and need the interpreter for it


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(
    url: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request; ``body`` is sent as JSON unless it is bytes."""
    sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection = HTTPConnection(urlsplit(url).netloc, timeout=600)
    try:
        content = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, sent, {**content, **(headers or {})})
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()
