"""What stands in for the catalogue and the shelf while a bundle is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.catalog.together import Admitted, Turned
from weighbridge.domain.access import AuditLine
from weighbridge.domain.bundle import Packed
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.package import Package, Refusal, Version
from weighbridge.domain.policy import Waiver
from weighbridge.domain.ref import RepoId
from weighbridge.domain.resemblance import Fingerprint


class PackedShelf:
    """The manifest of one package: implements ``flows.ingest_state.Notebook``, and
    asks no Hub.
    """

    def __init__(self, packed: Packed) -> None:
        self._manifest = packed.manifest

    def get(self, repo: RepoId, commit: str) -> Manifest | None:
        """See ``Shelf.get``."""
        return self._manifest if (repo, commit) == (self._manifest.repo, self._manifest.commit) else None

    def put(self, manifest: Manifest) -> None:
        """Nothing: what a bundle says of a commit is not what the Hub says."""

    def of(self, repo: RepoId) -> Sequence[Manifest]:
        """See ``Shelf.of``."""
        return (self._manifest,) if repo == self._manifest.repo else ()

    def note(self, repo: RepoId, entry: FileEntry) -> None:
        """Nothing: every file of a bundle has its sha256."""

    def noted(self, repo: RepoId, git_sha1: str) -> str | None:
        """Nothing is noted."""

    def forget_notes(self, repo: RepoId) -> None:
        """There are none."""


class WaitingLedger:
    """The catalogue, but what is to be kept waits for the end: implements ``flows.ingest.Ledger``."""

    def __init__(self, catalog: Catalog, origin: str) -> None:
        self._catalog, self._origin = catalog, origin
        self.admitted: list[Admitted] = []
        self.turned: list[Turned] = []

    def require_free(self, repo: RepoId, commit: str, version: Version | None) -> None:
        """See ``Ledger.require_free``."""
        self._catalog.require_free(repo, commit, version)

    def versions(self, repo: RepoId) -> Sequence[Version]:
        """See ``Ledger.versions``."""
        return self._catalog.versions(repo)

    def add(
        self,
        package: Package,
        waivers: Sequence[Waiver],
        audit: AuditLine,
        *,
        prints: Sequence[Fingerprint],
    ) -> None:
        """See ``Ledger.add``."""
        line = self._told(audit)
        self.admitted.append(Admitted(package=package, waivers=waivers, audit=line, prints=prints))

    def add_refusal(self, refusal: Refusal, audit: AuditLine) -> None:
        """See ``Ledger.add_refusal``; the same judgement of the same bundle is kept once."""
        same = f"{refusal.ref}/{refusal.evidence_sha256}/{refusal.verdict_sha256}"
        kept = replace(refusal, id=str(uuid5(NAMESPACE_URL, same)))
        detail = audit.detail.replace(refusal.id, kept.id)
        self.turned.append(Turned(refusal=kept, audit=self._told(replace(audit, detail=detail))))

    def _told(self, audit: AuditLine) -> AuditLine:
        return replace(audit, verb="import", detail=f"{audit.detail}; it came {self._origin}")
