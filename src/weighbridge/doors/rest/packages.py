"""Packages and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import JsonValue

from weighbridge.bridge.packages import Admission
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.rest.callers import Caller, TheBridge
from weighbridge.doors.rest.job_shapes import JobOut
from weighbridge.doors.rest.package_shapes import (
    Admitted,
    IngestIn,
    PackageWithFiles,
    RefusalOut,
    RefusalPage,
    RefusalWithVerdict,
    StandingOut,
    VerdictOut,
)
from weighbridge.doors.rest.shapes import After, Id, Limit, RepoName
from weighbridge.errors import RateLimited

router = APIRouter()

INGESTIONS_AT_ONCE = 16
"""Who waits for an ingestion holds a thread for minutes; the rest must go on answering."""
_SEATS = BoundedSemaphore(INGESTIONS_AT_ONCE)


@router.post(
    "/package/ingest-huggingface",
    tags=["packages"],
    summary="Weigh a model and list it",
    response_model=Admitted,
    responses={202: {"model": JobOut, "description": "It is being done; Location says where to look"}},
)
def ingest(
    wanted: IngestIn,
    request: Request,
    bridge: TheBridge,
    caller: Caller,
    idempotency_key: Annotated[
        str | None,
        Header(max_length=255, description="sent again with the same request, nothing is done twice"),
    ] = None,
) -> Admitted | JSONResponse:
    """Fetch a model from the Hub, weigh it, and list it if it passes; needs the permission `upload`.

    A refusal is answered with 400 and the verdict; with 424 where a source could not be read. With
    `wait` false the answer is 202 and the job.
    """
    request.state.kind = wanted.kind
    asked, key = wanted.request(caller), idempotency_key or ""
    if not wanted.wait:
        job = bridge.packages.ask(caller, asked, key=key)
        shown = JobOut.of(job).model_dump(mode="json")
        return JSONResponse(shown, status_code=202, headers={"Location": f"/job/{job.id}"})
    with seat():
        admission = bridge.packages.ingest(caller, asked, key=key)
    return admitted(admission, bridge)


@router.get("/package/{id}", tags=["packages"], summary="One package and its files")
def package(id: Id, bridge: TheBridge, caller: Caller) -> PackageWithFiles:
    """The files with their sizes and digests; the bytes are served to every Hugging Face client."""
    found = bridge.packages.package(caller, id)
    return PackageWithFiles.of(found, bridge.packing.kept([id]), files=found.manifest.to_json()["files"])


@router.get("/package/{id}/verdict", tags=["packages"], summary="Why a package was admitted")
def verdict(id: Id, bridge: TheBridge, caller: Caller) -> VerdictOut:
    """Every score with its signals, every file that was scanned, and the policy."""
    return VerdictOut.of(bridge.packages.verdict(caller, id))


@router.get(
    "/package/{id}/evidence",
    tags=["packages"],
    summary="What the judgement looked at",
    response_model=dict[str, JsonValue],
)
def evidence(id: Id, bridge: TheBridge, caller: Caller) -> JSONResponse:
    """All of it: the same evidence gives the same scores."""
    return JSONResponse(bridge.packages.evidence(caller, id))


@router.get(
    "/package/{id}/case",
    tags=["packages"],
    summary="All that a package was judged by, to judge it again",
    response_model=dict[str, JsonValue],
)
def case(id: Id, bridge: TheBridge, caller: Caller) -> JSONResponse:
    """Evidence, findings, policy and day, for `weighbridge score --evidence`; needs `upload`."""
    return JSONResponse(bridge.packages.case(caller, id).to_json())


@router.get(
    "/refusal/{id}/case",
    tags=["refusals"],
    summary="All that a refused model was judged by, to judge it again",
    response_model=dict[str, JsonValue],
)
def refused_case(id: Id, bridge: TheBridge, caller: Caller) -> JSONResponse:
    """Evidence, findings, policy and day, for `weighbridge score --evidence`; needs `upload`."""
    return JSONResponse(bridge.packages.case_of_refusal(caller, id).to_json())


@router.get(
    "/policy", tags=["packages"], summary="What the gate asks for", response_model=dict[str, JsonValue]
)
def policy(bridge: TheBridge, caller: Caller) -> JSONResponse:
    """Thresholds, devices, licence classes; `sha256` is what verdicts name it by."""
    asked = bridge.packages.policy(caller)
    return JSONResponse({**asked.to_json(), "sha256": asked.sha256})


@router.get("/refusals", tags=["refusals"], summary="List what was not admitted, newest first")
def refusals(
    bridge: TheBridge,
    caller: Caller,
    repo: Annotated[RepoName | None, Query()] = None,
    kind: RepoKind = RepoKind.MODEL,
    limit: Limit = 100,
    after: After = None,
) -> RefusalPage:
    """`kind` counts with `repo`. Needs the permission `upload`."""
    wanted = RepoId.parse(repo, kind) if repo else None
    found = bridge.packages.refusals(caller, wanted, limit=limit, after=after)
    return RefusalPage(
        refusals=[RefusalOut.of(refusal) for refusal in found],
        next=found[-1].id if len(found) == limit else None,
    )


@router.get("/refusal/{id}", tags=["refusals"], summary="One refusal and its verdict")
def refusal(id: Id, bridge: TheBridge, caller: Caller) -> RefusalWithVerdict:
    """Needs the permission `upload`."""
    found, judgement = bridge.packages.refusal(caller, id)
    return RefusalWithVerdict.of(found, verdict=VerdictOut.of(judgement))


@router.get(
    "/standing/{kind}/{commit}/{namespace}/{name}",
    tags=["packages"],
    summary="How a pushed commit stands at the gate",
)
def standing(
    kind: RepoKind,
    commit: Annotated[str, Path(pattern="^[0-9a-f]{40}$")],
    namespace: Id,
    name: Annotated[str, Path(max_length=128)],
    request: Request,
    bridge: TheBridge,
    caller: Caller,
) -> StandingOut:
    """Waiting until it was weighed, then where the verdict is; clients are told this address."""
    request.state.kind = kind.value
    repo = RepoId.parse(f"{namespace}/{name}", kind)
    return StandingOut.of(repo, bridge.repos.standing(caller, repo, commit))


@contextmanager
def seat() -> Iterator[None]:
    """A place for one who waits.

    Raises:
        RateLimited: all are taken.
    """
    if not _SEATS.acquire(blocking=False):
        raise RateLimited(
            f"{INGESTIONS_AT_ONCE} models are being weighed already",
            retry_after_s=30,
            hint="send it again in a while",
        )
    try:
        yield
    finally:
        _SEATS.release()


def admitted(admission: Admission, bridge: TheBridge) -> Admitted:
    """The document's answer to an ingestion."""
    return Admitted.of(
        admission.package,
        bridge.packing.kept([admission.package.id]),
        message="HuggingFace model ingested successfully",
        not_judged=list(admission.verdict.not_judged),
        waived=[waiver.to_json() for waiver in admission.verdict.waived],
        fetched_bytes=admission.fetched_bytes,
        saved_bytes=admission.saved_bytes,
    )
