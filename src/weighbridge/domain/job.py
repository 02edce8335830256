"""Jobs: long work that somebody asked for, which survives the process that does it.

queued ----> running ----> done       a package is listed
  ^  |          |  |-----> refused    the gate said no, or could not tell
  |  |          |  |-----> failed     what was asked for cannot be done
  |  |          |  '-----> cancelled
  |  '----------|-------->   "        nobody had begun
  |-------------'  given back: something outside was down, and it is tried again later
  |             '--------> parked     whoever works on it dies, or fails as nobody foresaw
  '---------------------------'       an operator has it tried again
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.ref import RepoId

MOST_TRIES = 6
"""How often work is begun again because something outside was down, before it counts as failed."""

MOST_DEATHS = 3
"""How many workers may die over a job before it is parked."""


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    PARKED = "parked"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in ACTIVE


ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING})

MOVES: Mapping[JobState, frozenset[JobState]] = MappingProxyType(
    {
        JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
        JobState.RUNNING: frozenset(
            {
                JobState.QUEUED,
                JobState.RUNNING,
                JobState.DONE,
                JobState.REFUSED,
                JobState.FAILED,
                JobState.PARKED,
                JobState.CANCELLED,
            }
        ),
        JobState.PARKED: frozenset({JobState.QUEUED, JobState.CANCELLED}),
        JobState.DONE: frozenset(),
        JobState.REFUSED: frozenset(),
        JobState.FAILED: frozenset({JobState.QUEUED}),
        JobState.CANCELLED: frozenset({JobState.QUEUED}),
    }
)
"""What may follow on what; running follows on running where another worker takes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A piece of long work. Its ``id`` is also that of the package or refusal that comes of it.

    ``wish`` is all that the work begins with. ``wish_key`` is the same for two who ask for the same,
    and so they wait for one job. ``commit`` is what ``revision`` meant when it was asked.
    ``error`` is of the last try. Times are aware UTC, sizes are bytes.
    """

    id: str
    verb: str
    repo: RepoId
    revision: str
    commit: str
    wish: JsonObject
    wish_key: str
    by: str
    created_at: datetime
    state: JobState = JobState.QUEUED
    step: str = ""
    done_bytes: int = 0
    total_bytes: int = 0
    tries: int = 0
    deaths: int = 0
    patient: bool = False
    due_at: datetime | None = None
    worker: str = ""
    cancel_asked: bool = False
    error: JsonObject | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    def to_json(self) -> JsonObject:
        """What may be shown: not the wish, which holds the whole policy."""
        return {
            "job_id": self.id,
            "verb": self.verb,
            "kind": self.repo.kind.value,
            "name": self.repo.full_name,
            "revision": self.revision,
            "commit": self.commit or None,
            "state": self.state.value,
            "step": self.step or None,
            "done_bytes": self.done_bytes,
            "total_bytes": self.total_bytes,
            "tries": self.tries,
            "due_at": _spelled(self.due_at),
            "cancel_asked": self.cancel_asked,
            "error": self.error,
            "package_id": self.id if self.state is JobState.DONE else None,
            "refusal_id": self.id if self.state is JobState.REFUSED else None,
            "created_at": _spelled(self.created_at),
            "started_at": _spelled(self.started_at),
            "ended_at": _spelled(self.ended_at),
            "created_by": self.by,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """Something that happened to a job; ``number`` counts from 1 for each job."""

    job: str
    number: int
    at: datetime
    kind: str
    data: JsonObject


def pause_s(tries: int, told_s: float | None = None) -> float:
    """How long to wait before the next try: 5 s, doubled each time, at most 10 minutes; never less
    than the one who failed asked for.
    """
    return max(min(5.0 * 2.0 ** max(tries - 1, 0), 600.0), told_s or 0.0)


def _spelled(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
