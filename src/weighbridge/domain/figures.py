"""Figures of a running registry, and how Prometheus reads them.

The text format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Labels: TypeAlias = tuple[tuple[str, str], ...]
BOUNDS_S = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0)
"""The upper bounds of durations, in seconds."""


@dataclass(slots=True)
class Durations:
    """How long something took, each time, by ``BOUNDS_S``."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Once more."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """All figures of one name. ``kind`` is ``counter``, ``gauge`` or ``histogram``."""

    name: str
    kind: str
    about: str
    samples: Sequence[tuple[Labels, float | Durations]]


def exposition(families: Iterable[Family]) -> str:
    """The page that Prometheus reads."""
    lines: list[str] = []
    for family in families:
        lines += (f"# HELP {family.name} {family.about}", f"# TYPE {family.name} {family.kind}")
        for labels, value in family.samples:
            lines.extend(_lines(family.name, labels, value))
    return "".join(f"{line}\n" for line in lines)


def _lines(name: str, labels: Labels, value: float | Durations) -> Iterable[str]:
    if not isinstance(value, Durations):
        yield f"{name}{_spelled(labels)} {value:.17g}"
        return
    below = 0
    for bound, count in zip((*map(repr, BOUNDS_S), "+Inf"), tuple(value.counts), strict=True):
        below += count
        yield f"{name}_bucket{_spelled((*labels, ('le', bound)))} {below}"
    yield f"{name}_sum{_spelled(labels)} {value.total_s:.17g}"
    yield f"{name}_count{_spelled(labels)} {below}"


def _spelled(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in labels) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
