"""Jobs in the catalogue, as those who ask for them see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, and_, select, update
from sqlalchemy.exc import IntegrityError

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.job_rows import end, job_of, row_of, tell
from weighbridge.adapters.catalog.job_tables import JOB_EVENTS, JOB_KEYS, JOBS
from weighbridge.adapters.catalog.names import hidden_from
from weighbridge.adapters.catalog.paging import page
from weighbridge.domain.access import SEES_ALL, AuditLine, Sight
from weighbridge.domain.job import ACTIVE, MOVES, Job, JobEvent, JobState
from weighbridge.errors import BadInput, Conflict

_ACTIVE = [state.value for state in ACTIVE]


class Jobs(Database):
    """Long work, and what happened to it."""

    def add_job(self, job: Job, *, key_sha256: str = "", asked_sha256: str = "") -> Job:
        """Keep a job, or give the active one that has the same wish; its first event is written with it.

        With an idempotency key (its sha256): the job that was asked for with it before.

        Raises:
            BadInput: something else was asked for with this key.
        """
        for _ in range(3):
            with self._writing() as connection:
                known = _asked_before(connection, key_sha256, asked_sha256)
                if known is None:
                    same = and_(JOBS.c.wish_key == job.wish_key, JOBS.c.state.in_(_ACTIVE))
                    known = connection.execute(select(JOBS).where(same)).first()
                try:
                    with connection.begin_nested():
                        if known is None:
                            connection.execute(JOBS.insert().values(_values(job)))
                            tell(connection, job.id, job.created_at, "queued", {"by": job.by})
                        if key_sha256:
                            _keep_key(connection, key_sha256, asked_sha256, known, job)
                except IntegrityError:
                    continue  # another process was faster; what it wrote is read in the next round
                return job if known is None else job_of(known)
        raise Conflict("somebody asks for the same at the same time", hint="send it again")

    def job_of_key(self, key_sha256: str, asked_sha256: str) -> Job | None:
        """The job that was asked for with an idempotency key.

        Raises:
            BadInput: something else was asked for with it.
        """
        with self._reading() as connection:
            found = _asked_before(connection, key_sha256, asked_sha256)
            return None if found is None else job_of(found)

    def job(self, id: str) -> Job:
        """One job.

        Raises:
            NotFound: there is none.
        """
        with self._reading() as connection:
            return job_of(row_of(connection, id))

    def jobs(
        self,
        *,
        states: Sequence[JobState] = (),
        by: str | None = None,
        limit: int = 100,
        after: str | None = None,
        sight: Sight = SEES_ALL,
    ) -> tuple[Job, ...]:
        """A page of jobs, newest first; ``after`` is the id of the last one of the page before.

        Raises:
            BadInput: ``after`` is no job.
        """
        query = select(JOBS).where(~hidden_from(JOBS, sight))
        if states:
            query = query.where(JOBS.c.state.in_([state.value for state in states]))
        if by is not None:
            query = query.where(JOBS.c.created_by == by)
        with self._reading() as connection:
            return tuple(map(job_of, connection.execute(page(connection, query, JOBS, limit, after))))

    def cancel_job(self, id: str, at: datetime, audit: AuditLine) -> Job:
        """Cancel what waits; ask the worker of what runs to stop.

        Raises:
            NotFound: there is none.
            Conflict: it is over.
        """
        with self._writing() as connection:
            job = job_of(row_of(connection, id, lock=True))
            if JobState.CANCELLED not in MOVES[job.state]:
                raise Conflict(f"job '{id}' is over: {job.state.value}")
            if job.state is JobState.RUNNING:
                connection.execute(update(JOBS).where(JOBS.c.id == id).values(cancel_asked=True))
            else:
                end(connection, job, JobState.CANCELLED, at, None)
            record(connection, audit)
            return job_of(row_of(connection, id))

    def retry_job(self, id: str, at: datetime, audit: AuditLine) -> Job:
        """Let what ended without a verdict wait for a worker again.

        Raises:
            NotFound: there is none.
            Conflict: it is active, or has a verdict, or another job has the same wish.
        """
        with self._writing() as connection:
            job = job_of(row_of(connection, id, lock=True))
            if not job.state.is_over or JobState.QUEUED not in MOVES[job.state]:
                raise Conflict(f"job '{id}' cannot be tried again: it is {job.state.value}")
            values = {
                "state": JobState.QUEUED.value,
                "tries": 0,
                "deaths": 0,
                "worker": "",
                "cancel_asked": False,
                "due_at": None,
                "ended_at": None,
            }
            try:
                with connection.begin_nested():
                    connection.execute(update(JOBS).where(JOBS.c.id == id).values(values))
            except IntegrityError as error:
                raise Conflict("another active job asks for the same") from error
            tell(connection, id, at, "queued", {"by": audit.by})
            record(connection, audit)
            return job_of(row_of(connection, id))

    def job_events(self, id: str, after: int = 0) -> tuple[JobEvent, ...]:
        """What happened to a job behind event number ``after``, in its order."""
        here = and_(JOB_EVENTS.c.job == id, JOB_EVENTS.c.number > after)
        with self._reading() as connection:
            rows = connection.execute(select(JOB_EVENTS).where(here).order_by(JOB_EVENTS.c.number))
            return tuple(
                JobEvent(job=row.job, number=row.number, at=row.at, kind=row.kind, data=row.data)
                for row in rows
            )


def _asked_before(
    connection: Connection, key_sha256: str, asked_sha256: str
) -> Row[*tuple[object, ...]] | None:
    if not key_sha256:
        return None
    found = connection.execute(select(JOB_KEYS).where(JOB_KEYS.c.key_sha256 == key_sha256)).first()
    if found is None:
        return None
    if found.asked_sha256 != asked_sha256:
        raise BadInput(
            "this Idempotency-Key was sent before with another request", hint="use a new key for each request"
        )
    return connection.execute(select(JOBS).where(JOBS.c.id == found.job)).first()


def _keep_key(
    connection: Connection,
    key_sha256: str,
    asked_sha256: str,
    known: Row[*tuple[object, ...]] | None,
    job: Job,
) -> None:
    if connection.execute(select(JOB_KEYS.c.job).where(JOB_KEYS.c.key_sha256 == key_sha256)).first() is None:
        values = {
            "key_sha256": key_sha256,
            "asked_sha256": asked_sha256,
            "job": job.id if known is None else known.id,
            "created_at": job.created_at,
        }
        connection.execute(JOB_KEYS.insert().values(values))


def _values(job: Job) -> dict[str, object]:
    return {
        "id": job.id,
        "verb": job.verb,
        "kind": job.repo.kind.value,
        "name": job.repo.full_name,
        "name_key": job.repo.full_name.lower(),
        "revision": job.revision,
        "commit_id": job.commit,
        "wish": job.wish,
        "wish_key": job.wish_key,
        "state": job.state.value,
        "step": job.step,
        "done_bytes": job.done_bytes,
        "total_bytes": job.total_bytes,
        "tries": job.tries,
        "deaths": job.deaths,
        "patient": job.patient,
        "due_at": job.due_at,
        "worker": job.worker,
        "cancel_asked": job.cancel_asked,
        "error": job.error,
        "created_at": job.created_at,
        "created_by": job.by,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
    }
