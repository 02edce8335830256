"""The audit: who changed and downloaded what."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from weighbridge.domain.access import AuditLine
from weighbridge.domain.audit import AuditQuery
from weighbridge.doors.rest.callers import Caller, TheBridge
from weighbridge.doors.rest.shapes import Instant, Wanted

router = APIRouter()


class AuditLineOut(BaseModel):
    """When, by whom, what was done to what."""

    id: str
    at: str
    by: str
    verb: str
    target: str
    detail: str

    @classmethod
    def of(cls, line: AuditLine) -> Self:
        """The noun, spelled."""
        return cls.model_validate(line.to_json())


class AuditPage(BaseModel):
    """A page, newest first; ``next`` is what to send as ``after``, null at the end."""

    lines: list[AuditLineOut]
    next: str | None


class AuditFilters(Wanted):
    """Which lines."""

    by: Annotated[str, Field(max_length=64, description="who did it")] = ""
    verb: Annotated[str, Field(max_length=64, description="as in download, ingest, login.failed")] = ""
    target: Annotated[
        str, Field(max_length=300, description="to what was it done: all of it, or what stands before its @")
    ] = ""
    since: Annotated[Instant | None, Field(description="RFC 3339, with a zone")] = None
    until: Annotated[Instant | None, Field(description="the first instant that is no more wanted")] = None
    limit: Annotated[int, Field(ge=1, le=500, description="how many at most")] = 100
    after: Annotated[str | None, Field(pattern="^[0-9]{1,18}$", description="'next' of the page before")] = (
        None
    )


@router.get("/audit", tags=["audit"], summary="Who changed and downloaded what, newest first")
def audit(filters: Annotated[AuditFilters, Query()], bridge: TheBridge, caller: Caller) -> AuditPage:
    """Needs the permission `admin`."""
    about = AuditQuery(
        by=filters.by,
        verb=filters.verb,
        target=filters.target,
        since=filters.since,
        until=filters.until,
    )
    found = bridge.audit.lines(caller, about=about, limit=filters.limit, after=filters.after)
    return AuditPage(
        lines=[AuditLineOut.of(line) for line in found],
        next=found[-1].id if len(found) == filters.limit else None,
    )
