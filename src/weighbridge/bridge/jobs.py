"""The verbs of jobs: ask for one, wait for it, look at it, cancel it, try it again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.access import require
from weighbridge.bridge.keeper import Keeper, Lives
from weighbridge.bridge.work import Work
from weighbridge.domain.access import AuditLine, Permission, Principal, can, sight_of
from weighbridge.domain.job import Job, JobEvent, JobState
from weighbridge.domain.json_values import digest_of
from weighbridge.domain.package import IngestRequest
from weighbridge.errors import NotFound, NotPermitted, StoreDown
from weighbridge.flows.ingest_state import State
from weighbridge.ports import Engine, Reporter

log = logging.getLogger(__name__)
INGEST_VERB = "ingest"
_AGAIN_S = 5.0
_LOOKS_S = 0.1, 1.0
"""How soon whoever waits looks again, first and at most."""


class Jobs:
    """Jobs of one registry. The catalogue knows what there is to do; the engine has it done."""

    def __init__(
        self, catalog: Catalog, engine: Engine, work: Work, lives: Lives, now: Callable[[], datetime]
    ) -> None:
        self._catalog, self._engine, self._work, self._now = catalog, engine, work, now
        self._lives, self.has_begun = lives, False
        self._keeper: Keeper | None = None
        self._cannot_begin = False

    @property
    def worker(self) -> str:
        """By what name this process works."""
        return self._engine.worker

    def is_dead(self, worker: str) -> bool:
        """Whether nobody is this worker any more."""
        return self._lives.is_dead(worker)

    @property
    def trouble(self) -> str:
        """Why this process works on no job although it is to; empty where nothing is wrong."""
        if self._cannot_begin:
            return "the engine of jobs cannot be used"
        if self._keeper is not None and self._keeper.is_down:
            return "the engine of jobs does not answer"
        return ""

    def living_workers(self) -> int:
        """How many processes work on jobs, this one too if it does.

        Raises:
            StoreDown: the database does not answer.
        """
        return self._lives.living()

    def begin(self, *, keep: bool) -> None:
        """Let this process work on jobs; with ``keep`` also on those that others asked for or died over.

        Raises:
            StoreDown: the engine's database, or a lock, cannot be used.
        """
        self._lives.begin(self._engine.worker)
        self._engine.start(self._work.perform)
        if keep:
            self._keeper = Keeper(self._catalog, self._engine, self._lives, self._work.give_back, self._now)
            self._keeper.start()
        self.has_begun, self._cannot_begin = True, False

    def begin_soon(self) -> None:
        """``begin`` in a thread, for a server that need not wait for it; again until it works."""

        def begin() -> None:
            while True:
                try:
                    self.begin(keep=True)
                except StoreDown as error:
                    self._cannot_begin = True
                    log.warning("no job is worked on: %s", error.message)
                    time.sleep(_AGAIN_S)
                except Exception:  # it must go on: else this server never works on a job
                    self._cannot_begin = True
                    log.exception("no job is worked on")
                    time.sleep(_AGAIN_S)
                else:
                    return

        threading.Thread(target=begin, name="jobs", daemon=True).start()

    def ask(self, state: State, *, patient: bool, key: str = "", reporter: Reporter | None = None) -> Job:
        """Ask for an ingestion whose commit is known. Who asks for the same while it runs gets that job.

        ``patient`` work is begun again where something outside is down. ``key`` is an idempotency key:
        the same one gives the same job, however it ended.

        Raises:
            BadInput: something else was asked for with the key.
        """
        request = state.request
        asked = {**request.to_json(), "revision": state.commit, "policy": state.policy.sha256}
        wish_key = digest_of({**asked, "name": request.ref.repo.full_name.lower()})
        job = Job(
            id=state.id,
            verb=INGEST_VERB,
            repo=request.ref.repo,
            revision=request.ref.revision,
            commit=state.commit,
            wish=state.to_json(),
            wish_key=wish_key,
            by=state.by,
            created_at=state.at,
            patient=patient,
        )
        kept = self._catalog.add_job(
            job, key_sha256=_key(state.by, key), asked_sha256=digest_of(request.to_json())
        )
        if reporter is not None and kept.id == job.id:
            self._work.tell(job.id, reporter)
        self._engine.submit(kept.id)
        return self._catalog.job(kept.id)

    def of_key(self, principal: Principal, request: IngestRequest, key: str) -> Job | None:
        """The job that was asked for with an idempotency key before, if any.

        Raises:
            BadInput: something else was asked for with it.
        """
        return self._catalog.job_of_key(_key(principal.name, key), digest_of(request.to_json()))

    def wait(self, id: str) -> Job:
        """The job when it is over. Whoever works on it may be another process."""
        pause = _LOOKS_S[0]
        while True:
            job = self._catalog.job(id)
            if job.state.is_over:
                return job
            with self._work.somebody_ended:
                self._work.somebody_ended.wait(pause)
            pause = min(pause * 1.5, _LOOKS_S[1])
            if pause == _LOOKS_S[1]:
                self._engine.submit(id)  # nothing, unless its worker died or its turn has come

    def job(self, principal: Principal, id: str) -> Job:
        """One job; asks for ``upload``.

        Raises:
            NotFound: there is none, or it is of a repository that this principal may not see.
        """
        require(principal, Permission.UPLOAD)
        job = self._catalog.job(id)
        if self._catalog.is_hidden_from(job.repo, sight_of(principal)):
            raise NotFound(f"job '{id}' not found")
        return job

    def events(self, principal: Principal, id: str, after: int = 0) -> Sequence[JobEvent]:
        """What happened to a job behind event number ``after``."""
        self.job(principal, id)
        return self._catalog.job_events(id, after)

    def jobs(
        self,
        principal: Principal,
        *,
        states: Sequence[JobState] = (),
        limit: int = 100,
        after: str | None = None,
    ) -> Sequence[Job]:
        """Jobs, newest first; asks for ``upload``."""
        require(principal, Permission.UPLOAD)
        return self._catalog.jobs(states=states, limit=limit, after=after, sight=sight_of(principal))

    def cancel(self, principal: Principal, id: str) -> Job:
        """Have a job of one's own ended; an admin anybody's. What was fetched stays for the next try.

        Raises:
            Conflict: it is over.
        """
        job = self._own(principal, id)
        return self._catalog.cancel_job(id, self._now(), self._line(principal, "cancel", job))

    def retry(self, principal: Principal, id: str) -> Job:
        """Have a job that ended without a verdict tried again.

        Raises:
            Conflict: it is active, or has a verdict.
        """
        job = self._own(principal, id)
        again = self._catalog.retry_job(id, self._now(), self._line(principal, "retry", job))
        self._engine.submit(id)
        return again

    def close(self) -> None:
        """Take no more jobs, and give back what this process works on: the next one goes on with it."""
        if self._keeper is not None:
            self._keeper.close()
        self._work.close()
        with suppress(StoreDown):
            self._work.give_back()
            self._engine.close()
            self._lives.end(self._engine.worker)

    def _own(self, principal: Principal, id: str) -> Job:
        job = self.job(principal, id)
        if job.by != principal.name and not can(principal, Permission.ADMIN):
            raise NotPermitted("this job is somebody else's", hint="ask its owner, or an admin")
        return job

    def _line(self, principal: Principal, verb: str, job: Job) -> AuditLine:
        target = f"{job.repo.full_name}@{job.commit}"
        return AuditLine(at=self._now(), by=principal.name, verb=f"{verb} job", target=target, detail=job.id)


def _key(by: str, key: str) -> str:
    return sha256(f"{by}\0{key}".encode()).hexdigest() if key else ""
