"""Which file names may exist: one list of rules, for every path that comes from outside.

A Hub's listing, a commit from a client, a lock file and a folder on disk all pass through
``path_faults``. A name is refused when some platform that may hold the file would read it as
another place, another file, or could not show it as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from weighbridge.domain.invalid import Invalid

MAX_COMPONENT_BYTES = 255
"""The longest file name of ext4, APFS and NTFS, in bytes of UTF-8."""
MAX_PATH_BYTES = 1024
"""The longest path that macOS takes (PATH_MAX); Linux takes four times that."""

_PLAIN = re.compile(r"[A-Za-z0-9_\-+=@,~()\[\]{}#%&!^'$; .]+")
_DRIVE = re.compile(r"^[A-Za-z]:")
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u061c\u200e\u200f") | frozenset(
    map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
)


class PathFault(NamedTuple):
    """One broken rule: its id (``path.traversal``) and a clause that says what is wrong."""

    rule: str
    why: str


def path_faults(path: str) -> tuple[PathFault, ...]:
    """Every rule that ``path`` breaks as a relative posix file path, in a fixed order."""
    return tuple(_faults(path))


def _faults(path: str) -> Iterator[PathFault]:
    parts = path.split("/")
    if not path:
        yield PathFault("path.empty", "is empty")
        return
    if path.startswith("/") or _DRIVE.match(path):
        yield PathFault("path.absolute", "is absolute")
    if "\\" in path:
        yield PathFault("path.backslash", "holds a backslash")
    if ".." in parts:
        yield PathFault("path.traversal", "climbs out of its folder with '..'")
    if "." in parts or ("" in parts and not path.startswith("/")):
        yield PathFault("path.empty-component", "has an empty or '.' component")
    if any(part.casefold() == ".git" for part in parts):
        yield PathFault("path.git", "lies in a .git folder")
    if not all(map(_PLAIN.fullmatch, parts)):
        yield from _character_faults(path)
    if any(part != part.rstrip(" .") for part in parts if part not in (".", "..")):
        yield PathFault("path.trailing", "has a component that ends in a space or a dot")
    yield from _length_faults(path, parts)


def _character_faults(path: str) -> Iterator[PathFault]:
    if any(unicodedata.category(char) in ("Cc", "Zl", "Zp") for char in path):
        yield PathFault("path.control", "holds a control character")
    if any(char in _INVISIBLE for char in path):
        yield PathFault("path.invisible", "holds an invisible or direction-changing character")
    if any(0xD800 <= ord(char) <= 0xDFFF for char in path):
        yield PathFault("path.encoding", "is not valid Unicode")


def _length_faults(path: str, parts: list[str]) -> Iterator[PathFault]:
    longest = max(len(part.encode("utf-8", "surrogatepass")) for part in parts)
    if longest > MAX_COMPONENT_BYTES:
        yield PathFault(
            "path.long",
            f"has a component of {longest} bytes (the limit is {MAX_COMPONENT_BYTES})",
        )
    elif len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
        yield PathFault("path.long", f"is longer than {MAX_PATH_BYTES} bytes")


def checked_path(path: str) -> str:
    """``path`` itself, if it is safe.

    Raises:
        Invalid: the path breaks a rule; the message names the first one.
    """
    faults = path_faults(path)
    if faults:
        raise Invalid("path", path, faults[0].why)
    return path


class Collision(NamedTuple):
    """Two paths of one tree that cannot both exist on every filesystem."""

    first: str
    second: str
    why: str


def collisions(paths: Iterable[str]) -> tuple[Collision, ...]:
    """Pairs that clash: the same after case and NFC folding, or a file that is also a folder."""
    files: dict[str, str] = {}
    found: list[Collision] = []
    ordered = sorted(paths)
    for path in ordered:
        key = _folded(path)
        if key not in files:
            files[key] = path
            continue
        why = "is listed twice" if files[key] == path else "differs only in case or accents from"
        found.append(Collision(files[key], path, why))
    for path in ordered:
        key = _folded(path)
        cut = key.find("/")
        while cut >= 0:
            if key[:cut] in files:
                found.append(Collision(files[key[:cut]], path, "is a file and a folder of"))
                break
            cut = key.find("/", cut + 1)
    return tuple(found)


def _folded(path: str) -> str:
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path.casefold())
