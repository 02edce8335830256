"""The server process: one granian, in this process, for one ASGI application.

Nothing is forked, so a kill of any kind leaves no process behind.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from weighbridge.doors.hub import is_hub_path
from weighbridge.doors.hub.request import AsgiApp, Receive, Scope, Send
from weighbridge.errors import BadInput, HubDown

_START_LIMIT_S = 20.0
_STOP_LIMIT_S = 10
_PARTING_S = 0.25
"""For so long after a signal every answer says that its connection ends with it."""
_THREADS_LIMIT_S, _THREADS_PAUSE_S = 2.0, 0.02
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def compose(rest: AsgiApp, hub: AsgiApp) -> AsgiApp:
    """One application: the Hub's addresses to ``hub``, all others (and start and stop) to ``rest``."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_hub = scope["type"] == "http" and is_hub_path(scope.get("raw_path") or scope["path"].encode())
        await (hub if is_hub else rest)(scope, receive, send)

    return app


def serve(
    app: AsgiApp,
    host: str,
    port: int,
    *,
    announce: Callable[[str], None] | None = None,
    access_log: bool = False,
) -> None:
    """Serve until SIGINT or SIGTERM, then finish what is being answered, within ten seconds.

    A client that asks again and again over one connection is told first that it ends; who sends a
    request at the moment of a silent end could not know whether it was done. A second signal waits
    for nothing.

    Port 0 takes a free one. ``announce`` is told the address once it answers. The access log goes
    to stderr and has method, path and status, and never a header or a query.

    Raises:
        BadInput: the address cannot be listened on (in use, not ours, not permitted).
        HubDown: the server did not start.
    """
    with _claimed(host, port) as claim:
        address, taken = claim.getsockname()[:2]
        if not sys.platform.startswith("linux"):
            claim.close()  # elsewhere two sockets cannot have one port
        shown = f"[{host}]" if ":" in host else host
        before = _native_threads()
        parting = Parting(_logged(app) if access_log else app)
        run = _serve(parting, (address, taken), f"http://{shown}:{taken}", announce)
        asyncio.run(run)
        _outlive(before)


def _logged(app: AsgiApp) -> AsgiApp:
    """``app``, with a line on stderr for each of its answers."""

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
                sys.stderr.write(f"{scope['method']} {path.decode('ascii', 'replace')} {message['status']}\n")
                sys.stderr.flush()
            await send(message)

        await app(scope, receive, told)

    return logged


class Parting:
    """``app``, which says good-bye: from a moment on the head of each answer has ``Connection: close``."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._has_begun, self._is_used = False, False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; nothing is added before the moment has come."""
        self._is_used = self._is_used or scope["type"] == "http"
        if not self._has_begun:
            await self._app(scope, receive, send)
            return

        async def last(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        await self._app(scope, receive, last)

    def begin(self) -> float:
        """The moment has come; how many seconds it takes until clients know."""
        self._has_begun = True
        return _PARTING_S if self._is_used else 0.0


def _claimed(host: str, port: int) -> socket.socket:
    """A socket that holds the port for us.

    The server listens with SO_REUSEPORT: without this claim, which is made without that option,
    a second server on the same port would start in silence and get half of the requests.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    claim = socket.socket(family, socket.SOCK_STREAM)
    try:
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        claim.bind((host, port))
    except (OSError, OverflowError) as error:
        claim.close()
        why = error.strerror if isinstance(error, OSError) else "a port is a number from 0 to 65535"
        raise BadInput(
            f"cannot listen on {host}:{port}: {why}", hint="choose another one with --port"
        ) from error
    if hasattr(socket, "SO_REUSEPORT"):
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return claim


def _native_threads() -> set[str]:
    """The threads of this process that Python did not start, by number; empty off Linux."""
    try:
        ours = {str(thread.native_id) for thread in threading.enumerate()}
        return {task.name for task in Path("/proc/self/task").iterdir()} - ours
    except OSError:
        return set()


def _outlive(before: set[str]) -> None:
    """Wait until the server's own threads have ended, at most two seconds.

    They end a moment after the server says that it has stopped, and need the interpreter for it:
    one that met an interpreter that is being taken down would abort the process.
    """
    limit = time.monotonic() + _THREADS_LIMIT_S
    time.sleep(_THREADS_PAUSE_S)
    while _native_threads() - before and time.monotonic() < limit:
        time.sleep(_THREADS_PAUSE_S)


async def _serve(
    app: Parting,
    address: tuple[str, int],
    url: str,
    announce: Callable[[str], None] | None,
) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    server = Server(
        app,
        *address,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
        backlog=1024,
    )
    server.workers_kill_timeout = _STOP_LIMIT_S
    running = asyncio.ensure_future(server.serve())
    _stop_on_signals(app, server.stop, running)
    started = asyncio.ensure_future(_answers(*address))
    await asyncio.wait({running, started}, return_when=asyncio.FIRST_COMPLETED)
    if not started.done() or running.done():
        started.cancel()
    elif announce is not None:
        announce(url)
    with suppress(TimeoutError, asyncio.CancelledError):  # a client that reads slowly does not keep us
        await running


def _stop_on_signals(app: Parting, stop: Callable[[], None], running: asyncio.Future[None]) -> None:
    """The first signal stops, a second one does not wait for what is being answered."""
    asked: list[bool] = []

    def on_signal() -> None:
        if asked:
            running.cancel()
            stop()
        else:
            asyncio.get_running_loop().call_later(app.begin(), stop)
        asked.append(True)

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError):  # Windows, or not the main thread
            asyncio.get_running_loop().add_signal_handler(number, on_signal)


async def _answers(host: str, port: int) -> None:
    """Return once the address takes connections.

    Raises:
        HubDown: it did not within twenty seconds.
    """
    loop = asyncio.get_running_loop()
    limit = loop.time() + _START_LIMIT_S
    while loop.time() < limit:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(_ANY.get(host, host), port)
            writer.close()
            return
        await asyncio.sleep(0.01)
    raise HubDown(f"the server did not start on {host}:{port}")
