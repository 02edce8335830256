"""The audit: lines are written with the change that they tell of, and never changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, or_, select

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.tables import AUDIT
from weighbridge.domain.access import AuditLine
from weighbridge.domain.audit import PASSING, AuditQuery
from weighbridge.errors import BadInput

_AT_ONCE = 10_000
"""How many lines one transaction forgets: whoever waits to write does not wait long."""


def record(connection: Connection, *lines: AuditLine) -> None:
    """Write lines in the transaction of their change."""
    rows = [
        {"at": line.at, "by": line.by, "verb": line.verb, "target": line.target, "detail": line.detail}
        for line in lines
    ]
    connection.execute(AUDIT.insert(), rows)


class Audit(Database):
    """Reads the audit, and writes the lines of what changes nothing else."""

    def audit_lines(
        self, limit: int = 100, after: str | None = None, *, about: AuditQuery | None = None
    ) -> tuple[AuditLine, ...]:
        """A page of lines, newest first; ``after`` is the id of the last one of the page before.

        Raises:
            BadInput: ``after`` is not the id of a line.
        """
        query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        if after is not None:
            if not after.isascii() or not after.isdigit() or len(after) > 18:
                raise BadInput("'after' is not the id of a line")
            query = query.where(AUDIT.c.id < int(after))
        if about is not None:
            for column, wanted in ((AUDIT.c.by, about.by), (AUDIT.c.verb, about.verb)):
                query = query.where(column == wanted) if wanted else query
            if about.target:
                begins = f"{about.target}@"
                found = func.substr(AUDIT.c.target, 1, len(begins)) == begins
                query = query.where(or_(AUDIT.c.target == about.target, found))
            query = query.where(AUDIT.c.at >= about.since) if about.since else query
            query = query.where(AUDIT.c.at < about.until) if about.until else query
        with self._reading() as connection:
            return tuple(
                AuditLine(
                    at=row.at, by=row.by, verb=row.verb, target=row.target, detail=row.detail, id=str(row.id)
                )
                for row in connection.execute(query)
            )

    def add_audit(self, *lines: AuditLine) -> None:
        """Write lines, all of them or none."""
        if lines:
            with self._writing() as connection:
                record(connection, *lines)

    def forget_audit(self, before: datetime) -> int:
        """Remove lines of what changed nothing and is older; how many went."""
        old = (AUDIT.c.verb.in_(sorted(PASSING)), AUDIT.c.at < before)
        some = select(AUDIT.c.id).where(*old).limit(_AT_ONCE)
        gone = 0
        while True:
            with self._writing() as connection:
                count = connection.execute(delete(AUDIT).where(AUDIT.c.id.in_(some))).rowcount
            gone += count
            if count < _AT_ONCE:
                return gone
