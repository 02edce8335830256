"""The catalogue, in SQLite (WAL) or PostgreSQL: packages, refusals, hosted repositories, accounts, audit.

The time and the ids come from outside: the catalogue reads no clock and draws no numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from weighbridge.adapters.catalog.accounts import Accounts
from weighbridge.adapters.catalog.audit import Audit
from weighbridge.adapters.catalog.changes import Changes
from weighbridge.adapters.catalog.counts import Counts
from weighbridge.adapters.catalog.database import engine_for
from weighbridge.adapters.catalog.discussions import Discussions
from weighbridge.adapters.catalog.downloads import Downloads
from weighbridge.adapters.catalog.fingerprints import Fingerprints
from weighbridge.adapters.catalog.groups import Groups
from weighbridge.adapters.catalog.guests import Guests
from weighbridge.adapters.catalog.hosted import Hosted
from weighbridge.adapters.catalog.job_work import JobWork
from weighbridge.adapters.catalog.jobs import Jobs
from weighbridge.adapters.catalog.listing import Lists
from weighbridge.adapters.catalog.migrate import migrate
from weighbridge.adapters.catalog.named import Names
from weighbridge.adapters.catalog.notes import Notes
from weighbridge.adapters.catalog.organizations import Organizations
from weighbridge.adapters.catalog.packages import Packages
from weighbridge.adapters.catalog.refusals import Refusals
from weighbridge.adapters.catalog.rewriting import Rewriting
from weighbridge.adapters.catalog.scans import Scans
from weighbridge.adapters.catalog.together import Together
from weighbridge.adapters.catalog.tries import Tries
from weighbridge.adapters.catalog.waivers import Waivers
from weighbridge.adapters.catalog.whole import Whole
from weighbridge.adapters.catalog.workers import Workers
from weighbridge.adapters.catalog.zips import Zips


class Catalog(
    Packages,
    Waivers,
    Lists,
    Refusals,
    Together,
    Hosted,
    Rewriting,
    Discussions,
    Guests,
    Downloads,
    Fingerprints,
    Notes,
    Scans,
    Jobs,
    JobWork,
    Workers,
    Counts,
    Groups,
    Organizations,
    Accounts,
    Tries,
    Audit,
    Names,
    Zips,
    Whole,
    Changes,
):
    """Every table behind one door; each change and its audit line are one transaction.

    Every method raises StoreDown where the database fails.
    """

    @classmethod
    def open(cls, place: str | Path, *, quota_bytes: int = 0) -> Self:
        """Connect, and make or update the tables; a path is a file of SQLite, ``sqlite://`` one in memory.

        ``quota_bytes`` is what a namespace may use that has no quota of its own; 0: no limit.

        Raises:
            BadInput: the URL cannot be used.
            StoreDown: the database fails, or was made by a newer Weighbridge.
        """
        engine = engine_for(place)
        try:
            migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, quota_bytes=quota_bytes)


__all__ = ["Catalog"]
