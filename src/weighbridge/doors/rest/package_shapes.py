"""The JSON of packages, verdicts and refusals, as it is read and written; nothing of it is known below."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from weighbridge.bridge.repos import Standing, State
from weighbridge.domain.access import Principal
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.kept_zip import KeptZip
from weighbridge.domain.package import IngestRequest, Listed, Package, PackageState, Refusal, Version
from weighbridge.domain.policy import Waiver
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind, is_commit
from weighbridge.domain.verdict import Verdict
from weighbridge.doors.rest.shapes import Text, Wanted
from weighbridge.errors import BadName, BadVersion


class WaiverIn(Wanted):
    """An exception from one metric; ``expires`` is the last day on which it holds."""

    metric: Text
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    expires: date | None = None


class IngestIn(Wanted):
    """What to take in. Waivers and lowered thresholds need the permission ``admin``."""

    model_config = ConfigDict(
        extra="forbid",
        protected_namespaces=(),
        json_schema_extra={
            "examples": [
                {
                    "model_id": "distilbert-base-uncased-finetuned-sst-2-english",
                    "version": "1.0.0",
                    "description": "Sentiment analysis model",
                }
            ]
        },
    )

    model_id: Annotated[str, Field(max_length=256, description="org/name, or name")]
    version: Annotated[
        str | None,
        Field(
            max_length=256,
            description="default: a version tag on the commit; else 1.0.0, or the next minor",
        ),
    ] = None
    description: Annotated[str, Field(max_length=4000)] = ""
    revision: Annotated[str, Field(max_length=255, description="a branch, a tag or a commit")] = "main"
    kind: Literal["model", "dataset"] = "model"
    thresholds: dict[str, float] = Field(
        {}, max_length=32, description="metric to what it must reach, 0 to 1"
    )
    waivers: list[WaiverIn] = Field([], max_length=32)
    wait: Annotated[bool, Field(description="false: the answer is 202 and a job to follow")] = True

    @field_validator("description", mode="before")
    @classmethod
    def _null_is_empty(cls, value: object) -> object:
        return "" if value is None else value

    def request(self, author: Principal) -> IngestRequest:
        """The same as the registry reads it.

        Raises:
            BadName, BadVersion: the model's name or the version cannot be one.
            Invalid: the revision, a threshold or a waiver cannot be one.
        """
        try:
            repo = RepoId.parse(self.model_id, RepoKind(self.kind))
        except Invalid as error:
            raise BadName(str(error), hint=error.hint) from error
        try:
            version = None if self.version is None else Version(self.version)
        except Invalid as error:
            raise BadVersion(str(error), hint=error.hint) from error
        waivers = tuple(
            Waiver(
                metric=waiver.metric,
                repo=repo.full_name,
                reason=waiver.reason,
                author=author.name,
                commit=self.revision if is_commit(self.revision) else None,
                expires=waiver.expires,
            )
            for waiver in self.waivers
        )
        return IngestRequest(
            ref=ModelRef(repo=repo, revision=self.revision),
            version=version,
            description=self.description,
            thresholds=self.thresholds,
            waivers=waivers,
        )


class PackageOut(BaseModel):
    """A package as it is listed; ``state_reason`` says why it is not served."""

    model_config = ConfigDict(protected_namespaces=())

    package_id: str
    name: str
    version: str
    model_id: str
    kind: str
    commit: str
    s3_path: Annotated[
        str | None, Field(description="where its package.zip is in the bucket; null where it is in none")
    ] = None
    net_score: float
    licence: Annotated[str, Field(description="as card or tags state it; empty where they do not")]
    size_bytes: int
    metrics: Annotated[dict[str, float], Field(description="each judged metric, and net_score")]
    description: str
    state: PackageState
    state_reason: str
    created_at: str
    created_by: str
    verdict: Annotated[str, Field(description="where the judgement with its reasons is")]

    @classmethod
    def of(cls, package: Package | Listed, zips: Mapping[str, KeptZip], **more: object) -> Self:
        """The noun, spelled; ``zips`` has those of a bucket by package, ``more`` are a subclass's fields."""
        shown, zip = package.to_json(), zips.get(package.id)
        fields: dict[str, object] = {
            **shown,
            "s3_path": zip.address if zip else None,
            "model_id": shown["name"],
            "metrics": {**package.metrics, "net_score": package.net_score},
            "verdict": f"/package/{package.id}/verdict",
        }
        return cls.model_validate({**fields, **more})


class FileOut(BaseModel):
    """A file of a package; ``size`` is in bytes."""

    path: str
    size: int
    sha256: str | None = None
    git_sha1: str | None = None


class PackageWithFiles(PackageOut):
    """One package and its files."""

    files: list[FileOut]


class WaiverOut(BaseModel):
    """An exception that held: said by whom, why, until when."""

    metric: str
    repo: str
    reason: str
    author: str
    commit: str | None
    expires: str | None


class Admitted(PackageOut):
    """The answer to an ingestion that was accepted."""

    message: str
    fetched_bytes: Annotated[int, Field(description="what came from the Hub for it")]
    saved_bytes: Annotated[int, Field(description="what was held already")]
    not_judged: Annotated[list[str], Field(description="metrics of the gate that apply and have no score")]
    waived: list[WaiverOut]


class VerdictOut(BaseModel):
    """A judgement: derived from scores, findings and the policy that they were held against."""

    outcome: Literal["accepted", "refused", "indeterminate"]
    sentence: str
    kind: str
    repo: str
    commit: str
    net_score: float
    weakest: str | None
    metrics: dict[str, float]
    failures: Annotated[list[dict[str, JsonValue]], Field(description="weakest first")]
    unsafe_files: list[dict[str, JsonValue]]
    licence_faults: Annotated[list[str], Field(description="why the policy does not allow its licences")]
    licence_doubts: Annotated[list[str], Field(description="what of its licences could not be read")]
    warnings: Annotated[list[str], Field(description="what holds nothing up and somebody should read")]
    not_judged: list[str]
    waived: list[WaiverOut]
    scores: list[dict[str, JsonValue]]
    reported: Annotated[
        dict[str, dict[str, JsonValue] | None],
        Field(description="metrics that hold nothing up; null where one does not apply"),
    ]
    scan: dict[str, JsonValue]
    policy: dict[str, JsonValue]
    policy_sha256: str

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """The noun, spelled."""
        return cls.model_validate(verdict.to_json())


class RefusalOut(BaseModel):
    """A model that was weighed and not admitted."""

    refusal_id: str
    kind: str
    name: str
    revision: str
    commit: str
    outcome: Literal["refused", "indeterminate"]
    sentence: str
    created_at: str
    created_by: str

    @classmethod
    def of(cls, refusal: Refusal, **more: object) -> Self:
        """The noun, spelled; ``more`` are the fields of a subclass."""
        return cls.model_validate({**refusal.to_json(), **more})


class RefusalWithVerdict(RefusalOut):
    """One refusal and its judgement."""

    verdict: VerdictOut


class RefusalPage(BaseModel):
    """A page, newest first; ``next`` is what to send as ``after``, null at the end."""

    refusals: list[RefusalOut]
    next: str | None


class StandingOut(BaseModel):
    """How a pushed commit stands; ``package`` or ``refusal`` is where the verdict is, once there is one."""

    kind: str
    name: str
    commit: str
    state: Literal["not weighed", "waiting", "accepted", "refused", "withdrawn"]
    sentence: str
    package: str | None
    refusal: str | None

    @classmethod
    def of(cls, repo: RepoId, standing: Standing) -> Self:
        """The noun, spelled."""
        refused = standing.state is State.REFUSED
        record = standing.record_id
        return cls(
            kind=repo.kind.value,
            name=repo.full_name,
            commit=standing.commit,
            state=standing.state.value,
            sentence=standing.sentence,
            package=f"/package/{record}" if record and not refused else None,
            refusal=f"/refusal/{record}" if record and refused else None,
        )
