"""What is listed and what was refused, and by what it was judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.hub_hosted import require_download
from weighbridge.bridge.access import require
from weighbridge.domain.access import Permission, Principal, can, sight_of
from weighbridge.domain.case import Case
from weighbridge.domain.evidence import Evidence, evidence_from_json
from weighbridge.domain.json_values import JsonObject, child, objects
from weighbridge.domain.listing import Listing, PackageQuery
from weighbridge.domain.package import Package, PackageState, Refusal
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.domain.sources import Origin, origin_from_json
from weighbridge.domain.verdict import Verdict
from weighbridge.errors import NoSuchPackage, NotFound
from weighbridge.flows.documents import load
from weighbridge.ports import BlobStore


class ListedPackages:
    """What may be read of packages and refusals; each method first asks whether the principal may."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, policy: Policy) -> None:
        self._catalog, self._blobs, self._policy = catalog, blobs, policy

    def packages(
        self,
        principal: Principal,
        *,
        kind: RepoKind | None = None,
        name: str | None = None,
        state: PackageState | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Sequence[Package]:
        """The catalogue, newest first. Who may only download sees only what is served."""
        require(principal, Permission.SEARCH)
        if not can(principal, Permission.UPLOAD):
            state = PackageState.ACTIVE
        return self._catalog.packages(
            kind=kind, name=name, state=state, limit=limit, after=after, sight=sight_of(principal)
        )

    def listing(self, principal: Principal, query: PackageQuery) -> Listing:
        """A page of what is listed. Who may only download sees only what is served.

        Raises:
            BadInput: ``after`` is no package.
        """
        require(principal, Permission.SEARCH)
        if not can(principal, Permission.UPLOAD):
            query = replace(query, state=PackageState.ACTIVE)
        return self._catalog.listing(query, sight_of(principal))

    def package(self, principal: Principal, id: str) -> Package:
        """One package.

        Raises:
            NoSuchPackage: there is none, or this principal may not see it.
        """
        require(principal, Permission.SEARCH)
        package = self._catalog.package(id)
        if package.state is not PackageState.ACTIVE and not can(principal, Permission.UPLOAD):
            raise NoSuchPackage(id)
        if self._hidden(principal, package.manifest.repo):
            raise NoSuchPackage(id)
        return package

    def verdict(self, principal: Principal, id: str) -> Verdict:
        """The judgement of a package, with its reasons."""
        return Verdict.from_json(load(self._blobs, self.package(principal, id).verdict_sha256))

    def evidence(self, principal: Principal, id: str) -> JsonObject:
        """All that the judgement looked at, the small text files among it: asks for ``download`` too.

        What the Hub says of a private base model or data set is for those who may upload: they could
        ingest it.

        Raises:
            Gated: its repository is gated, and this principal was not let in.
        """
        require(principal, Permission.DOWNLOAD)
        package = self.package(principal, id)
        self.require_open(principal, package.manifest.repo)
        document = load(self._blobs, package.evidence_sha256)
        if can(principal, Permission.UPLOAD):
            return document
        relatives = ("parents", "ancestors", "data_sets")
        return {
            **document,
            **{kind: _without_private(objects(document, kind)) for kind in relatives if kind in document},
        }

    def case(self, principal: Principal, id: str) -> Case:
        """All that a package was judged by, from which the same verdict follows; asks for ``upload``."""
        require(principal, Permission.UPLOAD)
        package = self.package(principal, id)
        self.require_open(principal, package.manifest.repo)
        return self._case(package.evidence_sha256, package.verdict_sha256, package.created_at)

    def case_of_refusal(self, principal: Principal, id: str) -> Case:
        """The same of a refusal."""
        refusal, _ = self.refusal(principal, id)
        self.require_open(principal, refusal.ref.repo)
        return self._case(refusal.evidence_sha256, refusal.verdict_sha256, refusal.created_at)

    def named(self, principal: Principal, repo: RepoId, version: str) -> Package:
        """The package with a name and a version.

        Raises:
            NoSuchPackage: there is none, or this principal may not see it.
        """
        found = (p for p in self._catalog.packages_of(repo) if p.version.text == version)
        package = next(found, None)
        if package is None:
            raise NoSuchPackage(f"{repo.spelled}@{version}")
        return self.package(principal, package.id)

    def policy(self, principal: Principal) -> Policy:
        """What the gate asks for here; what it says of single models is for those who may upload."""
        require(principal, Permission.SEARCH)
        return self._policy if can(principal, Permission.UPLOAD) else replace(self._policy, overrides=())

    def whole_evidence(self, principal: Principal, id: str) -> Evidence:
        """The evidence as the judgement saw it, for papers that tell little of private base models."""
        require(principal, Permission.DOWNLOAD)
        return evidence_from_json(load(self._blobs, self.package(principal, id).evidence_sha256))

    def origin(self, principal: Principal, id: str) -> Origin | None:
        """The registry whose bundle brought a package; None where this one took it in itself."""
        document = load(self._blobs, self.package(principal, id).evidence_sha256)
        return origin_from_json(child(document, "origin"))

    def refusals(
        self,
        principal: Principal,
        repo: RepoId | None = None,
        *,
        limit: int = 100,
        after: str | None = None,
    ) -> Sequence[Refusal]:
        """What the gate did not admit, or of ``repo`` only, newest first."""
        require(principal, Permission.UPLOAD)
        return self._catalog.refusals(limit, after, sight_of(principal), repo)

    def refusal(self, principal: Principal, id: str) -> tuple[Refusal, Verdict]:
        """One refusal and its judgement."""
        require(principal, Permission.UPLOAD)
        refusal = self._catalog.refusal(id)
        if self._hidden(principal, refusal.ref.repo):
            raise NotFound(f"refusal '{id}' not found")
        return refusal, Verdict.from_json(load(self._blobs, refusal.verdict_sha256))

    def require_open(self, principal: Principal, repo: RepoId) -> None:
        """Let those pass who may have the files of a repository, whatever they are packed in.

        Raises:
            Gated, NotPermitted: it is hosted here, and its files are not for this principal.
        """
        held = self._catalog.holder(repo)
        if held is not None:
            require_download(self._catalog, principal, held)

    def _hidden(self, principal: Principal, repo: RepoId) -> bool:
        return self._catalog.is_hidden_from(repo, sight_of(principal))

    def _case(self, evidence_sha256: str, verdict_sha256: str, at: datetime) -> Case:
        verdict = Verdict.from_json(load(self._blobs, verdict_sha256))
        return Case(
            evidence=evidence_from_json(load(self._blobs, evidence_sha256)),
            scan=verdict.scan,
            policy=verdict.policy,
            as_of=at.date(),
        )


def _without_private(relatives: Sequence[JsonObject]) -> list[JsonObject]:
    return [
        {**each, "info": None, "card": "", "files": []} if child(each, "info").get("private") else each
        for each in relatives
    ]
