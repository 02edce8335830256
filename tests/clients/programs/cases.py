"""What a client's program is written with: cases in order, each told as one line of JSON.

A program runs in the client's own environment, where there is neither pytest nor Weighbridge:
nothing here may import more than the standard library.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

GIVEN: dict[str, str] = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
"""Tokens by user, and ``mode``: a word for the names of repositories, so that two runs do not meet."""
MODE = GIVEN.get("mode", "plain")
ENDPOINT = os.environ.get("HF_ENDPOINT", "")
KEPT = SimpleNamespace()
"""What a case leaves for those after it."""
_CASES: list[Callable[[], None]] = []


def case(operation: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Mark a function as a case of an operation (a row of the table); its name is the case's name."""

    def marked(function: Callable[[], None]) -> Callable[[], None]:
        _CASES.append(function)
        return function

    assert operation
    return marked


def same(got: Any, wanted: Any) -> None:
    """Fail with both values unless they are equal."""
    assert got == wanted, f"got {got!r:.600}, wanted {wanted!r:.600}"


def failure(call: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[str, str]:
    """The class and the message of the error that a call ends with."""
    try:
        got = call(*args, **kwargs)
    except Exception as error:
        return type(error).__name__, str(error)
    raise AssertionError(f"no error, but {got!r:.300}")


def fails(kind: str, words: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Fail unless the call ends with an error of this class that says these words."""
    got = failure(call, *args, **kwargs)
    assert got[0] == kind, f"got {got[0]}: {got[1]:.500}, wanted {kind}"
    assert words in got[1], f"{words!r} is not in {got[1]!r:.500}"


def files_of(root: str | Path) -> dict[str, bytes]:
    """Every file below a folder, but for what the client keeps for itself."""
    root = Path(root)
    found = {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    return {path: content for path, content in found.items() if not path.startswith(".cache/")}


def bytes_of(seed: int, size: int) -> bytes:
    """Bytes that do not compress and are the same in every run."""
    import random

    return random.Random(seed).randbytes(size)


def run() -> None:
    """Run every case; one that fails does not stop the others."""
    for function in _CASES:
        begun, said = time.monotonic(), ""
        try:
            function()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            said = "".join(traceback.format_exception(error))[-3000:] or "failed"
        seconds = round(time.monotonic() - begun, 3)
        print("\nCASE " + json.dumps({"name": function.__name__, "said": said, "s": seconds}), flush=True)
