"""The process in which untrusted formats are walked: no secrets, no network, no writing, little memory.

Reads one request per line from standard input (``{"task", "path", "file"}``, JSON) and answers with
one line (``{"findings": [...]}`` or ``{"crash": text}``). It ends when standard input does, so it
cannot outlive the process that asked.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import NoReturn

from weighbridge.domain.json_values import JsonObject, text
from weighbridge.scanners.container import scan_file_inside, scan_hidden
from weighbridge.scanners.formats import FORMATS, read_format
from weighbridge.scanners.notes import LIMIT, TIMEOUT, Notes, OutOfTime
from weighbridge.scanners.safetensors import scan_header
from weighbridge.scanners.text import scan_structured

MEMORY_BYTES = 1 << 30
HELD_BYTES = 160 << 20
"""What the process may hold besides its program, where the system can tell (RLIMIT_DATA of Linux 4.7)."""
CPU_SECONDS = 3600
"""Over all files of one worker."""
FILE_SECONDS = 1.5
SECONDS_PER_BYTE = 20e-9
"""Processor time for one file: an amount, and what unpacking its bytes in order takes. A file that waits
for its turn or its disk uses none; how long it may wait, the asking process says."""
_COLLECT = (20_000, 20, 50)
"""Less often than Python's own: a header of many parts is all kept, and looking through it costs half."""
TASKS: dict[str, Callable[[str, str, Notes], None]] = {
    "container": scan_file_inside,
    "hidden": scan_hidden,
    "safetensors": scan_header,
    "text": scan_structured,
    **{name: partial(read_format, name) for name in FORMATS},
}
_FORBIDDEN = (
    "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.link", "os.symlink", "os.truncate",
    "subprocess.Popen", "socket.", "pickle.find_class", "ctypes.", "shutil.", "webbrowser.", "urllib.Request",
)  # fmt: skip


def main() -> None:
    """Serve until standard input ends."""
    _die_with_parent()
    _limit()
    gc.set_threshold(*_COLLECT)
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    _lock_down()
    while True:
        sys.stdout.buffer.write(answer(requests.get()) + b"\n")
        sys.stdout.buffer.flush()


def answer(line: bytes) -> bytes:
    """The answer to one request."""
    request: JsonObject = json.loads(line)
    path, file = text(request, "path") or "", text(request, "file") or ""
    notes, exhausted = Notes(path), False
    try:
        with _limited_time(FILE_SECONDS + SECONDS_PER_BYTE * Path(file).stat().st_size):
            TASKS[text(request, "task") or ""](path, file, notes)
    except OutOfTime as late:
        notes.review(TIMEOUT, str(late))
    except MemoryError:
        exhausted = True
    except Exception as error:
        return json.dumps({"crash": f"{type(error).__name__}: {error}"[:300]}).encode()
    if exhausted:
        notes.review(LIMIT, "needs more memory than a scan may take")
    return json.dumps({"findings": [finding.to_json() for finding in notes.findings]}).encode()


@contextlib.contextmanager
def _limited_time(seconds: float) -> Iterator[None]:
    """Raise OutOfTime into what has used ``seconds`` of processor time, where the system has such a clock.

    One long call into C is not cut short; the counts of the readers bound those.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise OutOfTime(f"not done after {seconds:.1f} seconds of processor time")

    signal.signal(signal.SIGPROF, stop)
    # A reader may be in a place where an exception is dropped (a destructor): it is raised again.
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _listen(requests: SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _die_with_parent() -> None:
    """Ask Linux to kill this process with the thread that started it; elsewhere the pipe must do."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError, ImportError):
            import ctypes

            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, linux/prctl.h


def _limit() -> None:
    try:
        import resource
    except ImportError:
        return
    wanted = {
        "RLIMIT_AS": MEMORY_BYTES,
        "RLIMIT_DATA": HELD_BYTES,
        "RLIMIT_CPU": CPU_SECONDS,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 64,
    }
    for name, soft in wanted.items():
        with contextlib.suppress(ValueError, OSError, AttributeError):
            resource.setrlimit(getattr(resource, name), (soft, soft))


def _lock_down() -> None:
    """End the process at the first event that no scan causes: the last line, should a stub leak."""

    def watch(event: str, args: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(args[1], str) and not set(args[1]) <= set("rb")
        if writes or event.startswith(_FORBIDDEN):
            os._exit(86)

    sys.addaudithook(watch)
