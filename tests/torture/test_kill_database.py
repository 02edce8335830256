"""PostgreSQL is killed at a random moment of an ingestion, and started again: one end, and clear answers.

One point in the ordinary tests, fifteen in ``make torture``.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.made_models import Made
from tests.postgres import own_postgres
from tests.registry_process import RegistryProcess, running, wait_for
from tests.torture.killing import broken_blobs, environment, seed
from tests.torture.test_kill_jobs import ENDS, assert_no_orphan, assert_one_end, large_model, slow_hub

POINTS = [
    pytest.param(1, id="one"),
    pytest.param(15, id="fifteen", marks=[pytest.mark.torture, pytest.mark.timeout(7200)]),
]
LIVES_S = (0.3, 1.0, 3.0)
PATIENCE_S = 600


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return large_model(tmp_path_factory.mktemp("made"))


class Reading:
    """Somebody who lists packages all the time, and what the answers were."""

    def __init__(self, server: RegistryProcess) -> None:
        self.answers = Counter[tuple[int, str]]()
        self._server, self._done = server, threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def end(self) -> None:
        """Read no more."""
        self._done.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._done.wait(0.05):
            status, told, _ = self._server.call("GET", "/packages")
            self.answers[status, "" if status == 200 else told["code"]] += 1


@pytest.mark.parametrize("points", POINTS)
def test_a_database_that_is_killed_costs_no_package(points: int, made: Made, tmp_path: Path) -> None:
    rng = random.Random(seed())
    for point in range(points):
        home, log = tmp_path / f"h{point}", tmp_path / "log"
        with slow_hub(made) as hub, own_postgres() as database, ExitStack() as stack:
            env = environment(home, WEIGHBRIDGE_UPSTREAM=hub.url, WEIGHBRIDGE_DATABASE_URL=database.url)
            server = stack.enter_context(running("serve", env, log))
            worker = stack.enter_context(running("worker", env, log))
            for model, end in ENDS:
                status, job, _ = server.ingest(model, wait=False)
                assert status == 202, job
                reading = Reading(server)
                try:
                    time.sleep(rng.uniform(0.0, rng.choice(LIVES_S)))
                    database.kill()
                    wait_for(lambda: (500, "store-down") in reading.answers, PATIENCE_S)  # noqa: B023
                    database.start_again()
                    before = reading.answers[200, ""]
                    wait_for(lambda: reading.answers[200, ""] > before, PATIENCE_S)  # noqa: B023
                finally:
                    reading.end()
                assert set(reading.answers) <= {(200, ""), (500, "store-down")}
                over = server.over(job["job_id"], PATIENCE_S)
                assert over["state"] == end, over
                assert_one_end(env, home, job["job_id"], end)
            assert [server.process.poll(), worker.process.poll()] == [None, None]
            assert broken_blobs(home) == []
            assert_no_orphan(env, home)
