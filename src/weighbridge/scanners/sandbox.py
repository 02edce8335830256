"""The parent's side of the scanning process: one at a time, reused, replaced after a crash or a time-out."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

from weighbridge.domain.json_values import JsonObject, objects, text
from weighbridge.domain.scan import Finding, Severity
from weighbridge.scanners.notes import CRASH, TIMEOUT, shown

SECONDS_PER_FILE = 120.0
_ROOT = Path(__file__).resolve().parents[2]
_START = "import sys; sys.path.insert(0, sys.argv[1]); from weighbridge.scanners._worker import main; main()"


class Sandbox:
    """Runs scans in a process of its own; a context manager that leaves no process behind.

    Use it from one thread: Linux ends the process together with the thread that started it.
    ``seconds`` is the time that one file may take.
    """

    def __init__(self, seconds: float = SECONDS_PER_FILE) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process that would take the next file; None before the first and after a failure."""
        return self._process.pid if self._process else None

    def run(self, task: str, path: str, file: Path) -> tuple[Finding, ...]:
        """The findings of ``task`` (a key of the worker's table) on ``file``.

        A crash or a time-out is a finding too (``scan.crash``, ``scan.timeout``), and the next call
        gets a new process.
        """
        request = json.dumps({"task": task, "path": path, "file": str(file.absolute())}).encode() + b"\n"
        answer, late = self._ask(request)
        if late:
            return (_failure(path, TIMEOUT, f"not done after {self._seconds:g} seconds"),)
        crash = text(answer, "crash")
        if answer.get("findings") is None:
            return (_failure(path, CRASH, shown(crash or "the scanning process ended")),)
        return tuple(Finding.from_json(found) for found in objects(answer, "findings"))

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with contextlib.suppress(OSError):
            process.communicate()

    def _ask(self, request: bytes) -> tuple[JsonObject, bool]:
        process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the scanning process has no pipes")
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self._seconds, give_up)
        timer.daemon = True
        timer.start()
        try:
            process.stdin.write(request)
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = b""
        finally:
            timer.cancel()
        if late.is_set():
            self.close()
        if line.endswith(b"\n"):
            answer: JsonObject = json.loads(line)
            return answer, False
        self.close()
        return {}, late.is_set()

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-X", "utf8", "-c", _START, str(_ROOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd=_ROOT.anchor,
        )
        return self._process


def _failure(path: str, rule: str, message: str) -> Finding:
    return Finding(rule=rule, severity=Severity.REVIEW, path=path, message=f"the scan failed: {message}")
