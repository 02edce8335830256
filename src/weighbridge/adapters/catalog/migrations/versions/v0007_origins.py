"""What a repository was duplicated from, and to which repository an operator's evidence belongs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Evidence stays with the repository that has its name now; of older duplicates nothing is known."""
    op.add_column("repositories", sa.Column("origin_name", sa.String(200), nullable=False, server_default=""))
    op.add_column("repositories", sa.Column("origin_key", sa.String(64), nullable=False, server_default=""))
    op.add_column("operator_notes", sa.Column("repository", sa.String(64), nullable=False, server_default=""))
    op.create_index("notes_of_hosted", "operator_notes", ["repository"])
    op.execute(
        "UPDATE operator_notes SET repository = COALESCE("
        "(SELECT names.repository FROM repository_names AS names JOIN repositories"
        " ON repositories.key = names.repository AND repositories.deleted_at IS NULL"
        " WHERE names.kind = operator_notes.kind AND names.name_key = operator_notes.name_key), '')"
    )
