"""Hosted repositories: their names, commits, branches and tags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing that stands is changed."""
    op.create_table(
        "repositories",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("gate", sa.String(16), nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.Column("deleted_at", _AT),
    )
    op.create_table(
        "repository_names",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name_key", sa.String(200), primary_key=True),
        sa.Column("repository", sa.String(64), sa.ForeignKey("repositories.key"), nullable=False),
    )
    op.create_index("names_of_repository", "repository_names", ["repository"])
    op.create_table(
        "commits",
        sa.Column("repository", sa.String(64), sa.ForeignKey("repositories.key"), primary_key=True),
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("parents", sa.JSON, nullable=False),
        sa.Column("tree", sa.String(40), nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("files", sa.JSON, nullable=False),
    )
    op.create_index("refusals_of_commit", "refusals", ["commit_id"])
    op.create_table(
        "refs",
        sa.Column("repository", sa.String(64), sa.ForeignKey("repositories.key"), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("commit_id", sa.String(40), nullable=False),
    )
