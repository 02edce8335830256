"""What the verbs of a model list give back: one line per model, its error in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.lock import LockEntry, Spec
from weighbridge.errors import WeighbridgeError

Failure: TypeAlias = WeighbridgeError | Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """What ``lock`` did to one model: ``added``, ``changed``, ``kept``, ``removed`` or ``failed``.

    ``before`` and ``after`` are its pins. A model that was ``kept`` though it has an ``error`` was to be
    upgraded and could not be. ``advice`` is a word on its choice of files.
    """

    id: str
    change: str
    commit: str = ""
    was: str = ""
    before: LockEntry | None = None
    after: LockEntry | None = None
    advice: str = ""
    error: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A model of the lock, the commit it is pinned to, and what its revision means upstream now.

    ``before`` is its pin, ``after`` the files that an upgrade would bring, as far as the Hub lists them.
    """

    id: str
    revision: str
    commit: str
    now: str = ""
    before: LockEntry | None = None
    after: LockEntry | None = None
    error: Failure | None = None

    @property
    def has_moved(self) -> bool:
        """Whether upstream is elsewhere."""
        return bool(self.now) and self.now != self.commit


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """A model's folder after ``sync``; ``state`` is how it was found.

    ``adopted_bytes`` came out of the user's Hugging Face cache. ``moved_from`` is the commit that the
    branch or tag meant in a Hugging Face cache before, where that was another one.
    """

    id: str
    folder: Path
    commit: str = ""
    state: str = ""
    fetched_bytes: int = 0
    adopted_bytes: int = 0
    moved_from: str = ""
    error: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What ``verify`` found: every fault, and files that the lock does not name."""

    id: str
    folder: Path
    files: int = 0
    size_bytes: int = 0
    faults: tuple[Failure, ...] = ()
    unlisted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of ``list``; ``entry`` is None where the lock does not answer the list."""

    spec: Spec
    folder: Path
    state: str
    entry: LockEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """A folder that was (or would be) removed, and what of the store only this model used.

    ``kept`` names the locks for which the folder, or some of its files, stays.
    """

    id: str
    folder: Path
    removed_bytes: int = 0
    stored_bytes: int = 0
    kept: str = ""
    error: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """What ``clean`` did or would do; ``unfinished_bytes`` were left behind by interrupted runs.

    ``stored_stay`` says why nothing was dropped from the store; it is empty where that was safe.
    """

    models: tuple[Cleaned, ...]
    unfinished_bytes: int = 0
    stored_stay: str = ""
