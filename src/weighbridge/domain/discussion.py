"""Discussions and pull requests of a repository: what was said, and what a merge makes of two branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from enum import StrEnum

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import FileEntry, Manifest

TITLE_LIMIT, TEXT_LIMIT = 200, 65536
"""Characters; as on the Hub, a title is one line."""


class Status(StrEnum):
    """Where a discussion stands; only a pull request is ever a draft or merged."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class EventKind(StrEnum):
    """What happened in a discussion."""

    COMMENT = "comment"
    STATUS = "status-change"
    TITLE = "title-change"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened; ``at`` is aware UTC.

    ``text`` is the comment, the new status, the new title or the commit's title; ``before`` the
    old title, ``commit`` the id of the commit.
    """

    id: str
    kind: EventKind
    at: datetime
    author: str
    text: str
    before: str = ""
    commit: str = ""
    edited: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Discussion:
    """A discussion, or a pull request into ``main``.

    ``number`` counts from 1 in its repository, 0 before the catalogue gave it one. A pull request
    was begun at the commit ``base`` and, once merged, became the commit ``merged_as``.
    """

    repository: str
    number: int
    title: str
    status: Status
    author: str
    created_at: datetime
    base: str = ""
    merged_as: str = ""

    @property
    def is_pull(self) -> bool:
        """Whether it proposes commits."""
        return bool(self.base)

    @property
    def ref(self) -> str:
        """The name of the branch that it proposes."""
        return pull_ref(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscussionQuery:
    """Which discussions; ``pulls`` None: both kinds. No ``statuses``: all of them."""

    pulls: bool | None = None
    statuses: tuple[Status, ...] = ()
    author: str = ""


def pull_ref(number: int) -> str:
    """``refs/pr/3``."""
    return f"refs/pr/{number}"


def pull_number(revision: str) -> int | None:
    """The number in ``refs/pr/3``; None where the revision is no such name."""
    digits = revision.removeprefix("refs/pr/")
    if digits == revision or not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        return None
    return int(digits) if digits[0] != "0" else None


def checked_title(title: str) -> str:
    """A title, without spaces around it.

    Raises:
        Invalid: it is empty, longer than a line should be, or not one line of characters.
    """
    title = title.strip()
    if not 1 <= len(title) <= TITLE_LIMIT or not title.isprintable():
        raise Invalid("title", title[:60], f"is not one line of 1 to {TITLE_LIMIT} characters")
    return title


def checked_text(text: str) -> str:
    """The words of a comment.

    Raises:
        Invalid: there are none, or too many, or they hold what a database cannot.
    """
    if not text.strip() or len(text) > TEXT_LIMIT or "\0" in text:
        raise Invalid("comment", text[:60], f"is not a text of 1 to {TEXT_LIMIT} characters")
    return text


def require_change(discussion: Discussion, wanted: Status) -> None:
    """Nothing, if people may bring a discussion into this state.

    Raises:
        Invalid: it was merged, is so already, or the state is not for it.
    """
    back = discussion.is_pull and discussion.status is Status.OPEN
    if wanted not in (Status.OPEN, Status.CLOSED) and not (back and wanted is Status.DRAFT):
        raise Invalid("status", wanted, "is none that this discussion can be given")
    if discussion.status is Status.MERGED:
        raise Invalid("status", wanted, "comes too late: the pull request was merged")
    if wanted is discussion.status:
        raise Invalid("status", wanted, "is what the discussion has already")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What comes of two branches: ``files``, unless both changed one of the ``conflicts``."""

    files: tuple[FileEntry, ...]
    conflicts: tuple[str, ...]


def merge(base: Manifest, ours: Manifest, theirs: Manifest) -> Merge:
    """Ours with what theirs changed since ``base``, file by file.

    A file that both changed in different ways is a conflict, even where the lines differ: weights
    have no lines, and a configuration that nobody wrote should not run.
    """
    files, conflicts = [], []
    paths = {*base.by_path, *ours.by_path, *theirs.by_path}
    for path in sorted(paths):
        was, here, there = (side.by_path.get(path) for side in (base, ours, theirs))
        if here == there or there == was:
            kept = here
        elif here == was:
            kept = there
        else:
            conflicts.append(path)
            continue
        files += [kept] if kept else []
    conflicts += _under_files(files)
    return Merge(files=tuple(files), conflicts=tuple(sorted(conflicts)))


def _under_files(files: list[FileEntry]) -> list[str]:
    """Paths that would stand in a folder where the other branch has a file."""
    names = {entry.path for entry in files}
    return [path for path in names if any(parent in names for parent in _parents(path))]


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def changed(base: Manifest, theirs: Manifest) -> tuple[str, ...]:
    """The paths of which the two differ."""
    paths = sorted({*base.by_path, *theirs.by_path})
    return tuple(path for path in paths if base.by_path.get(path) != theirs.by_path.get(path))


def difference(path: str, before: str | None, after: str | None) -> str:
    """The change of one file as ``git diff`` writes it; None: there is no such file on that side."""
    old = "/dev/null" if before is None else f"a/{path}"
    new = "/dev/null" if after is None else f"b/{path}"
    lines = unified_diff(_lines(before), _lines(after), old, new)
    spelled = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    return f"diff --git a/{path} b/{path}\n{_mode(before, after)}{spelled}"


def binary_difference(path: str, entries: Mapping[str, FileEntry | None]) -> str:
    """What is said of a file whose lines cannot be shown; ``entries`` before and after."""
    sizes = [str(each.size_bytes) if each else "no" for each in entries.values()]
    return f"diff --git a/{path} b/{path}\nBinary files differ ({' and '.join(sizes)} bytes)\n"


def _lines(text: str | None) -> list[str]:
    # git ends lines at line feeds only
    return [] if text is None else [line for line in text.replace("\n", "\n\0").split("\0") if line]


def _mode(before: str | None, after: str | None) -> str:
    if before is None:
        return "new file mode 100644\n"
    return "deleted file mode 100644\n" if after is None else ""
