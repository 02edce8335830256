"""Failed log-ins, accounts that another issuer vouches for, and the audit found by verb, caller and time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Every account that stands is our own."""
    op.add_column("users", sa.Column("origin", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "tries",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("tries_by_age", "tries", ["last_at"])
    op.create_index("audit_by_verb", "audit", ["verb", "id"])
    op.create_index("audit_by_caller", "audit", ["by", "id"])
    op.create_index("audit_by_age", "audit", ["at"])
