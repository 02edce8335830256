"""Downloads of hosted repositories in the catalogue, counted by the day (UTC)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy import and_, func, select, update

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.names import live
from weighbridge.adapters.catalog.repo_tables import DOWNLOADS
from weighbridge.domain.ref import RepoId


class Downloads(Database):
    """How often each repository was downloaded, by its key."""

    def add_downloads(self, counted: Mapping[RepoId, int], day: date) -> None:
        """Add to the counts of a day, all or nothing; what is not hosted is left out."""
        with self._writing() as connection:
            for repo, count in counted.items():
                there = live(connection, repo)
                if there is None:
                    continue
                mine = and_(DOWNLOADS.c.repository == there.key, DOWNLOADS.c.day == day)
                more = {"count": DOWNLOADS.c.count + count}
                if not connection.execute(update(DOWNLOADS).where(mine).values(more)).rowcount:
                    row = {"repository": there.key, "day": day, "count": count}
                    connection.execute(DOWNLOADS.insert().values(row))

    def downloads(self, key: str, since: date) -> tuple[int, int]:
        """How often a repository was downloaded from that day on, and ever."""
        ever = select(func.sum(DOWNLOADS.c.count)).where(DOWNLOADS.c.repository == key)
        with self._reading() as connection:
            lately = connection.execute(ever.where(DOWNLOADS.c.day >= since)).scalar()
            return int(lately or 0), int(connection.execute(ever).scalar() or 0)
