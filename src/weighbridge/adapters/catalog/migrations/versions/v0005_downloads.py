"""How often hosted repositories were downloaded, day by day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Nothing that stands is changed."""
    op.create_table(
        "downloads",
        sa.Column("repository", sa.String(64), sa.ForeignKey("repositories.key"), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
