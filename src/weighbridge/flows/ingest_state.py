"""What an ingestion touches, and the small state that one of its steps hands to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from weighbridge.domain.access import AuditLine
from weighbridge.domain.json_values import JsonObject, child, text
from weighbridge.domain.manifest import FileEntry
from weighbridge.domain.package import IngestRequest, Package, Refusal, Version
from weighbridge.domain.policy import Policy, Waiver
from weighbridge.domain.ref import RepoId
from weighbridge.domain.resemblance import Fingerprint
from weighbridge.domain.scan import ScanReport
from weighbridge.flows.ensure import Shelf
from weighbridge.flows.gather import Readers
from weighbridge.flows.registry import Registry
from weighbridge.flows.weighing import Scales
from weighbridge.ports import BlobStore, Hub, Reporter

ScanTree = Callable[[Sequence[tuple[str, Path, str]]], ScanReport]


class Notebook(Shelf, Protocol):
    """A shelf that also keeps what was found while a manifest is not complete yet."""

    def note(self, repo: RepoId, entry: FileEntry) -> None:
        """Keep at once which content a small file has."""

    def noted(self, repo: RepoId, git_sha1: str) -> str | None:
        """The sha256 that was noted for a git id."""

    def forget_notes(self, repo: RepoId) -> None:
        """A manifest holds it all now."""


class Ledger(Protocol):
    """What this flow needs of the catalogue."""

    def require_free(self, repo: RepoId, commit: str, version: Version | None) -> None:
        """Raises PackageExists where the version or the commit is taken."""

    def versions(self, repo: RepoId) -> Sequence[Version]:
        """Every version that this name ever had."""

    def add(
        self,
        package: Package,
        waivers: Sequence[Waiver],
        audit: AuditLine,
        *,
        prints: Sequence[Fingerprint],
    ) -> None:
        """List a package and by what it is known again, in one transaction. Raises PackageExists."""

    def add_refusal(self, refusal: Refusal, audit: AuditLine) -> None:
        """Keep a refusal with its reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Everything of the world that an ingestion touches."""

    hub: Hub
    blobs: BlobStore
    shelf: Notebook
    ledger: Ledger
    registry: Registry
    scan_tree: ScanTree
    scales: Scales
    readers: Readers
    reporter: Reporter
    connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What one step hands to the next.

    ``id`` names the package or the refusal that will come of it; it is chosen once, so that a
    repeated ``record`` cannot list the same work twice. ``at`` is the one reference time.
    """

    id: str
    request: IngestRequest
    policy: Policy
    by: str
    at: datetime
    commit: str = ""
    version: Version | None = None
    draft_sha256: str = ""
    evidence_sha256: str = ""
    scan_sha256: str = ""
    verdict_sha256: str = ""

    def to_json(self) -> JsonObject:
        """All fields: what a worker needs that takes the work up."""
        return {
            "id": self.id,
            "request": self.request.to_json(),
            "policy": self.policy.to_json(),
            "by": self.by,
            "at": self.at.isoformat(),
            "commit": self.commit,
            "version": self.version.text if self.version else None,
            "draft_sha256": self.draft_sha256,
            "evidence_sha256": self.evidence_sha256,
            "scan_sha256": self.scan_sha256,
            "verdict_sha256": self.verdict_sha256,
        }

    @classmethod
    def from_json(cls, source: JsonObject) -> State:
        """Read what ``to_json`` wrote.

        Raises:
            Invalid: a field is not what it must be.
        """
        version = text(source, "version")
        return cls(
            id=text(source, "id") or "",
            request=IngestRequest.from_json(child(source, "request")),
            policy=Policy.from_json(child(source, "policy")),
            by=text(source, "by") or "",
            at=datetime.fromisoformat(text(source, "at") or ""),
            commit=text(source, "commit") or "",
            version=Version(version) if version else None,
            draft_sha256=text(source, "draft_sha256") or "",
            evidence_sha256=text(source, "evidence_sha256") or "",
            scan_sha256=text(source, "scan_sha256") or "",
            verdict_sha256=text(source, "verdict_sha256") or "",
        )
