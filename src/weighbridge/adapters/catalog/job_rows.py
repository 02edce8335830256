"""Rows of jobs and of what happened to them, as the parts of transactions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Row, func, select, update

from weighbridge.adapters.catalog.job_tables import JOB_EVENTS, JOBS
from weighbridge.domain.job import Job, JobState
from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import NotFound, StoreDown


def row_of(connection: Connection, id: str, *, lock: bool = False) -> Row[*tuple[object, ...]]:
    """A job's row; with ``lock`` nobody else changes it before this transaction ends.

    Raises:
        NotFound: there is none.
    """
    query = select(JOBS).where(JOBS.c.id == id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"job '{id}' not found")
    return row


def end(
    connection: Connection,
    job: Job,
    state: JobState,
    at: datetime,
    error: JsonObject | None,
    **more: int,
) -> None:
    """Write how a job ended, and the event of it."""
    values = {"state": state.value, "ended_at": at, "error": error, "worker": "", "step": "", **more}
    connection.execute(update(JOBS).where(JOBS.c.id == job.id).values(values))
    tell(connection, job.id, at, state.value, {"error": error} if error else {})


def tell(connection: Connection, job: str, at: datetime, kind: str, data: JsonObject) -> None:
    """Write an event; the writer of a job holds its row, so that no two have one number."""
    last = connection.execute(
        select(func.coalesce(func.max(JOB_EVENTS.c.number), 0)).where(JOB_EVENTS.c.job == job)
    ).scalar_one()
    values = {"job": job, "number": last + 1, "at": at, "kind": kind, "data": data}
    connection.execute(JOB_EVENTS.insert().values(values))


def job_of(row: Row[*tuple[object, ...]]) -> Job:
    """The noun of a row."""
    try:
        return Job(
            id=row.id,
            verb=row.verb,
            repo=RepoId.parse(row.name, RepoKind(row.kind)),
            revision=row.revision,
            commit=row.commit_id,
            wish=row.wish,
            wish_key=row.wish_key,
            by=row.created_by,
            created_at=row.created_at,
            state=JobState(row.state),
            step=row.step,
            done_bytes=row.done_bytes,
            total_bytes=row.total_bytes,
            tries=row.tries,
            deaths=row.deaths,
            patient=row.patient,
            due_at=row.due_at,
            worker=row.worker,
            cancel_asked=row.cancel_asked,
            error=row.error,
            started_at=row.started_at,
            ended_at=row.ended_at,
        )
    except ValueError as error:
        raise StoreDown(
            f"the catalogue's job '{row.id}' cannot be read: {error}", hint="restore a backup"
        ) from error
