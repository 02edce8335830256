"""Zips of packages in a bucket. A row comes before its object and goes after it, so none is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.job_tables import JOBS
from weighbridge.adapters.catalog.tables import METADATA, PACKAGES
from weighbridge.domain.job import JobState
from weighbridge.domain.kept_zip import KeptZip
from weighbridge.domain.package import PackageState

PACKAGE_ZIPS = Table(
    "package_zips",
    METADATA,
    Column("package_id", String(64), ForeignKey("packages.id"), primary_key=True),
    Column("store", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("etag", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("worker", String(64), nullable=False),
    Column("is_whole", Boolean, nullable=False),
)
"""The zips in a bucket. A row is there before the object; ``worker`` writes it while it is not whole."""

_ZIPS = PACKAGE_ZIPS.c
_ACTIVE = PACKAGES.c.state == PackageState.ACTIVE.value
_UNDONE = (JobState.QUEUED.value, JobState.RUNNING.value)


class Zips(Database):
    """What is written, what is still to be written, and what is to go."""

    def kept_zips(self, store: str, packages: Collection[str]) -> Mapping[str, KeptZip]:
        """The zips of these packages that are whole in this store; only of those that are served."""
        query = select(PACKAGE_ZIPS).join(PACKAGES, PACKAGES.c.id == _ZIPS.package_id)
        query = query.where(_ZIPS.package_id.in_(packages), _whole_in(store), _ACTIVE)
        with self._reading() as connection:
            return {row.package_id: _zip(row) for row in connection.execute(query)}

    def lacking_zips(self, store: str, limit: int = 100) -> tuple[str, ...]:
        """Active packages that have no whole zip in this store, oldest first.

        Those are left out whose job still runs: it writes the zip itself.
        """
        there = select(_ZIPS.package_id).where(_ZIPS.package_id == PACKAGES.c.id, _whole_in(store))
        runs = select(JOBS.c.id).where(JOBS.c.id == PACKAGES.c.id, JOBS.c.state.in_(_UNDONE))
        query = select(PACKAGES.c.id).where(_ACTIVE, ~there.exists(), ~runs.exists())
        with self._reading() as connection:
            found = connection.execute(query.order_by(PACKAGES.c.created_at, PACKAGES.c.id).limit(limit))
            return tuple(found.scalars())

    def needless_zips(self, store: str, limit: int = 100) -> tuple[KeptZip, ...]:
        """What was written, in whole or in part, for packages that are not served any more."""
        query = select(PACKAGE_ZIPS).join(PACKAGES, PACKAGES.c.id == _ZIPS.package_id)
        query = query.where(_ZIPS.store == store, ~_ACTIVE).order_by(_ZIPS.package_id).limit(limit)
        with self._reading() as connection:
            return tuple(map(_zip, connection.execute(query)))

    def begin_zip(self, zip: KeptZip, worker: str, is_dead: Callable[[str], bool]) -> bool:
        """Note that this worker is about to write; False where it is whole, or another one is at it."""
        values = {**_values(zip), "worker": worker, "is_whole": False}
        with self._writing() as connection:
            query = select(PACKAGE_ZIPS).where(_ZIPS.package_id == zip.package_id).with_for_update()
            row = connection.execute(query).first()
            if row is None:
                try:
                    with connection.begin_nested():
                        connection.execute(PACKAGE_ZIPS.insert().values(values))
                except IntegrityError:
                    return False
                return True
            if row.store == zip.store and row.is_whole:
                return False
            if row.worker not in ("", worker) and not is_dead(row.worker):
                return False
            connection.execute(update(PACKAGE_ZIPS).where(_of(zip)).values(values))
            return True

    def end_zip(self, zip: KeptZip, worker: str, *, is_whole: bool) -> bool:
        """Note that this worker has written it, or that it gave up; False where another one is at it."""
        mine = and_(_of(zip), _ZIPS.worker == worker)
        with self._writing() as connection:
            changed = connection.execute(
                update(PACKAGE_ZIPS).where(mine).values({"worker": "", "is_whole": is_whole})
            )
            return changed.rowcount == 1

    def forget_zip(self, zip: KeptZip, is_dead: Callable[[str], bool]) -> bool:
        """Its object is gone; False where somebody writes another one just now."""
        with self._writing() as connection:
            row = connection.execute(select(_ZIPS.worker).where(_of(zip)).with_for_update()).first()
            if row is None or (row.worker and not is_dead(row.worker)):
                return False
            connection.execute(delete(PACKAGE_ZIPS).where(_of(zip)))
            return True


def _of(zip: KeptZip) -> ColumnElement[bool]:
    return _ZIPS.package_id == zip.package_id


def _whole_in(store: str) -> ColumnElement[bool]:
    return and_(_ZIPS.store == store, _ZIPS.is_whole)


def _values(zip: KeptZip) -> dict[str, object]:
    return {
        "package_id": zip.package_id,
        "store": zip.store,
        "key": zip.key,
        "etag": zip.etag,
        "size_bytes": zip.size_bytes,
    }


def _zip(row: Row[*tuple[object, ...]]) -> KeptZip:
    return KeptZip(
        package_id=row.package_id, store=row.store, key=row.key, etag=row.etag, size_bytes=row.size_bytes
    )
