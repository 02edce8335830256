"""What all lists have in common: newest first, page by page."""

from __future__ import annotations

from sqlalchemy import Connection, Select, Table, and_, or_, select

from weighbridge.errors import BadInput


def is_there(connection: Connection, table: Table, id: str) -> bool:
    """Whether a row with this id exists."""
    return connection.execute(select(table.c.id).where(table.c.id == id)).first() is not None


def newest_first(query: Select[*tuple[object, ...]], table: Table) -> Select[*tuple[object, ...]]:
    """In the order of time, and of ids at the same time."""
    return query.order_by(table.c.created_at.desc(), table.c.id.desc())


def page(
    connection: Connection,
    query: Select[*tuple[object, ...]],
    table: Table,
    limit: int,
    after: str | None,
) -> Select[*tuple[object, ...]]:
    """``limit`` rows, newest first, behind the row whose id is ``after``.

    Raises:
        BadInput: there is no such row.
    """
    if after is not None:
        last = connection.execute(select(table.c.created_at).where(table.c.id == after)).scalar()
        if last is None:
            raise BadInput("'after' names nothing that is here")
        at, id = table.c.created_at, table.c.id
        query = query.where(or_(at < last, and_(at == last, id < after)))
    return newest_first(query, table).limit(limit)
