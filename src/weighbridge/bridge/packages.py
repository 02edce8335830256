"""The registry's verbs: take in, weigh, scan; and by ``listed_packages`` list and tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.access import require
from weighbridge.bridge.failures import failure_of
from weighbridge.bridge.jobs import Jobs
from weighbridge.bridge.listed_packages import ListedPackages
from weighbridge.domain.access import Permission, Principal, can
from weighbridge.domain.evidence import Evidence
from weighbridge.domain.exceptions import in_force
from weighbridge.domain.job import Job, JobState
from weighbridge.domain.listing import Versions, versions_of
from weighbridge.domain.package import (
    IngestRequest,
    Package,
    PackageState,
    Version,
    default_version,
)
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.scan import ScanReport
from weighbridge.domain.verdict import Verdict
from weighbridge.errors import BadInput, BadName, Conflict, NoSuchPackage, NoSuchRepo, Rejected
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


class Packages(ListedPackages):
    """What is listed, and how models come to be; each method first asks whether the principal may."""

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
        super().__init__(catalog, blobs, policy)
        self._jobs, self._tools, self._now = jobs, tools, now

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
