"""The waivers by which packages were admitted, in the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Row, select

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.names import hidden_from
from weighbridge.adapters.catalog.tables import PACKAGES, WAIVERS
from weighbridge.domain.access import SEES_ALL, Sight
from weighbridge.domain.exceptions import Admittance
from weighbridge.domain.package import PackageState, Version
from weighbridge.domain.policy import Waiver
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import BadInput


class Waivers(Database):
    """Reads them; they are written with the package that they admit."""

    def waivers(self, package_id: str) -> tuple[Waiver, ...]:
        """The exceptions by which a package was admitted, in the order they were given."""
        query = select(WAIVERS).where(WAIVERS.c.package_id == package_id).order_by(WAIVERS.c.id)
        with self._reading() as connection:
            return tuple(map(_waiver, connection.execute(query)))

    def admittances(
        self,
        repo: RepoId | None = None,
        *,
        limit: int = 100,
        after: str | None = None,
        sight: Sight = SEES_ALL,
    ) -> tuple[Admittance, ...]:
        """A page of all waivers that ever admitted a package, or one of ``repo``, the newest first.

        ``after`` is the id of the last one of the page before. ``sight`` leaves out those of private
        repositories that are not seen.

        Raises:
            BadInput: ``after`` is not the id of a waiver.
        """
        columns = [PACKAGES.c[name] for name in ("kind", "name", "version", "state")]
        query = select(WAIVERS, *columns).join_from(WAIVERS, PACKAGES).where(~hidden_from(PACKAGES, sight))
        if repo is not None:
            query = query.where(PACKAGES.c.kind == repo.kind.value)
            query = query.where(PACKAGES.c.name_key == repo.full_name.lower())
        if after is not None:
            if not after.isascii() or not after.isdigit() or len(after) > 18:
                raise BadInput("'after' is not the id of a waiver")
            query = query.where(WAIVERS.c.id < int(after))
        with self._reading() as connection:
            rows = connection.execute(query.order_by(WAIVERS.c.id.desc()).limit(limit))
            return tuple(map(_admittance, rows))


def add_waivers(connection: Connection, package_id: str, waivers: Sequence[Waiver]) -> None:
    """Write the waivers of a package, in the transaction that adds it."""
    rows = [
        {
            "package_id": package_id,
            "metric": waiver.metric,
            "repo": waiver.repo,
            "commit_id": waiver.commit,
            "reason": waiver.reason,
            "author": waiver.author,
            "expires": waiver.expires,
        }
        for waiver in waivers
    ]
    if rows:
        connection.execute(WAIVERS.insert(), rows)


def _waiver(row: Row[*tuple[object, ...]]) -> Waiver:
    return Waiver(
        metric=row.metric,
        repo=row.repo,
        reason=row.reason,
        author=row.author,
        commit=row.commit_id,
        expires=row.expires,
    )


def _admittance(row: Row[*tuple[object, ...]]) -> Admittance:
    return Admittance(
        id=str(row.id),
        package_id=row.package_id,
        repo=RepoId.parse(row.name, RepoKind(row.kind)),
        version=Version(row.version),
        state=PackageState(row.state),
        waiver=_waiver(row),
    )
