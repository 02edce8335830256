"""Many models in one request, and one report."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from weighbridge.bridge import Bridge
from weighbridge.bridge.access import require
from weighbridge.domain.access import Permission, Principal
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.job import Job
from weighbridge.domain.json_values import Json
from weighbridge.doors.rest.callers import Caller, TheBridge
from weighbridge.doors.rest.job_shapes import JobOut
from weighbridge.doors.rest.package_shapes import Admitted, IngestIn
from weighbridge.doors.rest.packages import admitted, seat
from weighbridge.doors.rest.problems import problem_document
from weighbridge.doors.rest.shapes import Problem, Wanted
from weighbridge.errors import WeighbridgeError

router = APIRouter(tags=["packages"])
MOST_MODELS = 100


class BatchIn(Wanted):
    """Models to take in; ``wait`` counts for all of them."""

    models: Annotated[list[IngestIn], Field(min_length=1, max_length=MOST_MODELS)]
    wait: Annotated[bool, Field(description="false: the answer is 202 and a job for each")] = True


class BatchResult(BaseModel):
    """What came of one model: a package, or a problem, or a job that goes on."""

    model_config = ConfigDict(protected_namespaces=())

    model_id: str
    result: Literal["accepted", "refused", "failed", "asked"]
    package: Admitted | None = None
    problem: Problem | None = None
    job: JobOut | None = None


class BatchOut(BaseModel):
    """One result for each model, in the order of the request."""

    accepted: int
    refused: int
    failed: int
    asked: int
    results: list[BatchResult]


@router.post(
    "/package/ingest-huggingface-batch",
    summary="Weigh many models",
    response_model=BatchOut,
    responses={
        202: {"model": BatchOut, "description": "They are being done"},
        207: {"model": BatchOut, "description": "Not all were accepted"},
    },
)
def ingest_batch(
    wanted: BatchIn,
    bridge: TheBridge,
    caller: Caller,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> JSONResponse:
    """Each as `POST /package/ingest-huggingface` does it; one that fails does not stop the others.

    200 if all were accepted, 207 if not, 202 with `wait` false. Needs the permission `upload`.
    """
    require(caller, Permission.UPLOAD)
    results = [
        _asked(bridge, caller, one, f"{idempotency_key}#{n}" if idempotency_key else "", wait=wanted.wait)
        for n, one in enumerate(wanted.models)
    ]
    if wanted.wait:
        with seat():
            results = [_awaited(bridge, one) if isinstance(one, tuple) else one for one in results]
    done = [
        BatchResult(model_id=one[0].model_id, result="asked", job=JobOut.of(one[1]))
        if isinstance(one, tuple)
        else one
        for one in results
    ]
    counts = {
        kind: sum(one.result == kind for one in done) for kind in ("accepted", "refused", "failed", "asked")
    }
    report = BatchOut(results=done, **counts)
    status = 202 if counts["asked"] else 200 if counts["accepted"] == len(done) else 207
    document = report.model_dump(mode="json")
    # what a result does not have is left out; what a job does not have yet is null, as everywhere
    document["results"] = [
        {name: value for name, value in result.items() if value is not None} for result in document["results"]
    ]
    return JSONResponse(document, status_code=status)


def _asked(
    bridge: Bridge, caller: Principal, wanted: IngestIn, key: str, *, wait: bool
) -> tuple[IngestIn, Job] | BatchResult:
    try:
        return wanted, bridge.packages.ask(caller, wanted.request(caller), patient=not wait, key=key)
    except (WeighbridgeError, Invalid) as error:
        return _problem(wanted, error)


def _awaited(bridge: Bridge, asked: tuple[IngestIn, Job]) -> BatchResult:
    wanted, job = asked
    try:
        package = admitted(bridge.packages.awaited(job), bridge)
    except (WeighbridgeError, Invalid) as error:
        return _problem(wanted, error)
    return BatchResult(model_id=wanted.model_id, result="accepted", package=package)


def _problem(wanted: IngestIn, error: WeighbridgeError | Invalid) -> BatchResult:
    document: dict[str, Json] = problem_document(error, wanted.kind)
    result: Literal["refused", "failed"] = "refused" if document["code"] == "rejected" else "failed"
    return BatchResult(model_id=wanted.model_id, result=result, problem=Problem.model_validate(document))
