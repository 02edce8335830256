"""Jobs, what happened to them, and who works on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing that stands is changed."""
    _jobs()
    _around_jobs()


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("verb", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("name_key", sa.String(200), nullable=False),
        sa.Column("revision", sa.String(255), nullable=False),
        sa.Column("commit_id", sa.String(40), nullable=False),
        sa.Column("wish", sa.JSON, nullable=False),
        sa.Column("wish_key", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("done_bytes", sa.BigInteger, nullable=False),
        sa.Column("total_bytes", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("deaths", sa.Integer, nullable=False),
        sa.Column("patient", sa.Boolean, nullable=False),
        sa.Column("due_at", _AT),
        sa.Column("worker", sa.String(64), nullable=False),
        sa.Column("cancel_asked", sa.Boolean, nullable=False),
        sa.Column("error", sa.JSON),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("started_at", _AT),
        sa.Column("ended_at", _AT),
    )
    active, running = sa.text("state IN ('queued', 'running')"), sa.text("state = 'running'")
    op.create_index(
        "one_active_job_per_wish",
        "jobs",
        ["wish_key"],
        unique=True,
        sqlite_where=active,
        postgresql_where=active,
    )
    op.create_index(
        "one_running_job_per_commit",
        "jobs",
        ["kind", "name_key", "commit_id"],
        unique=True,
        sqlite_where=running,
        postgresql_where=running,
    )
    op.create_index("jobs_by_age", "jobs", ["created_at", "id"])
    op.create_index("jobs_by_state", "jobs", ["state", "due_at"])


def _around_jobs() -> None:
    op.create_table(
        "job_events",
        sa.Column("job", sa.String(64), sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_table(
        "job_keys",
        sa.Column("key_sha256", sa.String(64), primary_key=True),
        sa.Column("job", sa.String(64), sa.ForeignKey("jobs.id"), nullable=False),
        sa.Column("asked_sha256", sa.String(64), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", _AT, nullable=False),
        sa.Column("beat_at", _AT, nullable=False),
    )
