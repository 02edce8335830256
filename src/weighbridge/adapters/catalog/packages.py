"""Packages in the catalogue: admitted, read, taken out of service."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.fingerprints import keep
from weighbridge.adapters.catalog.listing import index
from weighbridge.adapters.catalog.names import hidden_from, require_hosted, require_not_hosted
from weighbridge.adapters.catalog.paging import is_there, newest_first, page
from weighbridge.adapters.catalog.tables import PACKAGES
from weighbridge.adapters.catalog.waivers import add_waivers
from weighbridge.domain.access import SEES_ALL, AuditLine, Sight
from weighbridge.domain.listing import searched_text
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.package import Package, PackageState, Version
from weighbridge.domain.policy import Waiver
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.resemblance import Fingerprint
from weighbridge.errors import Conflict, NoSuchPackage, PackageExists, StoreDown


class Packages(Database):
    """What was admitted, and what became of it."""

    def require_free(self, repo: RepoId, commit: str, version: Version | None) -> None:
        """Check before the download that the package could be added.

        Raises:
            PackageExists: the version is taken (a package that is withdrawn or deleted keeps its
                own), or the commit is an active package already.
        """
        with self._reading() as connection:
            _require_free(connection, repo, commit, version.text if version else None)

    def versions(self, repo: RepoId) -> tuple[Version, ...]:
        """Every version that was ever given, whatever became of it, in the order they were given."""
        query = select(PACKAGES.c.version).where(_of(repo))
        with self._reading() as connection:
            rows = connection.execute(query.order_by(PACKAGES.c.created_at, PACKAGES.c.id))
            return tuple(Version(version) for version in rows.scalars())

    def add(
        self,
        package: Package,
        waivers: Sequence[Waiver],
        audit: AuditLine,
        *,
        prints: Sequence[Fingerprint] = (),
        hosted: bool = False,
    ) -> None:
        """Admit a package with the waivers that admitted it, and by what it is known again: one transaction.

        A package with this very id is kept as it is, so that a step may run again. ``hosted`` says
        that its commit is one of a repository of our own.

        Raises:
            PackageExists: somebody was faster; nothing was changed.
            Conflict: the name belongs to a repository of our own and the commit does not, or the
                other way round.
        """
        with self._writing() as connection:
            add_package(connection, package, waivers, audit, prints=prints, hosted=hosted)

    def package(self, id: str) -> Package:
        """One package, whatever its state.

        Raises:
            NoSuchPackage: there is none.
        """
        with self._reading() as connection:
            row = connection.execute(select(PACKAGES).where(PACKAGES.c.id == id)).first()
        if row is None:
            raise NoSuchPackage(id)
        return _package(row)

    def packages(
        self,
        *,
        kind: RepoKind | None = None,
        name: str | None = None,
        state: PackageState | None = None,
        limit: int = 100,
        after: str | None = None,
        sight: Sight = SEES_ALL,
    ) -> tuple[Package, ...]:
        """A page of packages, newest first; ``after`` is the id of the last one of the page before.

        ``sight`` leaves out those of private repositories that are not seen.

        Raises:
            BadInput: ``after`` is no package.
        """
        query = select(PACKAGES)
        if kind is not None:
            query = query.where(PACKAGES.c.kind == kind.value)
        if name is not None:
            query = query.where(PACKAGES.c.name_key == name.lower())
        if state is not None:
            query = query.where(PACKAGES.c.state == state.value)
        query = query.where(~hidden_from(PACKAGES, sight))
        with self._reading() as connection:
            rows = connection.execute(page(connection, query, PACKAGES, limit, after)).all()
        return tuple(map(_package, rows))

    def packages_of(self, repo: RepoId) -> tuple[Package, ...]:
        """Every package of a repository, whatever its state, newest first."""
        query = select(PACKAGES).where(_of(repo))
        with self._reading() as connection:
            rows = connection.execute(newest_first(query, PACKAGES)).all()
        return tuple(map(_package, rows))

    def states_of(self, repo: RepoId) -> tuple[tuple[str, PackageState], ...]:
        """Id and state of what ``packages_of`` gives, in that order, without reading manifests."""
        query = select(PACKAGES.c.id, PACKAGES.c.state).where(_of(repo))
        with self._reading() as connection:
            rows = connection.execute(newest_first(query, PACKAGES)).all()
        return tuple((row.id, PackageState(row.state)) for row in rows)

    def repos(self, kind: RepoKind) -> tuple[RepoId, ...]:
        """Every repository with an active package, by name; once, however its name was spelled."""
        active = and_(PACKAGES.c.kind == kind.value, PACKAGES.c.state == PackageState.ACTIVE.value)
        query = select(func.max(PACKAGES.c.name)).where(active).group_by(PACKAGES.c.name_key)
        with self._reading() as connection:
            names = connection.execute(query.order_by(PACKAGES.c.name_key)).scalars().all()
        return tuple(RepoId.parse(name, kind) for name in names)

    def withdraw(self, id: str, reason: str, audit: AuditLine) -> None:
        """Take an active package out of service; it stays listed, and keeps its version.

        Raises:
            NoSuchPackage: there is none.
            Conflict: it was withdrawn or deleted before.
        """
        active = and_(PACKAGES.c.id == id, PACKAGES.c.state == PackageState.ACTIVE.value)
        change = {"state": PackageState.WITHDRAWN.value, "state_reason": reason}
        with self._writing() as connection:
            if connection.execute(update(PACKAGES).where(active).values(change)).rowcount != 1:
                state = connection.execute(select(PACKAGES.c.state).where(PACKAGES.c.id == id)).scalar()
                if state is None:
                    raise NoSuchPackage(id)
                raise Conflict(f"package '{id}' is {state} already")
            record(connection, audit)

    def delete_package(self, id: str, reason: str, audit: AuditLine) -> None:
        """Leave only the entry of a package: nothing names its files any more, its version stays taken.

        What was deleted before keeps its reason.

        Raises:
            NoSuchPackage: there is none.
        """
        left = and_(PACKAGES.c.id == id, PACKAGES.c.state != PackageState.DELETED.value)
        change = {"state": PackageState.DELETED.value, "state_reason": reason}
        with self._writing() as connection:
            if connection.execute(update(PACKAGES).where(left).values(change)).rowcount == 1:
                record(connection, audit)
            elif not is_there(connection, PACKAGES, id):
                raise NoSuchPackage(id)


def add_package(
    connection: Connection,
    package: Package,
    waivers: Sequence[Waiver],
    audit: AuditLine,
    *,
    prints: Sequence[Fingerprint],
    hosted: bool = False,
) -> None:
    """What ``Packages.add`` does, in a transaction that is open already."""
    repo, commit = package.manifest.repo, package.manifest.commit
    if is_there(connection, PACKAGES, package.id):
        return
    if hosted:
        require_hosted(connection, repo, commit)
    else:
        require_not_hosted(connection, repo)
    _require_free(connection, repo, commit, package.version.text)
    try:
        connection.execute(PACKAGES.insert().values(_package_values(package)))
        index(connection, package)
    except IntegrityError as error:
        raise PackageExists(package.name, package.version.text) from error
    add_waivers(connection, package.id, waivers)
    keep(connection, package.id, prints)
    record(connection, audit)


def _of(repo: RepoId) -> ColumnElement[bool]:
    return and_(PACKAGES.c.kind == repo.kind.value, PACKAGES.c.name_key == repo.full_name.lower())


def _require_free(connection: Connection, repo: RepoId, commit: str, version: str | None) -> None:
    same_commit = and_(PACKAGES.c.commit_id == commit, PACKAGES.c.state == PackageState.ACTIVE.value)
    taken = same_commit if version is None else or_(same_commit, PACKAGES.c.version == version)
    query = select(PACKAGES.c.name, PACKAGES.c.version).where(_of(repo), taken)
    found = connection.execute(query).all()
    for row in found:
        if row.version == version:
            raise PackageExists(row.name, row.version)
    if found:
        raise PackageExists(found[0].name, found[0].version, commit=commit)


def _package_values(package: Package) -> dict[str, object]:
    repo = package.manifest.repo
    return {
        "id": package.id,
        "kind": repo.kind.value,
        "name": repo.full_name,
        "name_key": repo.full_name.lower(),
        "version": package.version.text,
        "commit_id": package.manifest.commit,
        "manifest": package.manifest.to_json(),
        "net_score": package.net_score,
        "metrics": dict(package.metrics),
        "evidence_sha256": package.evidence_sha256,
        "verdict_sha256": package.verdict_sha256,
        "description": package.description,
        "state": package.state.value,
        "state_reason": package.state_reason,
        "created_at": package.created_at,
        "created_by": package.created_by,
        "size_bytes": package.size_bytes,
        "licence": package.licence,
        "searched": searched_text(package),
    }


def _package(row: Row[*tuple[object, ...]]) -> Package:
    try:
        return Package(
            id=row.id,
            version=Version(row.version),
            manifest=Manifest.from_json(row.manifest),
            net_score=row.net_score,
            metrics=dict(row.metrics),
            evidence_sha256=row.evidence_sha256,
            verdict_sha256=row.verdict_sha256,
            created_at=row.created_at,
            created_by=row.created_by,
            description=row.description,
            licence=row.licence,
            state=PackageState(row.state),
            state_reason=row.state_reason,
        )
    except ValueError as error:  # Invalid, or a state that nobody writes
        raise StoreDown(
            f"the catalogue's package '{row.id}' cannot be read: {error}", hint="restore a backup"
        ) from error
