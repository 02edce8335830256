"""People around repositories: discussions, access requests, likes, organizations."""

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
    op.create_table(
        "access_requests",
        sa.Column("repository", sa.String(64), sa.ForeignKey("repositories.key"), primary_key=True),
        sa.Column("user_name", sa.String(64), sa.ForeignKey("users.name"), primary_key=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", _AT, nullable=False),
    )
    op.create_table(
        "likes",
        sa.Column("repository", sa.String(64), sa.ForeignKey("repositories.key"), primary_key=True),
        sa.Column("user_name", sa.String(64), sa.ForeignKey("users.name"), primary_key=True),
        sa.Column("at", _AT, nullable=False),
    )
    op.create_table(
        "organizations",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
    )
    op.create_table(
        "members",
        sa.Column("organization", sa.String(64), sa.ForeignKey("organizations.name"), primary_key=True),
        sa.Column("user_name", sa.String(64), sa.ForeignKey("users.name"), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
    )
    op.create_index("organizations_of_user", "members", ["user_name"])
