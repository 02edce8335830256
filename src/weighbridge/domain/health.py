"""How a registry and its parts are: what ``GET /health`` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Figure: TypeAlias = int | bool | str | None


class Condition(StrEnum):
    """How something is."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


_WORSE = tuple(Condition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A part of the registry. ``detail`` is a sentence for strangers too: it names no place and no secret."""

    name: str
    condition: Condition = Condition.OK
    detail: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)


def overall(components: Sequence[Component]) -> Condition:
    """The condition of the whole: that of its worst part."""
    return max((one.condition for one in components), key=_WORSE.index, default=Condition.OK)
