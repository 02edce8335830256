"""Withdrawals, and the evidence that operators attach."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, JsonValue

from weighbridge.domain.attached import MOST_ENTRIES, Attached
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.rest.callers import Caller, TheBridge
from weighbridge.doors.rest.models import PackageOut, RepoName, Text, Wanted
from weighbridge.doors.rest.packages import After, Id, Limit

router = APIRouter()


class WithdrawIn(Wanted):
    """Why a package is no longer served."""

    reason: Annotated[
        Text,
        Field(
            description="everybody who asks for the package is shown it",
            json_schema_extra={"minLength": 1, "maxLength": 500},
        ),
    ]


class EvidenceIn(Wanted):
    """Results that an operator measured."""

    repo: Annotated[RepoName, Field(description="org/name; it need not be here yet")]
    kind: RepoKind = RepoKind.MODEL
    metric: Text = "performance_claims"
    entries: Annotated[
        list[dict[str, JsonValue]],
        Field(max_length=MOST_ENTRIES, description="as in the Hub's .eval_results/*.yaml"),
    ]


class EvidenceOut(BaseModel):
    """What was attached, by whom and when."""

    id: str
    kind: str
    repo: str
    metric: str
    by: str
    at: str
    entries: list[dict[str, JsonValue]]

    @classmethod
    def of(cls, attached: Attached) -> Self:
        """The noun, spelled."""
        return cls.model_validate(attached.to_json())


class EvidencePage(BaseModel):
    """A page, newest first; ``next`` is the ``after`` of the next one."""

    evidence: list[EvidenceOut]
    next: str | None


@router.post("/package/{id}/withdraw", tags=["packages"], summary="Take a package out of service")
def withdraw(id: Id, wanted: WithdrawIn, bridge: TheBridge, caller: Caller) -> PackageOut:
    """At once: clients are answered 403 with the reason. Needs the permission `admin`."""
    return PackageOut.of(bridge.upkeep.withdraw(caller, id, wanted.reason), {})


@router.post("/evidence", tags=["evidence"], summary="Attach results to a repository", status_code=201)
def attach(wanted: EvidenceIn, bridge: TheBridge, caller: Caller) -> EvidenceOut:
    """Later judgements of the repository count them. Needs the permission `admin`."""
    repo = RepoId.parse(wanted.repo, wanted.kind)
    return EvidenceOut.of(bridge.evidence.add(caller, repo, wanted.metric, wanted.entries))


@router.get("/evidence", tags=["evidence"], summary="What operators attached, newest first")
def attached(
    bridge: TheBridge,
    caller: Caller,
    repo: Annotated[RepoName | None, Query()] = None,
    kind: RepoKind = RepoKind.MODEL,
    limit: Limit = 100,
    after: After = None,
) -> EvidencePage:
    """Needs the permission `upload`."""
    wanted = RepoId.parse(repo, kind) if repo else None
    found = bridge.evidence.listed(caller, wanted, limit=limit, after=after)
    return EvidencePage(
        evidence=[EvidenceOut.of(each) for each in found], next=found[-1].id if len(found) == limit else None
    )


@router.delete("/evidence/{id}", tags=["evidence"], summary="Take away what was attached", status_code=204)
def remove(id: Id, bridge: TheBridge, caller: Caller) -> None:
    """Later judgements do not count it. Needs the permission `admin`."""
    bridge.evidence.remove(caller, id)
