"""Who hears of progress: a terminal, a log, or nobody. All of it goes to one stream (stderr)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, TextIO

from weighbridge.ports import Reporter

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 10.0


class SilentReporter:
    """Nobody listens."""

    def begin(self, title: str, total_bytes: int) -> None:
        """Nothing."""

    def moved(self, count: int) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""

    def waiting(self, why: str) -> None:
        """Nothing."""


class LineReporter:
    """Plain lines for logs: one at the start of a stretch, then one every ten seconds.

    ``doing`` is what is done to the bytes.
    """

    def __init__(
        self, stream: TextIO, clock: Callable[[], float] = monotonic, doing: str = "fetching"
    ) -> None:
        self._stream, self._clock, self._lock, self._doing = stream, clock, Lock(), doing
        self._title, self._total, self._done, self._said = "", 0, 0, 0.0

    def begin(self, title: str, total_bytes: int) -> None:
        """Say what starts."""
        with self._lock:
            self._title, self._total, self._done, self._said = title, total_bytes, 0, self._clock()
            self._say(f"{self._doing} {title}: {_size(total_bytes)}")

    def moved(self, count: int) -> None:
        """Count, and say so from time to time."""
        with self._lock:
            self._done += count
            if self._clock() - self._said >= LINE_EVERY_S:
                self._said = self._clock()
                self._say(f"{self._doing} {self._title}: {_size(self._done)} of {_size(self._total)}")

    def end(self) -> None:
        """Nothing: the result is told by whoever asked."""

    def waiting(self, why: str) -> None:
        """Say why nothing moves."""
        with self._lock:
            self._say(f"waiting: {why}")

    def _say(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


class BarReporter:
    """A bar with rate and remaining time, gone when the stretch is over."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def begin(self, title: str, total_bytes: int) -> None:
        """Show a bar."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
        from rich.text import Text

        columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
        self._bar = Progress(
            "{task.fields[title]}", *columns, console=Console(file=self._stream), transient=True
        )
        self._task = self._bar.add_task("", total=total_bytes, title=Text(title))
        self._bar.start()

    def moved(self, count: int) -> None:
        """Move the bar."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, count)

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None

    def waiting(self, why: str) -> None:
        """Say why there is no bar."""
        self._stream.write(f"waiting: {why}\n")
        self._stream.flush()


def reporter_for(stream: TextIO | None = None, *, silent: bool = False, doing: str = "fetching") -> Reporter:
    """A bar on a terminal, lines elsewhere; nothing if ``silent``."""
    stream = stream or sys.stderr
    if silent:
        return SilentReporter()
    return BarReporter(stream) if stream.isatty() else LineReporter(stream, doing=doing)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
