"""How many there are of what: for those who watch a registry."""

from __future__ import annotations

from sqlalchemy import Connection, Select, func, select

from weighbridge.adapters.catalog.database import Database
from weighbridge.adapters.catalog.job_tables import JOBS
from weighbridge.adapters.catalog.tables import PACKAGES, REFUSALS
from weighbridge.domain.job import ACTIVE, JobState

_STANDING = [state.value for state in sorted({*ACTIVE, JobState.PARKED})]


class Counts(Database):
    """Figures over whole tables, without their rows."""

    def count_standing_jobs(self) -> dict[str, int]:
        """Jobs that are not over, or parked, by state; those that ended well are not looked at."""
        query = select(JOBS.c.state, func.count()).where(JOBS.c.state.in_(_STANDING)).group_by(JOBS.c.state)
        with self._reading() as connection:
            found = _counted(connection, query)
        return {state: found.get(state, 0) for state in _STANDING}

    def count_jobs(self) -> dict[str, int]:
        """Every job, by state."""
        query = select(JOBS.c.state, func.count()).group_by(JOBS.c.state)
        with self._reading() as connection:
            found = _counted(connection, query)
        return {state.value: found.get(state.value, 0) for state in JobState}

    def count_verdicts(self) -> dict[str, int]:
        """Verdicts that are kept: of packages (accepted) and of refusals, by outcome."""
        refusals = select(REFUSALS.c.outcome, func.count()).group_by(REFUSALS.c.outcome)
        with self._reading() as connection:
            found = _counted(connection, refusals)
            packages = connection.execute(select(func.count()).select_from(PACKAGES)).scalar_one()
        return {"refused": 0, "indeterminate": 0, **found, "accepted": int(packages)}


def _counted(connection: Connection, query: Select[str, int]) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in connection.execute(query)}
