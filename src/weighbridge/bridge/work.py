"""How a job is done: the steps of its flow, each kept once, with its progress in the catalogue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

from weighbridge.adapters.catalog import Catalog
from weighbridge.bridge.failures import failure_document
from weighbridge.context import JOB
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.job import MOST_TRIES, Job, JobState, pause_s
from weighbridge.domain.json_values import JsonObject, child, number, text
from weighbridge.domain.verdict import Verdict
from weighbridge.errors import Rejected, StoreDown, Unreachable, WeighbridgeError
from weighbridge.flows.documents import load
from weighbridge.flows.ingest import Step
from weighbridge.flows.ingest_state import State, Tools
from weighbridge.ports import Checkpoint, Reporter

log = logging.getLogger(__name__)
_WRITTEN_EVERY_S = 0.5


class _Stop(BaseException):
    """The job is another worker's now, or cancelled. Not an Exception: no step may take it for a failure."""


class Work:
    """What an engine calls for each job: takes it, walks its steps, and writes how it ended.

    ``is_dead`` says of a worker whether nobody is it any more. ``timed`` is told how many seconds a
    step took, and as ``job`` a whole try. ``pack`` is called for what was listed, before its job is
    over; it may be called again and never fails a job, which cannot be cancelled any more by then.
    """

    def __init__(
        self,
        catalog: Catalog,
        tools: Tools,
        steps: Sequence[tuple[str, Step]],
        worker: str,
        is_dead: Callable[[str], bool],
        now: Callable[[], datetime],
        timed: Callable[[str, float], None] = lambda step, seconds: None,
        pack: Callable[[str], None] | None = None,
    ) -> None:
        self._catalog, self._tools, self._steps = catalog, tools, steps
        self._worker, self._is_dead, self._now = worker, is_dead, now
        self._timed, self._pack = timed, pack
        self._told: dict[str, Reporter] = {}
        self._at_work = list[str]()
        self._closing = threading.Event()
        self.somebody_ended = threading.Condition()

    def tell(self, job: str, reporter: Reporter) -> None:
        """Let somebody in this process hear of a job's progress too."""
        self._told[job] = reporter

    def close(self) -> None:
        """Stop at the next occasion what is being worked on; it goes on where it was."""
        self._closing.set()

    def give_back(self) -> None:
        """Let whoever comes next go on with what is this worker's and what nobody works on any more.

        That is what a database left behind that went away in the middle; when this worker closes, all.
        """
        at = self._now()
        for job in self._catalog.running_jobs():
            # A job is noted before it is taken, so whatever runs here is found in the list by now.
            if job.worker == self._worker and (self._closing.is_set() or job.id not in self._at_work):
                self._catalog.give_back_job(job.id, self._worker, at=at, due_at=at, error=None)

    def perform(self, id: str, checkpoint: Checkpoint) -> None:
        """Do a job, or find that there is nothing to do."""
        self._at_work.append(id)
        try:
            job = self._catalog.take_job(id, self._worker, self._now(), self._is_dead)
            if job is not None:
                self._do(job, checkpoint)
        finally:
            self._at_work.remove(id)
            with self.somebody_ended:
                self.somebody_ended.notify_all()

    def _do(self, job: Job, checkpoint: Checkpoint) -> None:
        token, began = JOB.set(job.id), monotonic()
        try:
            self._walk(job, checkpoint)
            self._timed("job", monotonic() - began)
        except _Stop:
            if not self._closing.is_set():
                self._over(job, JobState.CANCELLED)
        except KeyboardInterrupt:
            self._over(job, JobState.CANCELLED)
            raise
        finally:
            JOB.reset(token)
            self._told.pop(job.id, None)

    def _walk(self, job: Job, checkpoint: Checkpoint) -> None:
        progress = _Progress(self._catalog, job.id, self._worker, self._closing, self._told.get(job.id))
        tools = replace(self._tools, reporter=progress)
        state = job.wish
        for name, step in self._steps:
            if self._closing.is_set():
                raise _Stop
            if not self._catalog.job_moved(job.id, self._worker, step=name, at=self._now()):
                raise _Stop
            answer = checkpoint(name, _guarded(step, tools, state, partial(self._timed, name)))
            if "state" not in answer:
                self._ended(job, answer)
                return
            before, state = text(state, "verdict_sha256"), child(answer, "state")
            if (verdict := text(state, "verdict_sha256")) and not before:
                self._tell_scores(job, verdict)
        if self._pack is not None:
            self._catalog.job_moved(job.id, self._worker, step="zip", at=self._now())
            self._pack(job.id)
        self._over(job, JobState.DONE)

    def _ended(self, job: Job, answer: JsonObject) -> None:
        if "refused" in answer:
            self._tell_scores(job, self._catalog.refusal(job.id).verdict_sha256)
            self._over(job, JobState.REFUSED)
            return
        failure = child(answer, "failure")
        if "unforeseen" in answer:
            self._over(job, JobState.PARKED, failure)
        elif "outside" in answer and job.patient and job.tries < MOST_TRIES:
            told = number(child(failure, "fields"), "retry_after_s")
            at = self._now()
            due_at = at + timedelta(seconds=pause_s(job.tries, told))
            if self._catalog.give_back_job(job.id, self._worker, at=at, due_at=due_at, error=failure):
                _log_end(job, "waits", failure)
        else:
            self._over(job, JobState.FAILED, failure)

    def _over(self, job: Job, state: JobState, failure: JsonObject | None = None) -> None:
        if self._catalog.end_job(job.id, self._worker, state, self._now(), failure):
            _log_end(job, state.value, failure)

    def _tell_scores(self, job: Job, verdict_sha256: str) -> None:
        """One event for each metric, for whoever follows the job."""
        verdict = Verdict.from_json(load(self._tools.blobs, verdict_sha256))
        failed = {failure.metric for failure in verdict.failures if failure.is_certain}
        for score in verdict.scores:
            told: JsonObject = {
                "metric": score.metric,
                "low": score.low,
                "high": score.high,
                "threshold": verdict.policy.threshold(score.metric),
                "failed": score.metric in failed,
            }
            self._catalog.job_told(job.id, self._worker, self._now(), "metric", told)


def _log_end(job: Job, how: str, failure: JsonObject | None) -> None:
    why = f": {text(failure, 'message')}" if failure else ""
    said = {"state": how, "repo": f"{job.repo.full_name}@{job.revision}", "tries": job.tries}
    log.info("a job of %s: %s%s", said["repo"], how, why, extra={"fields": said})


def _guarded(
    step: Step, tools: Tools, state: JsonObject, timed: Callable[[float], None]
) -> Callable[[], JsonObject]:
    """A step whose every end is a document, so that an engine can keep it."""

    def work() -> JsonObject:
        began = monotonic()
        try:
            return {"state": step(tools, State.from_json(state)).to_json()}
        except Rejected:
            return {"refused": True}
        except Unreachable as error:
            return {"failure": failure_document(error), "outside": True}
        except (WeighbridgeError, Invalid) as error:
            return {"failure": failure_document(error)}
        except Exception as error:
            log.exception("a step failed as nobody foresaw")
            told = {"code": "internal", "message": f"{type(error).__name__}; the log says more", "hint": ""}
            return {"failure": {**told, "fields": {}}, "unforeseen": True}
        finally:
            timed(monotonic() - began)

    return work


class _Progress:
    """Writes to the job how many bytes have come, at most twice a second; tells a second reporter too."""

    def __init__(
        self, catalog: Catalog, job: str, worker: str, closing: threading.Event, also: Reporter | None
    ) -> None:
        self._catalog, self._job, self._worker = catalog, job, worker
        self._closing, self._also = closing, also
        self._guard = threading.Lock()
        self._done, self._total, self._written = 0, 0, 0.0

    def begin(self, title: str, total_bytes: int) -> None:
        """See ``Reporter.begin``; what further stretches fetch is added."""
        if self._also is not None:
            self._also.begin(title, total_bytes)
        with self._guard:
            self._total += total_bytes
            self._write()

    def moved(self, count: int) -> None:
        """See ``Reporter.moved``."""
        if self._also is not None:
            self._also.moved(count)
        with self._guard:
            self._done += count
            if monotonic() - self._written >= _WRITTEN_EVERY_S:
                self._write()

    def waiting(self, why: str) -> None:
        """See ``Reporter.waiting``."""
        if self._also is not None:
            self._also.waiting(why)

    def end(self) -> None:
        """See ``Reporter.end``."""
        if self._also is not None:
            self._also.end()
        with self._guard:
            self._write()

    def _write(self) -> None:
        self._written = monotonic()
        if self._closing.is_set():
            raise _Stop
        with suppress(StoreDown):  # progress is not worth a failure; the next step meets it
            if not self._catalog.job_moved(
                self._job, self._worker, done_bytes=self._done, total_bytes=self._total
            ):
                raise _Stop
