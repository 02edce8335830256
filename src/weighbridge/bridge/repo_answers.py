"""What the verbs of hosted repositories take and give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from weighbridge.domain.manifest import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that a client is about to send; ``sample`` is its first 512 bytes or less."""

    path: str
    size_bytes: int
    sample: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """How a candidate is to be sent.

    ``oid`` is what the branch holds under this path now: the sha256 of a large file, the git
    blob id of a small one; None where there is none.
    """

    path: str
    storage: Storage
    ignored: bool
    oid: str | None


class State(StrEnum):
    """Where a commit stands at the gate.

    Not weighed is what no branch ends at and no tag names, and what holds nothing to be weighed.
    """

    NOT_WEIGHED = "not weighed"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What became of a commit: ``sentence`` says why it was refused or withdrawn.

    ``record_id`` is the id of the package or of the refusal; empty while waiting.
    """

    commit: str
    state: State
    sentence: str = ""
    record_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeKept:
    """A large content of a repository, under one of its names.

    ``pushed_at`` (aware UTC) is the time of the first commit that held it, ``ref`` a branch, tag or pull
    request that leads to a commit with it; empty where none does.
    """

    sha256: str
    size_bytes: int
    path: str
    pushed_at: datetime
    ref: str
