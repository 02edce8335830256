"""The audit: lines are written with the change that they tell of, and never changed."""

from __future__ import annotations

from sqlalchemy import Connection, select

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.tables import AUDIT
from weighbridge.domain.access import AuditLine
from weighbridge.errors import BadInput


def record(connection: Connection, line: AuditLine) -> None:
    """Write a line in the transaction of its change."""
    values = {"at": line.at, "by": line.by, "verb": line.verb, "target": line.target, "detail": line.detail}
    connection.execute(AUDIT.insert().values(values))


class Audit(Database):
    """Reads the audit."""

    def audit_lines(self, limit: int = 100, after: str | None = None) -> tuple[AuditLine, ...]:
        """A page of lines, newest first; ``after`` is the id of the last one of the page before.

        Raises:
            BadInput: ``after`` is not the id of a line.
        """
        query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        if after is not None:
            if not after.isascii() or not after.isdigit() or len(after) > 18:
                raise BadInput(f"'after' is not the id of a line: {after!r}")
            query = query.where(AUDIT.c.id < int(after))
        with self._reading() as connection:
            return tuple(
                AuditLine(
                    at=row.at, by=row.by, verb=row.verb, target=row.target, detail=row.detail, id=str(row.id)
                )
                for row in connection.execute(query)
            )
