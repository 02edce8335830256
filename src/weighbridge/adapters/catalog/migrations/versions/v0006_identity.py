"""By what packages are known again, what later scans found in them, and what operators attached."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing that stands is changed; ``weighbridge rescan`` fills the fingerprints of what is there."""
    op.create_table(
        "fingerprints",
        sa.Column("mark", sa.String(16), primary_key=True),
        sa.Column("value", sa.String(64), primary_key=True),
        sa.Column("package_id", sa.String(64), sa.ForeignKey("packages.id"), primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
    )
    op.create_index("fingerprints_of_package", "fingerprints", ["package_id", "mark"])
    op.create_table(
        "scans",
        sa.Column("package_id", sa.String(64), sa.ForeignKey("packages.id"), primary_key=True),
        sa.Column("rules", sa.String(64), primary_key=True),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("report_sha256", sa.String(64), nullable=False),
        sa.Column("at", _AT, nullable=False),
    )
    op.create_table(
        "operator_notes",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("name_key", sa.String(200), nullable=False),
        sa.Column("metric", sa.String(64), nullable=False),
        sa.Column("entries", sa.JSON, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
    )
    op.create_index("notes_of_repository", "operator_notes", ["kind", "name_key"])
