"""The process in which untrusted formats are walked: no secrets, no network, no writing, little memory.

Reads one request per line from standard input (``{"task", "path", "file"}``, JSON) and answers with
one line (``{"findings": [...]}`` or ``{"crash": text}``). It ends when standard input does, so it
cannot outlive the process that asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue

from weighbridge.domain.json_values import JsonObject, text
from weighbridge.scanners.container import scan_file_inside, scan_hidden
from weighbridge.scanners.formats import FORMATS, read_format
from weighbridge.scanners.notes import LIMIT, Notes
from weighbridge.scanners.safetensors import scan_header
from weighbridge.scanners.text import scan_structured

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 3600
"""Over all files of one worker; the time limit of one file is the asking process's."""
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
        TASKS[text(request, "task") or ""](path, file, notes)
    except MemoryError:
        exhausted = True
    except Exception as error:
        return json.dumps({"crash": f"{type(error).__name__}: {error}"[:300]}).encode()
    if exhausted:
        notes.block(LIMIT, "needs more memory than a scan may take")
    return json.dumps({"findings": [finding.to_json() for finding in notes.findings]}).encode()


def _listen(requests: SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _die_with_parent() -> None:
    """Ask Linux to kill this process with the thread that started it; elsewhere the pipe must do."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError, ImportError):
            import ctypes
            import signal

            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, linux/prctl.h


def _limit() -> None:
    try:
        import resource
    except ImportError:
        return
    wanted = {
        "RLIMIT_AS": MEMORY_BYTES,
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
