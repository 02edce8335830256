"""The registry's verbs: take in, list, show, refuse, tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.hub_hosted import require_download
from weighbridge.bridge.access import require
from weighbridge.bridge.failures import failure_of
from weighbridge.bridge.jobs import Jobs
from weighbridge.domain.access import Permission, Principal, can, sight_of
from weighbridge.domain.case import Case
from weighbridge.domain.evidence import Evidence, evidence_from_json
from weighbridge.domain.exceptions import in_force
from weighbridge.domain.job import Job, JobState
from weighbridge.domain.json_values import JsonObject, child, objects
from weighbridge.domain.listing import Listing, PackageQuery, Versions, versions_of
from weighbridge.domain.package import (
    IngestRequest,
    Package,
    PackageState,
    Refusal,
    Version,
    default_version,
)
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.sources import Origin, origin_from_json
from weighbridge.domain.verdict import Verdict
from weighbridge.errors import BadInput, BadName, Conflict, NoSuchPackage, NoSuchRepo, NotFound, Rejected
from weighbridge.flows.documents import load
from weighbridge.flows.ensure import resolve_manifest
from weighbridge.flows.fetching import fetch
from weighbridge.flows.ingest import next_version, weigh_only
from weighbridge.flows.ingest_state import State, Tools
from weighbridge.ports import BlobStore, Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A package and the verdict that let it in; ``fetched_bytes`` came from the upstream for it."""

    package: Package
    verdict: Verdict
    fetched_bytes: int

    @property
    def saved_bytes(self) -> int:
        """What was held already, of this model's other commits or of others."""
        return max(0, self.package.size_bytes - self.fetched_bytes)


class Packages:
    """One method per verb; each first asks whether the principal may."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        blobs: BlobStore,
        jobs: Jobs,
        tools: Tools,
        policy: Policy,
        now: Callable[[], datetime],
    ) -> None:
        self._catalog, self._blobs, self._jobs = catalog, blobs, jobs
        self._tools, self._policy, self._now = tools, policy, now

    def ingest(
        self,
        principal: Principal,
        request: IngestRequest,
        reporter: Reporter | None = None,
        *,
        key: str = "",
    ) -> Admission:
        """Fetch, weigh and list a model or a data set, and wait for it.

        Raises:
            Rejected: the gate refused, or could not tell; the refusal is kept.
            Conflict: somebody cancelled it.
            PackageExists, NotFound, Denied, Unreachable, IntegrityError: as the flow meets them.
            What ``ask`` raises.
        """
        job = self.ask(principal, request, reporter, patient=False, key=key)
        return self.awaited(job)

    def ask(
        self,
        principal: Principal,
        request: IngestRequest,
        reporter: Reporter | None = None,
        *,
        patient: bool = True,
        key: str = "",
    ) -> Job:
        """Have a model or a data set fetched, weighed and listed; what its revision means is settled now.

        ``patient`` work is tried again where something outside is down. The same ``key`` (an
        idempotency key) gives the same job.

        Raises:
            BadInput: the repository is a space; something else was asked for with the key.
            NotAuthenticated, NotPermitted: without ``upload``; waivers and lowered thresholds
                ask for ``admin``, for a gate that everybody may open is none.
            PackageExists: the version or the commit is listed already.
            Conflict: the repository is hosted here.
            NotFound, Denied, Unreachable: as the upstream says.
        """
        state = self._begun(principal, request)
        if key and (known := self._jobs.of_key(principal, request, key)):
            return known
        if request.version is not None:
            self._catalog.require_free(request.ref.repo, "", request.version)
        commit = self._tools.hub.info(request.ref).commit
        self._catalog.require_free(request.ref.repo, commit, request.version)
        return self._jobs.ask(replace(state, commit=commit), patient=patient, key=key, reporter=reporter)

    def awaited(self, job: Job) -> Admission:
        """What came of a job, when it is over. Raises what ``outcome`` raises."""
        return self.outcome(self._jobs.wait(job.id))

    def outcome(self, job: Job) -> Admission:
        """What came of a job that is over.

        Raises:
            Rejected, Conflict, or the error that the job ended with.
        """
        if job.state is JobState.DONE:
            package = self._catalog.package(job.id)
            verdict = Verdict.from_json(load(self._blobs, package.verdict_sha256))
            return Admission(package=package, verdict=verdict, fetched_bytes=job.done_bytes)
        if job.state is JobState.REFUSED:
            refusal = self._catalog.refusal(job.id)
            verdict = Verdict.from_json(load(self._blobs, refusal.verdict_sha256))
            raise Rejected(verdict, refusal_id=refusal.id)
        if job.error is not None:
            raise failure_of(job.error)
        raise Conflict(f"job '{job.id}' was cancelled", hint="'weighbridge job retry' begins it again")

    def _begun(self, principal: Principal, request: IngestRequest) -> State:
        """What an ingestion begins with, if this principal may ask for it."""
        require(principal, Permission.UPLOAD)
        if request.ref.repo.kind is RepoKind.SPACE:
            raise BadInput(
                f"'{request.ref.repo}' was called a space, and spaces are not weighed",
                hint="a model or a dataset is",
            )
        if RepoId.read(request.ref.repo.spelled) != request.ref.repo:
            raise BadName(
                f"'{request.ref.repo}' is no name of a model: everywhere else it means another repository",
                hint=f"ask for '{request.ref.repo.name}' with its kind",
            )
        if self._hidden(principal, request.ref.repo):
            # asked for like any other, so that an upstream that is down tells nothing about it
            self._tools.hub.info(request.ref)
            raise NoSuchRepo(request.ref.repo.full_name)
        if self._catalog.hosted(request.ref.repo) is not None:
            raise Conflict(
                f"'{request.ref.repo}' is hosted here: what is pushed to it is weighed by itself",
                hint="a repository is mirrored or hosted here, never both",
            )
        repo = request.ref.repo
        waivers = tuple(replace(w, repo=repo.full_name, author=principal.name) for w in request.waivers)
        at = self._now()
        policy = self._policy.for_repo(repo, at.date())
        if waivers or any(value < policy.threshold(name) for name, value in request.thresholds.items()):
            hint = "a waiver, or a threshold below the registry's own, asks for it; stricter ones do not"
            require(principal, Permission.ADMIN, hint)
        if over := [waiver for waiver in waivers if not in_force(waiver, at.date())]:
            raise BadInput(
                f"the last day of the waiver of '{over[0].metric}' was {over[0].expires}",
                hint="name a later day, or none",
            )
        return State(
            id=str(uuid4()),
            request=replace(request, waivers=waivers),
            policy=policy.adjusted(request.thresholds, waivers),
            by=principal.name,
            at=at,
        )

    def score(self, principal: Principal, ref: ModelRef) -> Verdict:
        """What the gate would say of a revision of the upstream before its weights are fetched.

        Raises:
            NotFound, Denied, Unreachable, IntegrityError: as the upstream is met.
        """
        return self.weighed(principal, ref)[1]

    def weighed(self, principal: Principal, ref: ModelRef) -> tuple[Evidence, Verdict]:
        """The same with what it was judged by.

        Raises:
            NotFound, Denied, Unreachable, IntegrityError: as the upstream is met.
        """
        return weigh_only(self._tools, self._only_looking(principal, ref))

    def _only_looking(self, principal: Principal, ref: ModelRef) -> State:
        require(principal, Permission.UPLOAD)
        at = self._now()
        policy = self._policy.for_repo(ref.repo, at.date())
        return State(id="", request=IngestRequest(ref=ref), policy=policy, by=principal.name, at=at)

    def scan(self, principal: Principal, ref: ModelRef, reporter: Reporter | None = None) -> ScanReport:
        """The safety verdict of a revision of the upstream; its files are fetched, nothing is listed.

        Raises:
            NotFound, Denied, Unreachable, IntegrityError: as the upstream is met.
        """
        require(principal, Permission.UPLOAD)
        tools = self._tools
        _, manifest = resolve_manifest(ref, tools.hub, tools.shelf, self._blobs)
        whole = fetch(manifest, tools.hub, self._blobs, reporter or tools.reporter, tools.connections)
        return tools.scan_tree(
            [(e.path, self._blobs.path(e.sha256), e.sha256) for e in whole.files if e.sha256]
        )

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

    def versions(self, principal: Principal, repo: RepoId, revision: str = "") -> Versions:
        """Every version of a name, and how the next package of it would be numbered.

        ``revision`` is asked for upstream: a tag on its commit may name another number, and a commit
        that is listed already gets none; this asks for ``upload``.

        Raises:
            NoSuchPackage: the name has none, or none that this principal may see.
            NotFound, Denied, Unreachable: as the upstream says of the revision.
        """
        require(principal, Permission.UPLOAD if revision else Permission.SEARCH)
        listed = () if self._hidden(principal, repo) else self._catalog.listed_of(repo)
        if not can(principal, Permission.UPLOAD):
            listed = tuple(one for one in listed if one.state is PackageState.ACTIVE)
        if not listed:
            raise NoSuchPackage(repo.full_name)
        following: Version | None = default_version(self._catalog.versions(repo))
        if revision:
            commit = self._tools.hub.info(ModelRef(repo=repo, revision=revision)).commit
            taken = any(one.commit == commit and one.state is PackageState.ACTIVE for one in listed)
            following = None if taken else next_version(self._tools, repo, commit)
        return versions_of(listed[0].repo, listed, following)

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
