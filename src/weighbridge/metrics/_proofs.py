"""Short ways to say where something was seen."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate

from weighbridge.domain.card import CARD_PATH
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.json_values import Json, canonical
from weighbridge.domain.markdown import Line
from weighbridge.domain.score import Proof


class Lines:
    """Lines that are searched many times over: a file may state thousands of results."""

    def __init__(self, numbered: Iterable[tuple[int, str]]) -> None:
        self._lines = [(number, raw) for number, raw in numbered if raw.strip()]
        self._text = "\n".join(raw for _, raw in self._lines)
        self._starts = [0, *accumulate(len(raw) + 1 for _, raw in self._lines)]

    def first(self, needle: str) -> tuple[int, str] | None:
        """The first line that holds ``needle``, with its number."""
        at = self._text.find(needle) if "\n" not in needle else -1
        return self._lines[bisect_right(self._starts, at) - 1] if at >= 0 and self._lines else None


@lru_cache(maxsize=8)
def _lines_of(content: str) -> Lines:
    return Lines(enumerate(content.splitlines(), 1))


def card_line(line: Line) -> Proof:
    """A line of README.md."""
    return Proof(source="file", path=CARD_PATH, locator=f"line {line.number}", excerpt=line.raw.strip())


def text_line(evidence: Evidence, path: str, needle: str = "") -> Proof:
    """The first line of a captured file that holds ``needle``; the file as listed without one."""
    seen = _lines_of(evidence.content(path) or "").first(needle)
    if seen is None:
        return listed(evidence, path)
    return Proof(source="file", path=path, locator=f"line {seen[0]}", excerpt=seen[1].strip())


def listed(evidence: Evidence, path: str) -> Proof:
    """A file as the revision lists it: its size in bytes."""
    entry = evidence.manifest.by_path.get(path)
    size = str(entry.size_bytes) if entry else ""
    return Proof(source="hub", path="files", locator=path, excerpt=size)


def hub_field(field: str, value: Json) -> Proof:
    """A field of the Hub's answer for the revision, as text or as canonical JSON."""
    return Proof(source="hub", path="info", locator=field, excerpt=as_text(value))


def parent_field(parent: str, field: str, value: Json) -> Proof:
    """A field of the Hub's answer for a base model."""
    return Proof(source="hub", path=parent, locator=field, excerpt=as_text(value))


def as_text(value: Json) -> str:
    """A JSON value as an excerpt."""
    if isinstance(value, str):
        return value
    try:
        return canonical(value).decode("utf-8", "replace")
    except (ValueError, UnicodeEncodeError):
        return ""


def front_field(evidence: Evidence, line: Line | None, key: str) -> Proof:
    """A field of the front matter: its line, or only its name where no line holds it."""
    if line is not None:
        return card_line(line)
    return Proof(source="file", path=CARD_PATH, locator=f"front matter: {key}")


def first(found: Sequence[Proof], count: int = 3) -> tuple[Proof, ...]:
    """The first few proofs: a reason needs a witness, not a crowd."""
    return tuple(found[:count])
