"""Discussions and pull requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing that stands is changed."""
    op.create_table(
        "discussions",
        sa.Column("repository", sa.String(64), sa.ForeignKey("repositories.key"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("base", sa.String(40), nullable=False),
        sa.Column("merged_as", sa.String(40), nullable=False),
    )
    op.create_table(
        "discussion_events",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("repository", sa.String(64), sa.ForeignKey("repositories.key"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("commit_id", sa.String(40), nullable=False),
        sa.Column("edited", sa.Boolean, nullable=False),
        sa.Column("hidden", sa.Boolean, nullable=False),
    )
    op.create_index("events_of_discussion", "discussion_events", ["repository", "number"])
