"""What lists filter, search and order by, so that they need not read manifests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"

_LISTED = (
    "created_at",
    "id",
    "state",
    "kind",
    "name_key",
    "net_score",
    "size_bytes",
    "licence",
    "created_by",
    "searched",
)


def upgrade() -> None:
    """Sizes, texts and metrics are filled in; the licence of older packages is not known here."""
    op.add_column("packages", sa.Column("size_bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("packages", sa.Column("licence", sa.String(128), nullable=False, server_default=""))
    op.add_column("packages", sa.Column("searched", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "package_metrics",
        sa.Column("metric", sa.String(64), primary_key=True),
        sa.Column("package_id", sa.String(64), sa.ForeignKey("packages.id"), primary_key=True),
        sa.Column("value", sa.Float, nullable=False),
    )
    connection = op.get_bind()
    for id in connection.execute(sa.text("SELECT id FROM packages")).scalars().all():
        _fill(connection, id)
    op.create_index("packages_by_metric", "package_metrics", ["metric", "value", "package_id"])
    op.create_index("packages_listed", "packages", list(_LISTED))
    op.drop_index("packages_by_age", "packages")


def _fill(connection: sa.Connection, id: str) -> None:
    query = sa.text("SELECT name, description, manifest, metrics FROM packages WHERE id = :id")
    row = connection.execute(query, {"id": id}).one()
    manifest, metrics = _document(row.manifest), _document(row.metrics)
    size = sum(int(file["size"]) for file in manifest["files"])
    searched = f"{row.name}\n{row.description[:300]}".lower()
    connection.execute(
        sa.text("UPDATE packages SET size_bytes = :size, searched = :searched WHERE id = :id"),
        {"size": size, "searched": searched, "id": id},
    )
    for metric, value in metrics.items():
        connection.execute(
            sa.text("INSERT INTO package_metrics (metric, package_id, value) VALUES (:metric, :id, :value)"),
            {"metric": metric, "id": id, "value": value},
        )


def _document(value: Any) -> Mapping[str, Any]:
    # PostgreSQL's driver reads JSON, SQLite's does not.
    found: Mapping[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found
