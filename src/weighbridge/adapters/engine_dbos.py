"""The durable engine: jobs are DBOS workflows, on SQLite for one machine, on PostgreSQL for many workers.

    submit(job) -> a run 'job:n' waits in the queue -> whichever worker is free performs it
                -> each step's answer is kept         -> after a kill another worker goes on behind it

DBOS (``dbos`` 3.4, docs.dbos.dev) is used for its queue and for what it keeps of steps. What there is
to do, who lives and what came of it is known to the catalogue alone: a queue that was lost costs the
work between two steps, never a job. Only one engine can be open in a process, for DBOS is a singleton.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from weighbridge.domain.json_values import JsonObject
from weighbridge.errors import StoreDown
from weighbridge.ports import Checkpoint

if TYPE_CHECKING:
    from dbos import DBOS, Serializer

_QUEUE = "weighbridge-jobs"
_FLOWS = "2026.11"
"""The version of the flows: runs begun by another one are not taken up, but begun again."""
_POLL_S = 0.2
_ALIVE = ["ENQUEUED", "PENDING", "DELAYED"]
log = logging.getLogger(__name__)


class DbosEngine:
    """``place`` is a database URL of PostgreSQL, or a file of SQLite that nobody else uses."""

    def __init__(self, place: str | Path, *, at_once: int) -> None:
        self.worker = f"{os.uname().nodename[:20]}-{os.getpid()}-{uuid4().hex[:12]}"
        self._place, self._at_once = place, at_once
        self._dbos: DBOS | None = None
        self._guard = threading.Lock()
        self._at_work = list[str]()
        self._suspects = set[str]()

    def start(self, perform: Callable[[str, Checkpoint], None]) -> None:
        """See ``Engine.start``.

        Raises:
            StoreDown: its database cannot be opened.
        """
        from dbos import DBOS

        def run(job: str) -> None:
            self._at_work.append(job)
            try:
                perform(job, _kept)
            finally:
                self._at_work.remove(job)

        self._run = DBOS.workflow(name="job", max_recovery_attempts=1_000_000)(run)
        try:
            made = DBOS(
                config={
                    "name": "weighbridge",
                    "system_database_url": _address(self._place),
                    "application_version": _FLOWS,
                    "executor_id": self.worker,
                    "serializer": _json_only(),
                    "log_level": "CRITICAL",  # what goes wrong with a job is told by us
                }
            )
            DBOS.launch()
            DBOS.register_queue(
                _QUEUE,
                worker_concurrency=self._at_once,
                polling_interval_sec=_POLL_S,
                on_conflict="always_update",
            )
        except Exception as error:
            DBOS.destroy()
            raise StoreDown(
                f"the engine of jobs cannot use its database: {type(error).__name__}",
                hint="check WEIGHBRIDGE_DATABASE_URL and that the database is running",
            ) from error
        self._dbos = made

    def submit(self, *jobs: str) -> None:
        """See ``Engine.submit``."""
        from dbos import DBOS, SetWorkflowID

        with self._guard, _translated():
            if self._dbos is None or not jobs:
                return
            prefixes = [f"{job}:" for job in jobs]
            begun = Counter[str]()
            active = set[str]()
            for run in DBOS.list_workflows(workflow_id_prefix=prefixes, load_input=False, load_output=False):
                job = run.workflow_id.rpartition(":")[0]
                begun[job] += 1
                if run.status in _ALIVE:
                    active.add(job)
            for job in jobs:
                if job not in active:
                    with SetWorkflowID(f"{job}:{begun[job]}"):
                        DBOS.enqueue_workflow(_QUEUE, self._run, job)

    def recover(self, is_dead: Callable[[str], bool]) -> None:
        """See ``Engine.recover``."""
        from dbos import DBOS

        with self._guard, _translated():
            if self._dbos is None:
                return
            runs = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
            self._drop_lost({run.workflow_id for run in runs if run.executor_id == self.worker})
            workers = {run.executor_id for run in runs if run.executor_id}
            dead = [worker for worker in workers if worker != self.worker and is_dead(worker)]
            if dead:
                # Private: the public resume_workflow forgets the queue. So dbos is capped below 3.5,
                # and the kill tests hold this.
                self._dbos._recover_pending_workflows(dead)

    def _drop_lost(self, mine: set[str]) -> None:
        """End runs of this worker that nobody works on: DBOS could not write that they had ended.

        What it could not write, on a full disk for one, it leaves as if it ran, for as long as this
        process lives. A run that is only about to begin is not found twice.
        """
        from dbos import DBOS

        idle = {run for run in mine if run.rpartition(":")[0] not in self._at_work}
        for run in idle & self._suspects:
            DBOS.cancel_workflow(run)
        self._suspects = idle

    def close(self) -> None:
        """See ``Engine.close``."""
        from dbos import DBOS

        with self._guard:
            if self._dbos is not None:
                self._dbos = None
                DBOS.destroy(workflow_completion_timeout_sec=0)


@contextmanager
def _translated() -> Iterator[None]:
    from dbos._error import DBOSException  # public nowhere
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, DBOSException, OSError) as error:
        raise StoreDown(f"the engine of jobs cannot use its database: {type(error).__name__}") from error


def _kept(name: str, work: Callable[[], JsonObject]) -> JsonObject:
    from dbos import DBOS

    return DBOS.run_step({"name": name}, work)


def _address(place: str | Path) -> str:
    if isinstance(place, str):
        return place.replace("postgresql://", "postgresql+psycopg://", 1)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(place, os.O_RDWR | os.O_CREAT, 0o600))
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA journal_mode=WAL").close()  # DBOS does not set it, and it stays
    return f"sqlite:///{place}"


def _json_only() -> Serializer:
    """DBOS would pickle what it keeps; whoever can write its database could then run code here."""
    from dbos import Serializer

    class Json(Serializer):
        def serialize(self, data: object) -> str:
            return json.dumps(data, default=repr)

        def deserialize(cls, serialized_data: str) -> object:
            return json.loads(serialized_data)

        def name(self) -> str:
            return "weighbridge_json"

    return Json()
