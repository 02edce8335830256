"""Later scans in the catalogue, and the withdrawal that may follow from one: one transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, select, update

from weighbridge.adapters.catalog.audit import record
from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.tables import PACKAGES, SCANS
from weighbridge.domain.access import AuditLine
from weighbridge.domain.package import PackageState


class Scans(Database):
    """What rule sets found in packages after these were admitted."""

    def scanned_by(self, rules: str) -> frozenset[str]:
        """The ids of the packages that a rule set has looked at again."""
        with self._reading() as connection:
            query = select(SCANS.c.package_id).where(SCANS.c.rules == rules)
            return frozenset(connection.execute(query).scalars())

    def latest_scan(self, package_id: str) -> str | None:
        """The sha256 of the newest report on a package, None where nobody looked again."""
        query = select(SCANS.c.report_sha256).where(SCANS.c.package_id == package_id)
        with self._reading() as connection:
            return connection.execute(query.order_by(SCANS.c.at.desc()).limit(1)).scalar()

    def rescanned(
        self,
        package_id: str,
        *,
        rules: str,
        verdict: str,
        report_sha256: str,
        at: datetime,
        withdrawn: tuple[str, AuditLine] | None = None,
    ) -> bool:
        """Keep a report in place of an earlier one by these rules; ``withdrawn`` has the reason.

        Returns: whether the package was withdrawn now; one that was before keeps its reason.
        """
        row = {"verdict": verdict, "report_sha256": report_sha256, "at": at}
        same = and_(SCANS.c.package_id == package_id, SCANS.c.rules == rules)
        with self._writing() as connection:
            if connection.execute(update(SCANS).where(same).values(row)).rowcount == 0:
                connection.execute(SCANS.insert().values(package_id=package_id, rules=rules, **row))
            if withdrawn is None:
                return False
            reason, line = withdrawn
            active = and_(PACKAGES.c.id == package_id, PACKAGES.c.state == PackageState.ACTIVE.value)
            change = {"state": PackageState.WITHDRAWN.value, "state_reason": reason}
            if connection.execute(update(PACKAGES).where(active).values(change)).rowcount == 0:
                return False
            record(connection, line)
            return True
