"""Lists of packages: found, ordered and counted without reading a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.names import hidden_from
from weighbridge.adapters.catalog.tables import PACKAGE_METRICS, PACKAGES
from weighbridge.domain.access import SEES_ALL, Sight
from weighbridge.domain.listing import Listing, PackageQuery, Sort
from weighbridge.domain.package import Listed, Package, PackageState, Version
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import BadInput, StoreDown

_Query = TypeVar("_Query", bound=Select[Any])
_COLUMNS = [column for column in PACKAGES.c if column is not PACKAGES.c.manifest]
_ORDER: Mapping[Sort, ColumnElement[object]] = {
    Sort.CREATED_AT: PACKAGES.c.created_at,
    Sort.NAME: PACKAGES.c.name_key,
    Sort.NET_SCORE: PACKAGES.c.net_score,
    Sort.SIZE_BYTES: PACKAGES.c.size_bytes,
}


class Lists(Database):
    """What is listed, page by page."""

    def listing(self, query: PackageQuery, sight: Sight = SEES_ALL) -> Listing:
        """A page of packages; those of private repositories that are not seen are left out.

        The values that it is in the order of never change, and no row goes: what others write
        meanwhile neither repeats nor hides what was there.

        Raises:
            BadInput: ``after`` is no package.
        """
        chosen = and_(*_filters(query), ~hidden_from(PACKAGES, sight))
        with self._reading() as connection:
            ids = _by_index(select(PACKAGES.c.id).where(chosen), query)
            if query.after is not None:
                ids = ids.where(_behind(connection, query, query.after))
            found = _ordered(ids, query).limit(query.limit + 1).subquery()
            rows = connection.execute(
                _ordered(select(*_COLUMNS).where(PACKAGES.c.id.in_(select(found.c.id))), query)
            ).all()
            total = None
            if query.counted:
                count = select(func.count()).select_from(PACKAGES).where(chosen)
                total = connection.execute(_by_index(count, query)).scalar()
        listed = tuple(map(_listed, rows[: query.limit]))
        more = len(rows) > query.limit and listed
        return Listing(packages=listed, next=listed[-1].id if more else None, total=total)

    def listed_of(self, repo: RepoId) -> tuple[Listed, ...]:
        """Every package of a repository, whatever its state."""
        of = and_(PACKAGES.c.kind == repo.kind.value, PACKAGES.c.name_key == repo.full_name.lower())
        with self._reading() as connection:
            return tuple(map(_listed, connection.execute(select(*_COLUMNS).where(of))))


def index(connection: Connection, package: Package) -> None:
    """Make a package findable by its metrics, in the transaction that adds it."""
    for metric, value in package.metrics.items():
        row = {"metric": metric, "package_id": package.id, "value": value}
        connection.execute(PACKAGE_METRICS.insert().values(row))


def _filters(query: PackageQuery) -> Iterator[ColumnElement[bool]]:
    columns = PACKAGES.c
    if query.kind is not None:
        yield columns.kind == query.kind.value
    if query.name is not None:
        yield columns.name_key == query.name.lower()
    if query.state is not None:
        yield columns.state == query.state.value
    if query.licences is not None:
        yield columns.licence.in_(query.licences)
    if query.min_net_score is not None:
        yield columns.net_score >= query.min_net_score
    if query.by is not None:
        yield columns.created_by == query.by
    if query.since is not None:
        yield columns.created_at >= query.since
    for word in query.words:
        yield columns.searched.contains(word, autoescape=True)
    for metric, least in query.minima.items():
        reaches = and_(PACKAGE_METRICS.c.metric == metric, PACKAGE_METRICS.c.value >= least)
        yield columns.id.in_(select(PACKAGE_METRICS.c.package_id).where(reaches))


def _by_index(query: _Query, asked: PackageQuery) -> _Query:
    # SQLite would else go from what a search found to the rows, and so through their manifests.
    hint = "INDEXED BY packages_listed"
    return query if asked.name is not None else query.with_hint(PACKAGES, hint, "sqlite")


def _ordered(query: Select[*tuple[object, ...]], asked: PackageQuery) -> Select[*tuple[object, ...]]:
    by = (_ORDER[asked.sort], PACKAGES.c.id)
    return query.order_by(*(column.asc() if asked.is_rising else column.desc() for column in by))


def _behind(connection: Connection, query: PackageQuery, after: str) -> ColumnElement[bool]:
    by, id = _ORDER[query.sort], PACKAGES.c.id
    last = connection.execute(select(by).where(id == after)).first()
    if last is None:
        raise BadInput("'after' names nothing that is here")
    (value,) = last
    if query.is_rising:
        return or_(by > value, and_(by == value, id > after))
    return or_(by < value, and_(by == value, id < after))


def _listed(row: Row[*tuple[object, ...]]) -> Listed:
    try:
        return Listed(
            id=row.id,
            repo=RepoId.parse(row.name, RepoKind(row.kind)),
            version=Version(row.version),
            commit=row.commit_id,
            net_score=row.net_score,
            metrics=dict(row.metrics),
            licence=row.licence,
            size_bytes=row.size_bytes,
            description=row.description,
            state=PackageState(row.state),
            state_reason=row.state_reason,
            created_at=row.created_at,
            created_by=row.created_by,
        )
    except ValueError as error:  # Invalid, or a state that nobody writes
        raise StoreDown(
            f"the catalogue's package '{row.id}' cannot be read: {error}", hint="restore a backup"
        ) from error
