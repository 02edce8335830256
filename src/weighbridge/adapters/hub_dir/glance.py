"""Whether a repository's folder is as it was: one ``stat`` for each file and folder, no listing.

A folder's mark changes when a name in it comes, goes or is replaced, a file's when it is written.
The change time is part of a mark: no program can set it back. What changed within the last second
could change once more and look the same, so a glance at it is not trusted (``settled``).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from weighbridge.adapters.hub_dir.tree import UNSERVED

_SETTLED_NS = 1_000_000_000
_FINE_NS, _COARSE_NS = 50_000_000, 2_000_000_000
_WORTH, _LONGEST_S = 10, 0.1

_Mark: TypeAlias = tuple[int, int, int, int]


@dataclass(slots=True)
class Glance:
    """The marks of everything whose change would change the repository; None where nothing was."""

    marks: tuple[tuple[str, _Mark | None], ...]
    taken_ns: int
    newest_ns: int
    _good_until_s: float = field(default=0.0, init=False)

    @classmethod
    def take(cls, root: Path, *beside: Path) -> Glance:
        """Look at every file and folder below ``root``, and at the files ``beside`` it."""
        now_ns = time.time_ns()
        paths = [*_below(str(root)), *map(str, beside)]
        marks = tuple((path, _mark(path)) for path in paths)
        newest_ns = max((max(mark[1:3]) for _, mark in marks if mark), default=0)
        return cls(marks=marks, taken_ns=now_ns, newest_ns=newest_ns)

    @property
    def settled(self) -> bool:
        """Whether nothing had changed for a second when it was looked at."""
        return self.taken_ns - self.newest_ns > _SETTLED_NS

    @property
    def quiet(self) -> bool:
        """Whether a further change would show: where time is counted finely, sooner than after a second."""
        in_seconds = self.newest_ns % 1_000_000_000 == 0
        return self.taken_ns - self.newest_ns > (_COARSE_NS if in_seconds else _FINE_NS)

    @property
    def left_alone(self) -> bool:
        """Whether the last change that it knows of is a second ago by now."""
        return time.time_ns() - self.newest_ns > _SETTLED_NS

    def holds(self) -> bool:
        """Whether everything looks as it did."""
        return all(_mark(path) == mark for path, mark in self.marks)

    def held_lately(self) -> bool:
        """As ``holds``, looked at again only after ten times as long as looking takes.

        That is a third of a millisecond for twenty files, and never more than 0.1 s: looking costs
        a tenth of the time however many ask.
        """
        started = time.perf_counter()
        if started < self._good_until_s:
            return True
        worked = time.thread_time()  # not the time that passed: on a busy machine that is longer
        held = self.holds()
        took = time.thread_time() - worked
        self._good_until_s = started + min(_WORTH * took, _LONGEST_S) if held else 0.0
        return held


def _mark(path: str) -> _Mark | None:
    try:
        found = os.stat(path)  # noqa: PTH116  Path.stat takes twice as long, and this is the point
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _below(root: str) -> list[str]:
    """``root`` and everything below it that a listing would hold; what cannot be listed is left out."""
    found, pending = [root], [""]
    while pending:
        below = pending.pop()
        try:
            with os.scandir(os.path.join(root, below)) as listing:  # noqa: PTH118
                items = list(listing)
        except OSError:
            continue
        for item in items:
            path = f"{below}/{item.name}" if below else item.name
            if path in UNSERVED:
                continue
            found.append(item.path)
            if item.is_dir(follow_symlinks=False):
                pending.append(path)
    return found
