"""``weighbridge`` as a process that starts at once: forked from one that has imported everything.

A start of Python and its imports cost more than most commands do. One process imports them when first
asked for, runs nothing, and is forked for every command: what runs is a process of its own, with its
own session, environment, folder and streams, that is killed and waited for like any other. Tests of how
the program itself starts, and of what it imports, start Python.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO, Any

_LONG = 1 << 20
_NOT_BEFORE = ("weighbridge.__main__", "weighbridge.doors.demo", "weighbridge.adapters.catalog.migrations")
"""They do something when they are imported, or bring a client that reads its settings then."""
_FOREIGN = (
    "alembic.command", "alembic.script", "dbos", "granian.server.embed", "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite",
)  # fmt: skip
_WIDTH = 20
_TURN_S = 0.5
"""Who waits looks up so often: another thread may have read the end meanwhile."""
Stream = IO[bytes] | int
"""A file, or DEVNULL; for what the command writes also PIPE."""


class Warm:
    """A command that runs; the part of ``subprocess.Popen`` that tests use."""

    def __init__(
        self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path | str = "/",
        stdin: Stream = DEVNULL, stdout: Stream = DEVNULL, stderr: Stream = DEVNULL,
    ) -> None:  # fmt: skip
        self.returncode: int | None = None
        self._reading = threading.Lock()
        self.stdout: IO[bytes] | None = None
        self._report, report = os.pipe()
        with ExitStack() as stack:
            stack.callback(os.close, report)
            nothing = stack.enter_context(open(os.devnull, "r+b"))
            given = [nothing if each == DEVNULL else each for each in (stdin, stdout, stderr)]
            if stdout == PIPE:
                read, write = os.pipe()
                self.stdout = os.fdopen(read, "rb")
                given[1] = stack.enter_context(os.fdopen(write, "wb"))
            numbers = [each if isinstance(each, int) else each.fileno() for each in given]
            wish = json.dumps({"arguments": list(arguments), "env": dict(env), "cwd": str(cwd)})
            socket.send_fds(_line(), [wish.encode()], [*numbers, report])
        self.pid = int(os.read(self._report, _WIDTH))

    def poll(self) -> int | None:
        """Its exit code once it has ended; minus the signal that ended it. Any thread may ask."""
        with self._reading:
            if self.returncode is None and _is_told(self._report, 0):
                self.returncode = int(os.read(self._report, _WIDTH))
                os.close(self._report)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it has not come in time.
        """
        limit = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = _TURN_S if limit is None else limit - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired("weighbridge", timeout or 0)
            _is_told(self._report, min(left, _TURN_S))
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)


def run_warm(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path | str = "/", input: str = "",
    timeout: float = 600,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    """A command to its end, with what it said."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(input.encode())
        given.seek(0)
        process = Warm(arguments, env=env, cwd=cwd, stdin=given, stdout=out, stderr=err)
        try:
            process.wait(timeout)
        except BaseException:
            process.kill()
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(
            ["weighbridge", *arguments], process.wait(), out.read().decode(), err.read().decode()
        )


def _is_told(report: int, patience_s: float) -> bool:
    """Whether there is something to read, also where descriptors have large numbers."""
    look = select.poll()
    look.register(report, select.POLLIN)
    return bool(look.poll(1000 * patience_s))


@cache
def _line() -> socket.socket:
    """To the process that has imported everything; it ends when this one does."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (here, there):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONG)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WEIGHBRIDGE_", "HF_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.warm", str(there.fileno())], env=clean, pass_fds=[there.fileno()],
        cwd=Path(__file__).parents[1], stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    there.close()
    atexit.register(process.wait)
    atexit.register(here.close)
    return here


def _serve(line: socket.socket) -> None:
    """Fork for each wish; returns in a process that is to run the command."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        wish, streams, _, _ = socket.recv_fds(line, _LONG, 8)
        if not wish:
            os._exit(0)
        if os.fork() == 0:
            break
        for each in streams:
            os.close(each)
    line.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    report = streams.pop()
    if child := os.fork():
        for each in streams:
            os.close(each)
        os.write(report, str(child).encode().ljust(_WIDTH))
        _, status = os.waitpid(child, 0)
        os.write(report, str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    os.close(report)
    _become(json.loads(wish), streams)


def _become(wish: dict[str, Any], streams: list[int]) -> None:
    os.setsid()
    for number, each in enumerate(streams):
        os.dup2(each, number)
        os.close(each)
    _open_streams()
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    sys.argv = ["weighbridge", *wish["arguments"]]


def _open_streams() -> None:
    """As a start of Python opens them: those from before remember whether they were a file or a pipe."""
    sys.stdin = os.fdopen(0, encoding=sys.stdin.encoding, closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors, closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding=sys.stderr.encoding, errors=sys.stderr.errors, closefd=False)


def _main() -> None:
    import weighbridge

    for module in pkgutil.walk_packages(weighbridge.__path__, "weighbridge."):
        if not module.name.startswith(_NOT_BEFORE):
            importlib.import_module(module.name)
    for name in _FOREIGN:
        importlib.import_module(name)
    assert len(os.listdir("/proc/self/task")) == 1, "what is forked has no threads"
    assert "huggingface_hub" not in sys.modules, "it reads the environment when it is imported"
    from weighbridge.doors.cli.app import main

    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    try:
        main()
    except SystemExit as end:
        _leave(end.code)


def _leave(code: object) -> None:
    """As the interpreter leaves, but without taking down two thousand modules one by one."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    _main()
