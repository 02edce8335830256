"""The demo's servers: real processes of this very command line, which end with the demo."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from weighbridge.errors import Unreachable
from weighbridge.settings import child_environment


@contextmanager
def running(*arguments: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Start ``weighbridge ARGUMENTS --port 0 --json``, give its address, stop it at the end.

    Raises:
        Unreachable: it ended before it served.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "weighbridge", *arguments, "--json"],
        stdout=subprocess.PIPE,
        env=child_environment(environment),
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )
    try:
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            raise Unreachable(f"weighbridge {arguments[0]} ended with code {process.wait()} before it served")
        yield json.loads(line)["url"]
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    """Ask Linux to end this process when the demo is gone, however it went (prctl(2))."""
    import ctypes
    import signal

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
