"""What the catalogue lists: a manifest that was judged and admitted under a name and a version."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, is_unicode, number, objects, text
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.policy import Waiver
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.waiver import require_applying

_NUMBER = r"(0|[1-9][0-9]*)"
_SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
    r"(?:-((?!0[0-9]+(?:[.+]|$))[0-9A-Za-z-]+(?:\.(?!0[0-9]+(?:[.+]|$))[0-9A-Za-z-]+)*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)


@dataclass(frozen=True, slots=True, order=False)
class Version:
    """A semantic version (semver.org 2.0.0)."""

    text: str

    def __post_init__(self) -> None:
        if len(self.text) > 128 or not _SEMVER.fullmatch(self.text):
            raise Invalid("version", self.text, "is not a semantic version", hint="write it as 1.0.0")

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Major, minor and patch."""
        major, minor, patch = self.text.partition("+")[0].partition("-")[0].split(".")
        return int(major), int(minor), int(patch)

    @property
    def precedence(self) -> tuple[object, ...]:
        """What versions are sorted by (semver.org 2.0.0, section 11): a pre-release comes first."""
        found = _SEMVER.fullmatch(self.text)
        pre = found[4] if found else None
        words = tuple((not w.isdigit(), int(w) if w.isdigit() else 0, w) for w in (pre or "").split("."))
        return (self.numbers, pre is None, words)

    @property
    def is_pre_release(self) -> bool:
        """Whether it comes before the release that it is numbered as (``1.0.0-rc.1``)."""
        return "-" in self.text.partition("+")[0]

    def next_minor(self) -> Version:
        """The version of the next release that adds something."""
        major, minor, _ = self.numbers
        return Version(f"{major}.{minor + 1}.0")

    def __str__(self) -> str:
        return self.text


def default_version(taken: Sequence[Version]) -> Version:
    """What a package is numbered where nobody and no tag says it: 1.0.0, else the next minor."""
    return max(taken, key=lambda version: version.numbers).next_minor() if taken else Version("1.0.0")


def version_from_tag(tag: str) -> Version | None:
    """The version that a git tag names (``1.2.0`` or ``v1.2.0``), or None."""
    try:
        return Version(tag.removeprefix("v"))
    except Invalid:
        return None


class PackageState(StrEnum):
    """Whether a package is served; of a deleted one only the entry is left, and the contents may be gone."""

    ACTIVE = "active"
    WITHDRAWN = "withdrawn"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A package as lists show it: everything but its files."""

    id: str
    repo: RepoId
    version: Version
    commit: str
    net_score: float
    metrics: Mapping[str, float]
    licence: str
    size_bytes: int
    description: str
    state: PackageState
    state_reason: str
    created_at: datetime
    created_by: str

    @property
    def spelled(self) -> str:
        """Name and version, as commands are told and tell them: ``datasets/org/name@1.0.0``."""
        return f"{self.repo.spelled}@{self.version}"

    def to_json(self) -> JsonObject:
        """All fields, the time as ``YYYY-MM-DDTHH:MM:SSZ``."""
        return {
            "package_id": self.id,
            "kind": self.repo.kind.value,
            "name": self.repo.full_name,
            "version": self.version.text,
            "commit": self.commit,
            "net_score": self.net_score,
            "metrics": dict(self.metrics),
            "licence": self.licence,
            "size_bytes": self.size_bytes,
            "description": self.description,
            "state": self.state.value,
            "state_reason": self.state_reason,
            "created_at": self.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "created_by": self.created_by,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An admitted revision. (kind, name, version) is unique and immutable.

    ``name`` is the full repository id. ``evidence_sha256`` and ``verdict_sha256`` name the
    stored documents. ``created_at`` is aware UTC. ``licence`` is the identifier that its card or
    its tags state, in lower case; empty where they state none.
    """

    id: str
    version: Version
    manifest: Manifest
    net_score: float
    metrics: dict[str, float]
    evidence_sha256: str
    verdict_sha256: str
    created_at: datetime
    created_by: str
    description: str = ""
    licence: str = ""
    state: PackageState = PackageState.ACTIVE
    state_reason: str = ""

    @property
    def name(self) -> str:
        """The full repository id."""
        return self.manifest.repo.full_name

    @property
    def size_bytes(self) -> int:
        """The sum of all file sizes."""
        return self.manifest.total_bytes

    @property
    def spelled(self) -> str:
        """Name and version, as commands are told and tell them: ``datasets/org/name@1.0.0``."""
        return self.listed.spelled

    @property
    def listed(self) -> Listed:
        """Everything but the files."""
        return Listed(
            id=self.id,
            repo=self.manifest.repo,
            version=self.version,
            commit=self.manifest.commit,
            net_score=self.net_score,
            metrics=self.metrics,
            licence=self.licence,
            size_bytes=self.size_bytes,
            description=self.description,
            state=self.state,
            state_reason=self.state_reason,
            created_at=self.created_at,
            created_by=self.created_by,
        )

    def to_json(self) -> JsonObject:
        """The listing's form."""
        return self.listed.to_json()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A judgement that did not admit: kept with its reasons, never served.

    ``verdict_sha256`` and ``evidence_sha256`` name the stored documents.
    """

    id: str
    ref: ModelRef
    commit: str
    outcome: str
    sentence: str
    evidence_sha256: str
    verdict_sha256: str
    created_at: datetime
    created_by: str

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "refusal_id": self.id,
            "kind": self.ref.repo.kind.value,
            "name": self.ref.repo.full_name,
            "revision": self.ref.revision,
            "commit": self.commit,
            "outcome": self.outcome,
            "sentence": self.sentence,
            "created_at": self.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "created_by": self.created_by,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRequest:
    """What somebody asks the registry to take in.

    ``version`` None means: the version that a tag on the commit names, else 1.0.0 for a new
    name, else the next minor. The waivers' author and repository are filled in by the registry.
    """

    ref: ModelRef
    version: Version | None = None
    description: str = ""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()

    def __post_init__(self) -> None:
        if not is_unicode(self.description):
            raise Invalid("description", self.description, "is not Unicode text")
        asked = (*self.thresholds, *(waiver.metric for waiver in self.waivers))
        require_applying(asked, self.ref.repo.kind)

    def to_json(self) -> JsonObject:
        """All fields."""
        return {
            "kind": self.ref.repo.kind.value,
            "name": self.ref.repo.full_name,
            "revision": self.ref.revision,
            "version": self.version.text if self.version else None,
            "description": self.description,
            "thresholds": dict(self.thresholds),
            "waivers": [waiver.to_json() for waiver in self.waivers],
        }

    @classmethod
    def from_json(cls, source: JsonObject) -> IngestRequest:
        """Read what ``to_json`` wrote.

        Raises:
            Invalid: a field is not what it must be.
        """
        repo = RepoId.parse(text(source, "name") or "", RepoKind(text(source, "kind") or "model"))
        version, thresholds = text(source, "version"), child(source, "thresholds")
        return cls(
            ref=ModelRef(repo=repo, revision=text(source, "revision") or "main"),
            version=Version(version) if version else None,
            description=text(source, "description") or "",
            thresholds={name: float(number(thresholds, name) or 0.0) for name in thresholds},
            waivers=tuple(Waiver.from_json(waiver) for waiver in objects(source, "waivers")),
        )
