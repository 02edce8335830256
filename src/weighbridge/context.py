"""For which request and which job something is done: said in every line of the log that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

REQUEST: ContextVar[str] = ContextVar("request", default="")
"""The id of the request that is being answered; empty where there is none."""
JOB: ContextVar[str] = ContextVar("job", default="")
"""The id of the job that is being worked on; empty where there is none."""


def carried() -> Callable[[], None]:
    """What the threads of a pool begin with, so that they too say for what they work."""
    request, job = REQUEST.get(), JOB.get()

    def begin() -> None:
        REQUEST.set(request)
        JOB.set(job)

    return begin
