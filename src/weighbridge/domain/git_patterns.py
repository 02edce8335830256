"""Patterns of ``.gitignore`` and ``.gitattributes`` (gitignore(5), gitattributes(5)).

Patterns come from strangers, so nothing here is a regular expression: matching takes time in
proportion to pattern times path, whatever the pattern is.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias, TypeVar

_Pattern = TypeVar("_Pattern")
_Subject = TypeVar("_Subject")
_Chars: TypeAlias = frozenset[str]
_Glob: TypeAlias = tuple[_Chars | None, ...]  # None: any number of characters

_ANY = frozenset(map(chr, range(256))) - {"/"}
_NOTHING: _Glob = (frozenset(),)
_CLASSES = {
    "alpha": string.ascii_letters,
    "alnum": string.ascii_letters + string.digits,
    "blank": " \t",
    "digit": string.digits,
    "lower": string.ascii_lowercase,
    "punct": string.punctuation,
    "space": string.whitespace,
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}


@dataclass(frozen=True, slots=True)
class PathPattern:
    """One pattern. ``parts`` are matched against the path's components; None: any number of them."""

    parts: tuple[_Glob | None, ...]
    folders_only: bool

    @classmethod
    def parse(cls, pattern: str) -> PathPattern:
        """Read a pattern, without its ``!``; one that git finds broken matches nothing."""
        text = _bytewise(pattern)
        folders_only = text.endswith("/")
        text = text[:-1] if folders_only else text
        anchored = "/" in text
        words = text.removeprefix("/").split("/")
        if not anchored:
            return cls((None, _glob(words[0])), folders_only)
        parts: list[_Glob | None] = [None if word == "**" else _glob(word) for word in words]
        if parts[-1] is None:  # "a/**" is what lies in a, not a itself
            parts.insert(-1, (None,))
        return cls(tuple(parts), folders_only)

    def matches(self, path: str, *, folder: bool = False) -> bool:
        """Whether the pattern names this very path."""
        if self.folders_only and not folder:
            return False
        return _wild(self.parts, _bytewise(path).split("/"), _fits)


def _bytewise(text: str) -> str:
    """The text with one character for each byte of its UTF-8: git knows bytes only."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def _wild(
    pattern: Sequence[_Pattern | None],
    subject: Sequence[_Subject],
    fits: Callable[[_Pattern, _Subject], bool],
) -> bool:
    """Whether the pattern fits all of the subject, where None fits any stretch.

    Only the last None needs to be tried again with a longer stretch, which keeps this quadratic.
    """
    at = done = 0
    star, tried = -1, 0
    while done < len(subject):
        wanted = pattern[at] if at < len(pattern) else None
        if at < len(pattern) and wanted is None:
            star, tried = at, done
            at += 1
        elif wanted is not None and fits(wanted, subject[done]):
            at, done = at + 1, done + 1
        elif star >= 0:
            tried += 1
            at, done = star + 1, tried
        else:
            return False
    return all(part is None for part in pattern[at:])


def _fits(glob: _Glob, name: str) -> bool:
    return bool(name) and _wild(glob, name, _among)


def _among(chars: _Chars, char: str) -> bool:
    return char in chars


def _glob(word: str) -> _Glob:
    found: list[_Chars | None] = []
    at = 0
    while at < len(word):
        char = word[at]
        at += 1
        if char == "*":
            if not found or found[-1] is not None:
                found.append(None)
        elif char == "?":
            found.append(_ANY)
        elif char == "[":
            chars, at = _bracket(word, at)
            if chars is None:
                return _NOTHING
            found.append(chars)
        elif char == "\\":
            if at == len(word):
                return _NOTHING
            found.append(frozenset(word[at]))
            at += 1
        else:
            found.append(frozenset(char))
    return tuple(found) or _NOTHING


def _bracket(word: str, at: int) -> tuple[_Chars | None, int]:
    """The characters of a ``[...]`` whose inside starts at ``at``, and where it ends; None: broken."""
    negated = word[at : at + 1] in ("!", "^")
    at += negated
    chars: set[str] = set()
    first = True
    while first or word[at : at + 1] != "]":
        first = False
        if word.startswith("[:", at) and (end := word.find(":]", at)) > 0:
            if word[at + 2 : end] not in _CLASSES:
                return None, at
            chars.update(_CLASSES[word[at + 2 : end]])
            at = end + 2
            continue
        low, at = _one(word, at)
        high = low
        if low and word[at : at + 1] == "-" and word[at + 1 : at + 2] not in ("", "]"):
            high, at = _one(word, at + 1)
        if not low or not high:
            return None, at
        chars.update(map(chr, range(ord(low), ord(high) + 1)))
    return (_ANY - chars if negated else frozenset(chars) & _ANY), at + 1


def _one(word: str, at: int) -> tuple[str, int]:
    """The character at ``at``, perhaps escaped, and where the next one stands; empty at the end."""
    if word[at : at + 1] == "\\":
        at += 1
    return word[at : at + 1], at + 1


class Ignored:
    """Which paths a ``.gitignore`` names, and those ``below`` it: the text of each by its folder.

    What the nearest one says counts; a pattern is about the folder that its file lies in.
    """

    def __init__(self, text: str, below: Mapping[str, str] = MappingProxyType({})) -> None:
        self._rules = {folder: _ignore_rules(each) for folder, each in {**below, "": text}.items()}

    def __contains__(self, path: str) -> bool:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            # nothing in an ignored folder can be taken out again
            if self._named("/".join(parts[:depth]), folder=True):
                return True
        return self._named(path, folder=False)

    def _named(self, path: str, *, folder: bool) -> bool:
        for base, inside in _from_nearest(path):
            for pattern, ignored in reversed(self._rules.get(base, ())):
                if pattern.matches(inside, folder=folder):
                    return ignored
        return False


def _ignore_rules(text: str) -> list[tuple[PathPattern, bool]]:
    rules = []
    for line in text.removeprefix("\ufeff").split("\n"):
        pattern = _without_trailing_spaces(line)
        if not pattern or pattern.startswith("#"):
            continue
        negated = pattern.startswith("!")
        rules.append((PathPattern.parse(pattern[negated:]), not negated))
    return rules


def folders_above(path: str) -> tuple[str, ...]:
    """The folders that a path lies in, the nearest first; the last one is the root, ``""``."""
    parts = path.split("/")[:-1]
    return tuple("/".join(parts[:depth]) for depth in range(len(parts), -1, -1))


def _from_nearest(path: str) -> Iterator[tuple[str, str]]:
    """Each folder that a path lies in, the nearest first, and the path within it."""
    for folder in folders_above(path):
        yield folder, path[len(folder) + 1 :] if folder else path


def _without_trailing_spaces(line: str) -> str:
    kept = line.rstrip(" ")
    escapes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if escapes % 2 and len(kept) < len(line) else kept


class LargeByAttributes:
    """Which paths a ``.gitattributes`` gives to large file storage (``filter=lfs``), and those ``below`` it.

    What the nearest file says of a path counts.
    """

    def __init__(self, text: str, below: Mapping[str, str] = MappingProxyType({})) -> None:
        self._rules = {folder: _attribute_rules(each) for folder, each in {**below, "": text}.items()}

    def says(self, path: str) -> bool | None:
        """True: large file storage; False: expressly not; None: nothing is said of the path."""
        for base, inside in _from_nearest(path):
            for pattern, large in reversed(self._rules.get(base, ())):
                if pattern.matches(inside):
                    return large
        return None


def _attribute_rules(text: str) -> list[tuple[PathPattern, bool | None]]:
    rules: list[tuple[PathPattern, bool | None]] = []
    for line in text.removeprefix("\ufeff").split("\n"):
        pattern, attributes = _attribute_line(line.strip(" \t\r"))
        if pattern and pattern[0] not in "#!":
            rules += [(PathPattern.parse(pattern), large) for large in _filters(attributes)]
    return rules


def _filters(attributes: Sequence[str]) -> list[bool | None]:
    """What the attributes say of filters, one by one; the last one counts."""
    words = {"filter=lfs": True, "-filter": False, "!filter": None}
    return [words.get(each, False) for each in attributes if each.lstrip("-!").partition("=")[0] == "filter"]


def _attribute_line(line: str) -> tuple[str, list[str]]:
    """The pattern and the attributes of a line; a pattern may stand in double quotes."""
    if not line.startswith('"'):
        pattern, *attributes = line.split() or [""]
        return pattern, attributes
    end = 1
    while end < len(line) and line[end] != '"':
        end += 2 if line[end] == "\\" else 1
    quoted = line[1:end].replace('\\"', '"').replace("\\\\", "\\")
    return quoted, line[end + 1 :].split()


def is_binary(sample: bytes) -> bool:
    """Whether the first bytes of a file are no text: a zero byte, or no UTF-8 (its end may be cut)."""
    if b"\x00" in sample:
        return True
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return not (error.reason == "unexpected end of data" and error.start >= len(sample) - 3)
    return False
