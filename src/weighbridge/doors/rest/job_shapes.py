"""The JSON of jobs."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field

from weighbridge.domain.job import Job, JobState
from weighbridge.domain.json_values import text


class JobError(BaseModel):
    """Why a try failed; ``code`` is for programs."""

    code: str
    message: str
    hint: str


class JobOut(BaseModel):
    """Long work and how far it is. Sizes are bytes; ``due_at`` is when it is tried again."""

    job_id: str
    verb: str
    kind: str
    name: str
    revision: str
    commit: str | None
    state: JobState
    step: Annotated[str | None, Field(description="what is being done")]
    done_bytes: int
    total_bytes: int
    tries: int
    due_at: str | None
    cancel_asked: bool
    error: JobError | None
    package_id: Annotated[str | None, Field(description="what came of it, where it is done")]
    refusal_id: Annotated[str | None, Field(description="what came of it, where the gate said no")]
    created_at: str
    started_at: str | None
    ended_at: str | None
    created_by: str

    @classmethod
    def of(cls, job: Job) -> Self:
        """The same as it is written."""
        shown = dict(job.to_json())
        if job.error is not None:
            shown["error"] = {key: text(job.error, key) or "" for key in ("code", "message", "hint")}
        return cls.model_validate(shown)


class JobPage(BaseModel):
    """A page; ``next`` is the ``after`` of the next one, null on the last."""

    jobs: list[JobOut]
    next: str | None
