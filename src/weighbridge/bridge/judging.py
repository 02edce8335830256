"""Pushed commits go through the same ingest flow as everything else, in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import uuid4

from weighbridge.adapters.catalog import Catalog
from weighbridge.adapters.hub_either import EitherHub
from weighbridge.adapters.hub_hosted import HostedHub
from weighbridge.bridge.later import Later
from weighbridge.bridge.registry import SeenRegistry
from weighbridge.domain.access import LOCAL, AuditLine, Permission, Principal, Role, Sight, sight_of
from weighbridge.domain.hosted import Repository, is_bare
from weighbridge.domain.package import IngestRequest, Package, Refusal, Version
from weighbridge.domain.policy import Policy, Waiver
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.resemblance import Fingerprint
from weighbridge.domain.verdict import Outcome
from weighbridge.errors import Conflict, Rejected, Unreachable, WeighbridgeError
from weighbridge.flows.ingest import INGEST
from weighbridge.flows.ingest_state import State, Tools
from weighbridge.flows.weighing import Scales
from weighbridge.metrics.licence_terms import licence_terms

log = logging.getLogger(__name__)
_AT_ONCE = 2
_NONE = Scales(metrics={}, reports={}, terms=licence_terms)
"""Data sets and spaces that are pushed here are scanned and not scored."""
_OWNER = frozenset({Permission.SEARCH, Permission.DOWNLOAD, Permission.UPLOAD})


class Judging:
    """Judges heads of branches and tagged commits, one at a time for each repository.

    What fails for a reason outside (the upstream is down, a source could not be read) is judged
    again ``later``, and at the next start. A commit that another one has followed before its turn
    came is not judged: nobody is shown it. ``tools`` are those of the registry; their Hub is the
    upstream, for parents that are not hosted.
    """

    def __init__(
        self,
        catalog: Catalog,
        hub: HostedHub,
        tools: Tools,
        *,
        policy: Policy,
        now: Callable[[], datetime],
        later: Later,
    ) -> None:
        self._catalog, self._hub, self._tools = catalog, hub, tools
        self._policy, self._now = policy, now
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="judge")
        self._turns: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._later = later

    def submit(self, repository: Repository, commit: str) -> None:
        """Judge a commit when its turn comes; one that is judged already stays as it is."""
        try:
            self._pool.submit(self._in_turn, repository, commit).add_done_callback(_tell)
        except RuntimeError:  # the bridge is closing; the next start finds the commit
            log.info("%s@%s is judged at the next start", repository.id, commit)

    def resume(self) -> None:
        """Judge what was pushed and lost its judgement in a kill."""
        for repository, commit in self._catalog.unjudged():
            self.submit(repository, commit)

    def close(self) -> None:
        """Let the running judgements end, and drop those that wait: ``resume`` finds them."""
        self._closing.set()
        self._later.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _in_turn(self, repository: Repository, commit: str) -> None:
        with self._guard:
            turn = self._turns.setdefault(repository.key, threading.Lock())
        with turn:
            if not self._closing.is_set():
                self._judge(repository, commit)

    def _judge(self, repository: Repository, commit: str) -> None:
        refs = self._catalog.hosted_refs(repository.key)
        wanted = commit in {*refs.branches.values(), *refs.tags.values()}
        revision = self._catalog.revision(repository, commit) if wanted else None
        if revision is None or self._is_judged(repository, commit) or is_bare(revision.manifest):
            return
        at = self._now()
        state = State(
            id=str(uuid4()),
            request=IngestRequest(
                ref=ModelRef(repo=repository.id, revision=commit), description=revision.commit.title
            ),
            policy=self._policy.for_repo(repository.id, at.date()),
            by=revision.commit.authors[0],
            at=at,
        )
        tools = self._tools_for(repository)
        try:
            for _, step in INGEST:
                state = step(tools, state)
        except Rejected as refused:
            log.info("%s@%s: %s", repository.id, commit[:12], refused.message)
            if refused.verdict.outcome is Outcome.INDETERMINATE:
                self._again(repository, commit)
                return
        except Unreachable as error:
            pause = self._again(repository, commit, getattr(error, "retry_after_s", None) or 0.0)
            told = "%s@%s could not be judged, and is tried again in %d s: %s"
            log.warning(told, repository.id, commit[:12], pause, error.message)
            return
        except WeighbridgeError as error:
            # It stays without a verdict, so that nobody is shown it; the next start tries again.
            log.warning("%s@%s could not be judged: %s", repository.id, commit[:12], error.message)
        self._later.done(f"{repository.key} {commit}")

    def _again(self, repository: Repository, commit: str, at_least_s: float = 0.0) -> float:
        call = partial(self.submit, repository, commit)
        return self._later.again(f"{repository.key} {commit}", call, at_least_s)

    def _eyes(self, repository: Repository) -> Principal:
        """Who sees what all who see the repository see: evidence must not quote other private cards."""
        namespace = repository.id.namespace.lower()
        if not self._catalog.is_organization(namespace):
            return Principal(name=namespace, permissions=_OWNER)
        groups = frozenset({(repository.group, Role.WRITE)} if repository.group else ())
        return Principal(
            name=LOCAL.name,
            permissions=_OWNER,
            roles=frozenset({(namespace, Role.WRITE)}),
            groups=groups,
        )

    def _is_hosted(self, repo: RepoId) -> bool:
        return self._catalog.hosted(repo) is not None

    def _is_judged(self, repository: Repository, commit: str) -> bool:
        if commit in self._catalog.admissions(repository.key):
            return True
        return self._catalog.is_refused(repository.key, commit)

    def _tools_for(self, repository: Repository) -> Tools:
        hub = EitherHub(self._is_hosted, self._hub.seen_by(self._eyes(repository)), self._tools.hub)
        scales = self._tools.scales if repository.id.kind is RepoKind.MODEL else _NONE
        ledger, registry = _HostedLedger(self._catalog), SeenRegistry(self._catalog, self._sight(repository))
        return replace(self._tools, hub=hub, ledger=ledger, registry=registry, scales=scales)

    def _sight(self, repository: Repository) -> Sight:
        """Whose names the evidence may tell: of a public repository everybody reads it."""
        return sight_of(self._eyes(repository)) if repository.private else Sight()


class _HostedLedger:
    """The catalogue for commits of our own repositories: implements ``flows.ingest.Ledger``."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

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
        """See ``Ledger.add``; a commit whose repository was deleted meanwhile is not listed."""
        self._catalog.add(package, waivers, audit, prints=prints, hosted=True)

    def add_refusal(self, refusal: Refusal, audit: AuditLine) -> None:
        """See ``Ledger.add_refusal``.

        Raises:
            Conflict: the repository was deleted meanwhile.
        """
        there = self._catalog.hosted(refusal.ref.repo)
        if there is None:
            raise Conflict(f"'{refusal.ref.repo}' was deleted")
        known = self._catalog.refusal_of(there.key, refusal.commit)
        if known is not None and known[1] == refusal.sentence:
            return  # the same was said when it was tried before
        self._catalog.add_refusal(refusal, audit)


def _tell(future: Future[None]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        log.error("a judgement failed: %r", error, exc_info=error)
