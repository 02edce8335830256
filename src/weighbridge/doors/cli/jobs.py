"""``weighbridge job``: long work, on the machine that holds the home."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cyclopts import App

from weighbridge.bridge import Bridge, durable_engine, open_bridge
from weighbridge.bridge.reporting import reporter_for
from weighbridge.domain.access import LOCAL
from weighbridge.domain.job import Job, JobEvent, JobState
from weighbridge.domain.json_values import number, text
from weighbridge.domain.verdict import down
from weighbridge.doors.cli.render import (
    AsJson,
    exit_code_of,
    printable,
    show_error,
    show_json,
    show_table,
    size,
)
from weighbridge.doors.cli.verdicts import show_lines, verdict_lines, width
from weighbridge.errors import Rejected, WeighbridgeError
from weighbridge.settings import load_settings

job_app = App(name="job", help="List, follow, cancel and retry what was asked for.")
_LOOK_S = 0.3


@contextmanager
def _bridge() -> Iterator[Bridge]:
    settings = load_settings()
    with open_bridge(settings, engine=durable_engine(settings)) as bridge:  # never begun: others work
        yield bridge


@job_app.command(name="list")
def list_jobs(*, state: list[JobState] | None = None, limit: int = 50, json: AsJson = False) -> None:
    """Show jobs, newest first.

    Parameters
    ----------
    state
        Only those in this state; may be given several times.
    limit
        How many at most.
    """
    with _bridge() as bridge:
        found = bridge.jobs.jobs(LOCAL, states=state or (), limit=limit)
    if json:
        show_json([job.to_json() for job in found])
    else:
        show_table(("JOB", "STATE", "STEP", "DONE", "MODEL", "BY"), [_row(job) for job in found])


@job_app.command
def show(id: str, /, *, json: AsJson = False) -> None:
    """Show one job and what happened to it."""
    with _bridge() as bridge:
        job, events = bridge.jobs.job(LOCAL, id), bridge.jobs.events(LOCAL, id)
    if json:
        told = [{"number": e.number, "at": e.at.isoformat(), "kind": e.kind, **e.data} for e in events]
        show_json({**job.to_json(), "events": told})
        return
    show_table(("JOB", "STATE", "STEP", "DONE", "MODEL", "BY"), [_row(job)])
    for event in events:
        print(f"  {event.at:%Y-%m-%d %H:%M:%S}  {_told(event)}")
    for line in _next_step(job):
        print(f"  {printable(line)}")


@job_app.command
def watch(id: str, /, *, json: AsJson = False) -> int:
    """Follow a job until it is over; the exit code is that of 'weighbridge ingest'."""
    with _bridge() as bridge:
        job = _followed(bridge, id, silent=json)
        try:
            admission = bridge.packages.outcome(job)
        except WeighbridgeError as error:
            if json:
                show_json(job.to_json())
            else:
                show_error(error)
                if isinstance(error, Rejected):
                    show_lines(verdict_lines(error.verdict, width()))
            return exit_code_of(error)
    if json:
        show_json(job.to_json())
    else:
        print(f"accepted {admission.package.name}@{admission.package.version}")
    return 0


@job_app.command
def cancel(id: str, /, *, json: AsJson = False) -> None:
    """End a job; what was fetched stays for the next try."""
    with _bridge() as bridge:
        job = bridge.jobs.cancel(LOCAL, id)
    _show(job, json)


@job_app.command
def retry(id: str, /, *, json: AsJson = False) -> None:
    """Begin a job again that failed, was parked or was cancelled."""
    with _bridge() as bridge:
        job = bridge.jobs.retry(LOCAL, id)
    _show(job, json)


def _followed(bridge: Bridge, id: str, *, silent: bool) -> Job:
    """The job when it is over; meanwhile its steps and metrics as lines, its bytes as a bar."""
    reporter, seen, total, done = reporter_for(silent=silent), 0, 0, 0
    while True:
        job = bridge.jobs.job(LOCAL, id)
        for event in bridge.jobs.events(LOCAL, id, seen):
            seen = event.number
            if not silent:
                print(f"{event.at:%H:%M:%S}  {_told(event)}", file=sys.stderr)
        if job.total_bytes > total:
            if total:
                reporter.end()
            total, done = job.total_bytes, 0
            reporter.begin(job.repo.full_name, total)
        if job.done_bytes > done:
            reporter.moved(job.done_bytes - done)
            done = job.done_bytes
        if job.state.is_over:
            if total:
                reporter.end()
            return job
        time.sleep(_LOOK_S)


def _next_step(job: Job) -> Iterator[str]:
    """What comes of the job by itself, or what somebody could do."""
    if job.state is JobState.QUEUED and job.due_at is not None:
        yield f"the next try is at {job.due_at:%Y-%m-%d %H:%M:%S} (UTC)"
    if job.error is not None and (hint := text(job.error, "hint")):
        yield f"hint: {hint}"
    if job.state is JobState.REFUSED:
        yield f"the reasons: weighbridge refusal show {job.id}"
    elif job.state in (JobState.FAILED, JobState.PARKED, JobState.CANCELLED):
        yield f"to begin it again: weighbridge job retry {job.id}"


def _told(event: JobEvent) -> str:
    if event.kind == "step":
        return f"step {text(event.data, 'step')}"
    if event.kind == "metric":
        low, high, least = (down(number(event.data, key) or 0.0) for key in ("low", "high", "threshold"))
        found = low if high == low else f"{low}..{high}"
        missed = "  FAILED" if event.data.get("failed") else ""
        return f"{text(event.data, 'metric')} {found} of {least}{missed}"
    error = event.data.get("error")
    message = text(error, "message") if isinstance(error, dict) else None
    return printable(f"{event.kind}{f': {message}' if message else ''}")


def _row(job: Job) -> tuple[str, ...]:
    done = f"{size(job.done_bytes)} of {size(job.total_bytes)}" if job.total_bytes else "-"
    return (job.id, job.state.value, job.step or "-", done, f"{job.repo.full_name}@{job.revision}", job.by)


def _show(job: Job, json: bool) -> None:
    if json:
        show_json(job.to_json())
    else:
        print(f"{job.state.value if not job.cancel_asked else 'asked to stop'} {job.id}")
