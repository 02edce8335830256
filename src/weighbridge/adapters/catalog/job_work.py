"""Jobs as those who work on them see them. Every move is one transaction.

A worker writes only to jobs that are its own: one that was stopped, counted as dead and comes back
finds that its job has another worker, and its writing does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.exc import IntegrityError

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.job_rows import end, job_of, row_of, tell
from weighbridge.adapters.catalog.job_tables import JOBS
from weighbridge.domain.job import MOST_DEATHS, Job, JobState
from weighbridge.domain.json_values import JsonObject


class JobWork(Database):
    """What waits, what runs, and how it ends."""

    def due_jobs(self, now: datetime, limit: int = 200) -> tuple[Job, ...]:
        """What waits for a worker and may begin, oldest first."""
        due = or_(JOBS.c.due_at.is_(None), JOBS.c.due_at <= now)
        query = select(JOBS).where(JOBS.c.state == JobState.QUEUED.value, due)
        with self._reading() as connection:
            return tuple(
                map(job_of, connection.execute(query.order_by(JOBS.c.created_at, JOBS.c.id).limit(limit)))
            )

    def running_jobs(self) -> tuple[Job, ...]:
        """What workers work on, or died over."""
        with self._reading() as connection:
            query = select(JOBS).where(JOBS.c.state == JobState.RUNNING.value)
            return tuple(map(job_of, connection.execute(query)))

    def take_job(self, id: str, worker: str, at: datetime, is_dead: Callable[[str], bool]) -> Job | None:
        """Make a job this worker's. None: it is over, or not due, or asked to be cancelled (and is
        now), or worked on by somebody who lives, or its commit is by another job, or it is parked
        for the deaths that it has seen.
        """
        with self._writing() as connection:
            job = job_of(row_of(connection, id, lock=True))
            if job.state.is_over or (job.due_at is not None and job.due_at > at):
                return None
            died = job.state is JobState.RUNNING and job.worker != worker
            if job.state is JobState.RUNNING and not (died and is_dead(job.worker)):
                return None
            if job.cancel_asked:
                end(connection, job, JobState.CANCELLED, at, None)
                return None
            deaths = job.deaths + died
            if deaths >= MOST_DEATHS:
                told: JsonObject = {
                    "code": "worker-died",
                    "message": f"{deaths} workers died over it",
                    "hint": "look into their logs; 'weighbridge job retry' tries it again",
                }
                end(connection, job, JobState.PARKED, at, told, deaths=deaths)
                return None
            change = {
                "state": JobState.RUNNING.value,
                "worker": worker,
                "deaths": deaths,
                "tries": job.tries + (0 if died else 1),
                "started_at": job.started_at or at,
                "due_at": None,
                "error": None,
            }
            try:
                with connection.begin_nested():
                    connection.execute(update(JOBS).where(JOBS.c.id == id).values(change))
            except IntegrityError:
                return None
            tell(connection, id, at, "taken over" if died else "begun", {"worker": worker})
            return job_of(row_of(connection, id))

    def job_moved(
        self, id: str, worker: str, *, step: str | None = None, at: datetime | None = None, **sizes: int
    ) -> bool:
        """Write how far a job is (``done_bytes``, ``total_bytes``); with a step, that it begins.

        Returns: whether the worker is to go on: False where the job is not its own any more, or
        somebody wants it cancelled.
        """
        values: dict[str, object] = dict(sizes)
        if step is not None:
            values["step"] = step
        with self._writing() as connection:
            mine = _mine(id, worker)
            if values:
                connection.execute(update(JOBS).where(mine).values(values))
            asked = connection.execute(select(JOBS.c.cancel_asked).where(mine)).first()
            if asked is not None and step is not None and at is not None:
                tell(connection, id, at, "step", {"step": step})
            return asked is not None and not asked.cancel_asked

    def job_told(self, id: str, worker: str, at: datetime, kind: str, data: JsonObject) -> None:
        """Write an event of a job that is this worker's."""
        with self._writing() as connection:
            if connection.execute(select(JOBS.c.id).where(_mine(id, worker))).first() is not None:
                tell(connection, id, at, kind, data)

    def end_job(
        self, id: str, worker: str, state: JobState, at: datetime, error: JsonObject | None = None
    ) -> bool:
        """Write how a job ended; False where it is not this worker's any more."""
        with self._writing() as connection:
            row = connection.execute(select(JOBS).where(_mine(id, worker)).with_for_update()).first()
            if row is None:
                return False
            end(connection, job_of(row), state, at, error)
            return True

    def give_back_job(
        self, id: str, worker: str, *, at: datetime, due_at: datetime, error: JsonObject | None
    ) -> bool:
        """Let a job wait for its next try; False where it is not this worker's any more."""
        values = {"state": JobState.QUEUED.value, "worker": "", "due_at": due_at, "error": error}
        with self._writing() as connection:
            if connection.execute(update(JOBS).where(_mine(id, worker)).values(values)).rowcount != 1:
                return False
            tell(connection, id, at, "given back", {"due_at": due_at.isoformat(), "error": error})
            return True


def _mine(id: str, worker: str) -> ColumnElement[bool]:
    return and_(JOBS.c.id == id, JOBS.c.worker == worker, JOBS.c.state == JobState.RUNNING.value)
