"""A file's value, read again only when ``stat`` says that the file is another."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Value = TypeVar("Value")
TOO_FRESH_NS = 50_000_000
"""Filesystems count time in ticks of some milliseconds: two writes in one tick look like one."""


class Unchanged(Generic[Value]):
    """Wraps a reader of files for processes that ask again and again."""

    def __init__(self, read: Callable[[Path], Value]) -> None:
        self._read = read
        self._known: dict[Path, tuple[tuple[int, int, int], Value]] = {}

    def __call__(self, path: Path) -> Value:
        """What the reader says of ``path``; raises what it raises."""
        mark = _mark(path)
        known = self._known.get(path)
        if mark is not None and known is not None and known[0] == mark:
            return known[1]
        value = self._read(path)
        if mark is not None:
            self._known[path] = (mark, value)
        return value


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    if time.time_ns() - found.st_mtime_ns < TOO_FRESH_NS:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
