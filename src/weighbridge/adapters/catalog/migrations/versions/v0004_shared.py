"""What people share: groups of an organization, and the room that a namespace has."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_AT = sa.DateTime(timezone=True)
_AT_ONCE = 500


def upgrade() -> None:
    """Nothing that stands is changed; what is used so far is counted."""
    op.create_table(
        "groups",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("organization", sa.String(64), sa.ForeignKey("organizations.name"), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created_at", _AT, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.UniqueConstraint("organization", "name", name="one_group_per_name"),
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.String(64), sa.ForeignKey("groups.id"), primary_key=True),
        sa.Column("user_name", sa.String(64), sa.ForeignKey("users.name"), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
    )
    op.create_index("groups_of_user", "group_members", ["user_name"])
    op.add_column("repositories", sa.Column("group_id", sa.String(64), nullable=False, server_default=""))
    op.create_index("repositories_of_group", "repositories", ["group_id"])
    op.create_table(
        "namespaces",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("used_bytes", sa.BigInteger, nullable=False),
        sa.Column("quota_bytes", sa.BigInteger),
    )
    op.create_table(
        "contents",
        sa.Column("repository", sa.String(64), sa.ForeignKey("repositories.key"), primary_key=True),
        sa.Column("namespace", sa.String(200), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
    )
    op.create_index("contents_of_namespace", "contents", ["namespace", "sha256", "size_bytes"])
    _count()


def _count() -> None:
    """Every content of a live repository counts for its namespace, whoever proposed it."""
    connection, contents = op.get_bind(), sa.table("contents", *map(sa.column, _CONTENTS))
    live = sa.text("SELECT key, name FROM repositories WHERE deleted_at IS NULL")
    for key, name in connection.execute(live).all():
        namespace, found = name.partition("/")[0].lower(), dict[str, int]()
        commits = sa.text("SELECT files FROM commits WHERE repository = :key")
        for (files,) in connection.execute(commits, {"key": key}):
            for entry in json.loads(files) if isinstance(files, str) else files:
                if entry.get("sha256"):
                    found[entry["sha256"]] = entry["size"]
        rows = [dict(zip(_CONTENTS, (key, namespace, *each), strict=True)) for each in found.items()]
        for start in range(0, len(rows), _AT_ONCE):
            connection.execute(contents.insert(), rows[start : start + _AT_ONCE])
    connection.execute(
        sa.text(
            "INSERT INTO namespaces (name, used_bytes) SELECT namespace, SUM(size_bytes) FROM"
            " (SELECT DISTINCT namespace, sha256, size_bytes FROM contents) AS once GROUP BY namespace"
        )
    )


_CONTENTS = ("repository", "namespace", "sha256", "size_bytes")
