"""Which packages have a zip in a bucket."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Nothing is filled in: no zip was ever written before."""
    op.create_table(
        "package_zips",
        sa.Column("package_id", sa.String(64), sa.ForeignKey("packages.id"), primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("etag", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.String(64), nullable=False),
        sa.Column("is_whole", sa.Boolean, nullable=False),
    )
