"""Long work: listed, followed as it goes, cancelled, begun again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from weighbridge.bridge import Bridge
from weighbridge.domain.access import Principal
from weighbridge.domain.job import Job, JobEvent, JobState
from weighbridge.domain.json_values import Json
from weighbridge.doors.rest.callers import Again, Caller, TheBridge
from weighbridge.doors.rest.job_shapes import JobOut, JobPage
from weighbridge.doors.rest.shapes import After, Id, Limit
from weighbridge.errors import Denied, NotFound, Unreachable

router = APIRouter(tags=["jobs"])
_LOOK_S, _BREATH_S = 0.3, 15.0
"""How often a followed job is looked at, and how often something is sent where nothing happens."""


@router.get("/jobs", summary="List jobs, newest first")
def jobs(
    bridge: TheBridge,
    caller: Caller,
    state: Annotated[list[JobState] | None, Query(description="may be given several times")] = None,
    limit: Limit = 100,
    after: After = None,
) -> JobPage:
    """Needs the permission `upload`."""
    found = bridge.jobs.jobs(caller, states=state or (), limit=limit, after=after)
    return JobPage(jobs=[JobOut.of(job) for job in found], next=found[-1].id if len(found) == limit else None)


@router.get("/job/{id}", summary="One job")
def job(id: Id, bridge: TheBridge, caller: Caller) -> JobOut:
    """How far it is; when it is over, the id of its package or refusal, or its error. Needs `upload`."""
    return JobOut.of(bridge.jobs.job(caller, id))


@router.get(
    "/job/{id}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(
    id: Id,
    bridge: TheBridge,
    caller: Caller,
    again: Again,
    last_event_id: Annotated[int, Header(ge=0, le=1 << 31, description="where a broken stream ended")] = 0,
) -> StreamingResponse:
    """Server-sent events: each step and metric, bytes as they come, and the job when it is over.

    Needs the permission `upload`, for as long as it lasts.
    """
    first = await run_in_threadpool(bridge.jobs.job, caller, id)
    stream = _stream(bridge, again, first, last_event_id)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@router.post("/job/{id}/cancel", summary="End a job")
def cancel(id: Id, bridge: TheBridge, caller: Caller) -> JobOut:
    """What waits ends at once, what runs ends soon. One's own, or with `admin` anybody's."""
    return JobOut.of(bridge.jobs.cancel(caller, id))


@router.post("/job/{id}/retry", summary="Begin a job again")
def retry(id: Id, bridge: TheBridge, caller: Caller) -> JobOut:
    """One that failed, was parked or was cancelled. One's own, or with `admin` anybody's."""
    return JobOut.of(bridge.jobs.retry(caller, id))


async def _stream(bridge: Bridge, again: Callable[[], Principal], job: Job, seen: int) -> AsyncIterator[str]:
    done, spoken, id = -1, monotonic(), job.id

    def look() -> tuple[Job, Sequence[JobEvent]]:
        caller = again()
        return bridge.jobs.job(caller, id), bridge.jobs.events(caller, id, seen)

    while True:
        try:
            job, found = await run_in_threadpool(look)
        except (Denied, NotFound, Unreachable):
            return  # the token was revoked, or may no more: whoever asks again is told so
        for event in found:
            seen = event.number
            yield _event(event.kind.replace(" ", "-"), _data(event), seen)
        if job.done_bytes != done and job.total_bytes:
            done = job.done_bytes
            sizes: dict[str, Json] = {"done_bytes": job.done_bytes, "total_bytes": job.total_bytes}
            yield _event("progress", sizes)
        if job.state.is_over:
            yield _event("job", JobOut.of(job).model_dump(mode="json"))
            return
        if found:
            spoken = monotonic()
        elif monotonic() - spoken > _BREATH_S:
            spoken = monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(_LOOK_S)


def _data(event: JobEvent) -> dict[str, Json]:
    return {"at": event.at.strftime("%Y-%m-%dT%H:%M:%SZ"), **event.data}


def _event(kind: str, data: dict[str, Json], number: int | None = None) -> str:
    """HTML Living Standard, section 9.2: fields by lines, an event by an empty one."""
    id = f"id: {number}\n" if number is not None else ""
    return f"{id}event: {kind}\ndata: {json.dumps(data)}\n\n"
