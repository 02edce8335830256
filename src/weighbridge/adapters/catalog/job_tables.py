"""The tables of jobs, beside those in ``tables``."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, text

from weighbridge.adapters.catalog.tables import METADATA, UtcDateTime

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("verb", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    Column("name_key", String(200), nullable=False),
    Column("revision", String(255), nullable=False),
    Column("commit_id", String(40), nullable=False),
    Column("wish", JSON, nullable=False),
    Column("wish_key", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("step", String(32), nullable=False),
    Column("done_bytes", BigInteger, nullable=False),
    Column("total_bytes", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("deaths", Integer, nullable=False),
    Column("patient", Boolean, nullable=False),
    Column("due_at", UtcDateTime),
    Column("worker", String(64), nullable=False),
    Column("cancel_asked", Boolean, nullable=False),
    Column("error", JSON),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
)
"""Long work. Two active ones never have the same wish, and of one commit only one runs."""
Index(
    "one_active_job_per_wish",
    JOBS.c.wish_key,
    unique=True,
    sqlite_where=text("state IN ('queued', 'running')"),
    postgresql_where=text("state IN ('queued', 'running')"),
)
Index(
    "one_running_job_per_commit",
    JOBS.c.kind,
    JOBS.c.name_key,
    JOBS.c.commit_id,
    unique=True,
    sqlite_where=text("state = 'running'"),
    postgresql_where=text("state = 'running'"),
)
Index("jobs_by_age", JOBS.c.created_at, JOBS.c.id)
Index("jobs_by_state", JOBS.c.state, JOBS.c.due_at)

JOB_EVENTS = Table(
    "job_events",
    METADATA,
    Column("job", String(64), ForeignKey("jobs.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("data", JSON, nullable=False),
)

JOB_KEYS = Table(
    "job_keys",
    METADATA,
    Column("key_sha256", String(64), primary_key=True),
    Column("job", String(64), ForeignKey("jobs.id"), nullable=False),
    Column("asked_sha256", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""Idempotency keys: by the sha256 of who gave it and its text, and what was asked for with it."""

WORKERS = Table(
    "workers",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("beat_at", UtcDateTime, nullable=False),
)
"""Processes that work on jobs. Where there are several machines, one that no longer beats is dead."""
