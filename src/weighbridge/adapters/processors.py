"""How many processors this process may really use.

``os.cpu_count()`` tells what the machine has. A container is held to a quota (cgroups: ``cpu.max`` of
version 2, ``cpu.cfs_quota_us`` and ``cpu.cfs_period_us`` of version 1; docs.kernel.org, "CFS Bandwidth
Control"), and a process may be bound to some processors only. More threads than that wait for each other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def usable_processors(root: Path = Path("/")) -> int:
    """The least of what the machine has, what we are bound to, and what the quota gives; at least 1."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # A quota of one and a half is two threads that sometimes wait, which is faster than one.
    return max(1, min([bound, *(-int(-quota // 1) for quota in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Every quota that holds for us, in processors: our group's and those of the groups above it."""
    for controllers, group in _groups(root):
        base = root / "sys/fs/cgroup"
        if controllers:
            base = next(
                (base / name for name in (controllers, "cpu", "cpu,cpuacct") if (base / name).is_dir()), base
            )
        at = PurePosixPath("/", group.lstrip("/"))
        for place in (at, *at.parents):
            folder = base / str(place).lstrip("/")
            quota = _quota(folder)
            if quota is not None:
                yield quota


def _groups(root: Path) -> Iterator[tuple[str, str]]:
    """Our groups that may bear a quota: ("", path) for version 2, (controllers, path) for version 1."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if not controllers or "cpu" in controllers.split(","):
            yield controllers, group


def _quota(folder: Path) -> float | None:
    both = _text(folder / "cpu.max").split()
    if not both:
        both = [_text(folder / f"cpu.cfs_{what}_us").strip() for what in ("quota", "period")]
    if len(both) != 2 or not both[0].isdecimal() or not both[1].isdecimal() or not int(both[1]):
        return None  # "max" and -1 say that there is none
    return int(both[0]) / int(both[1])


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""
