"""Withdrawals, deletions, waivers, and the evidence that operators attach."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, JsonValue

from weighbridge.domain.attached import MOST_ENTRIES, Attached
from weighbridge.domain.exceptions import Admittance, Exceptions, in_force
from weighbridge.domain.package import PackageState
from weighbridge.domain.policy import Override
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.doors.rest.callers import Caller, TheBridge
from weighbridge.doors.rest.package_shapes import PackageOut
from weighbridge.doors.rest.shapes import After, Id, Limit, RepoName, Text, Wanted

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


class AdmittingOut(BaseModel):
    """A waiver that admitted a package; ``state`` is that of the package today."""

    id: str
    package_id: str
    kind: str
    repo: str
    version: str
    state: PackageState
    metric: str
    reason: str
    by: str
    commit: Annotated[str | None, Field(description="the one commit that it was for, if it was for one")]
    expires: Annotated[str | None, Field(description="its last day; null: until the package is judged again")]
    in_force: Annotated[bool, Field(description="whether its last day has not passed (UTC)")]

    @classmethod
    def of(cls, given: Admittance, today: date) -> Self:
        """The noun, spelled."""
        waiver = given.waiver
        return cls(
            id=given.id,
            package_id=given.package_id,
            kind=given.repo.kind.value,
            repo=given.repo.full_name,
            version=given.version.text,
            state=given.state,
            metric=waiver.metric,
            reason=waiver.reason,
            by=waiver.author,
            commit=waiver.commit,
            expires=waiver.expires.isoformat() if waiver.expires else None,
            in_force=in_force(waiver, today),
        )


class PolicyWaiverOut(BaseModel):
    """An entry of the policy that waives metrics; ``repo`` may end in ``/*``."""

    kind: str
    repo: str
    metrics: list[str]
    reason: str
    by: str
    commit: str | None
    expires: str | None
    in_force: Annotated[bool, Field(description="whether its last day has not passed (UTC)")]

    @classmethod
    def of(cls, override: Override, today: date) -> Self:
        """The noun, spelled."""
        return cls(
            kind=override.kind.value,
            repo=override.models,
            metrics=list(override.waive),
            reason=override.reason,
            by=override.author,
            commit=override.commit,
            expires=override.expires.isoformat() if override.expires else None,
            in_force=in_force(override, today),
        )


class WaiverPage(BaseModel):
    """A page, newest first; ``next`` is the ``after`` of the next one."""

    waivers: list[AdmittingOut]
    policy: Annotated[list[PolicyWaiverOut], Field(description="those of the policy, on every page all")]
    next: str | None

    @classmethod
    def of(cls, told: Exceptions, limit: int) -> Self:
        """The noun, spelled."""
        given = told.admittances
        return cls(
            waivers=[AdmittingOut.of(each, told.today) for each in given],
            policy=[PolicyWaiverOut.of(each, told.today) for each in told.overrides],
            next=given[-1].id if len(given) == limit else None,
        )


@router.post("/package/{id}/withdraw", tags=["packages"], summary="Take a package out of service")
def withdraw(id: Id, wanted: WithdrawIn, bridge: TheBridge, caller: Caller) -> PackageOut:
    """At once: clients are answered 403 with the reason. Needs the permission `admin`."""
    return PackageOut.of(bridge.upkeep.withdraw(caller, id, wanted.reason), {})


@router.delete("/package/{id}", tags=["packages"], summary="Delete a package for good")
def delete(
    id: Id,
    reason: Annotated[
        str,
        Query(min_length=1, max_length=500, description="everybody who asks for the package is shown it"),
    ],
    bridge: TheBridge,
    caller: Caller,
) -> PackageOut:
    """Its entry stays, with the reason; name and version stay taken. Needs the permission `admin`.

    What nothing else names goes with the next `gc`. Sent again, the answer is the same.
    """
    return PackageOut.of(bridge.upkeep.delete(caller, id, reason), {})


@router.get("/waivers", tags=["packages"], summary="By which exceptions packages were admitted")
def waivers(
    bridge: TheBridge,
    caller: Caller,
    repo: Annotated[RepoName | None, Query()] = None,
    kind: RepoKind = RepoKind.MODEL,
    limit: Limit = 100,
    after: After = None,
) -> WaiverPage:
    """Newest first, expired ones too; `kind` counts with `repo`. Needs the permission `upload`."""
    wanted = RepoId.parse(repo, kind) if repo else None
    return WaiverPage.of(bridge.upkeep.waivers(caller, wanted, limit=limit, after=after), limit)


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
