"""What many routes share: ids, pages, texts, names, instants, requests, and what went wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

Limit = Annotated[int, Query(ge=1, le=500, description="how many at most")]
After = Annotated[str | None, Query(max_length=64, description="the last one of the page before")]
Id = Annotated[str, Path(max_length=64)]
Text = Annotated[str, Field(max_length=1024)]
_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:")
_PART = "[A-Za-z0-9_]([A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
RepoName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        description="org/name, or name",
        json_schema_extra={"pattern": f"^({_PART}/)?{_PART}$"},
    ),
]
"""The pattern is for the description alone: the domain checks it, in better sentences."""


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("no such instant") from error


def _spelled_out(at: object) -> object:
    if isinstance(at, str) and not _RFC_3339.match(at):
        raise ValueError("an instant is written as in 2026-11-21T08:00:00Z")  # no number of seconds
    return at


Instant = Annotated[AwareDatetime, BeforeValidator(_spelled_out), AfterValidator(_in_utc)]


class Wanted(BaseModel):
    """A request: a field that is not known is refused, since it would be without effect."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """What went wrong (RFC 9457); ``code`` is stable, ``detail`` is for people."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: Annotated[str | None, Field(description="the next step, where it is known")] = None
    request_id: Annotated[str | None, Field(description="as in X-Request-Id, and in the log")] = None
