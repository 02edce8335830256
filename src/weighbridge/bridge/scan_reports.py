"""The scan report of a commit, whatever became of it: package, refusal, or nothing yet."""

from __future__ import annotations

import threading
from collections import OrderedDict

from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.json_values import child
from weighbridge.domain.package import Package
from weighbridge.domain.ref import RepoId
from weighbridge.domain.scan import ScanReport
from weighbridge.flows.documents import load
from weighbridge.ports import BlobStore

_KEPT = 256
NOT_SCANNED = ScanReport(rules="", files=())
"""Nobody has looked into the files yet."""


class ScanReports:
    """Finds reports in the stored verdicts. Who may see the commit is not asked here."""

    def __init__(self, catalog: Catalog, blobs: BlobStore) -> None:
        self._catalog, self._blobs = catalog, blobs
        self._read: OrderedDict[str, ScanReport] = OrderedDict()
        self._guard = threading.Lock()

    def of(self, repo: RepoId, commit: str) -> ScanReport:
        """The newest report on a commit: that of its verdict, or of a rescan; ``NOT_SCANNED`` without one.

        Raises:
            StoreDown, NotFound: the store lost the verdict.
        """
        verdict = self._verdict_of(repo, commit)
        if not verdict:
            return NOT_SCANNED
        with self._guard:
            known = self._read.get(verdict)
        if known is None:
            document = load(self._blobs, verdict)
            known = ScanReport.from_json(document if "rules" in document else child(document, "scan"))
            with self._guard:
                self._read[verdict] = known
                while len(self._read) > _KEPT:
                    self._read.popitem(last=False)
        return known

    def _verdict_of(self, repo: RepoId, commit: str) -> str:
        hosted = self._catalog.hosted(repo)
        if hosted is None:
            packages = self._catalog.packages_of(repo)
            found = next((p for p in packages if p.manifest.commit == commit), None)
            return self._of_package(found) if found else ""
        admission = self._catalog.admissions(hosted.key).get(commit)
        if admission is not None:
            return self._of_package(self._catalog.package(admission.package_id))
        refusal = self._catalog.refusal_of(hosted.key, commit)
        return self._catalog.refusal(refusal[0]).verdict_sha256 if refusal else ""

    def _of_package(self, package: Package) -> str:
        """Its verdict, or what a later rule set found in it."""
        return self._catalog.latest_scan(package.id) or package.verdict_sha256
