"""A worker that is stopped for longer than it may be silent, counted as dead, and comes back: one end.

Only where workers beat: on one machine a lock says that a stopped process lives, and its job waits for it.
Two points in the ordinary tests, fifty in ``make torture``.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.made_models import Made
from tests.postgres import postgres_database
from tests.registry_process import running, wait_for
from tests.torture.killing import broken_blobs, environment, run, seed
from tests.torture.test_kill_jobs import (
    AT_ONCE,
    ENDS,
    LIVES_S,
    assert_one_end,
    catalog_of,
    large_model,
    slow_hub,
)
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.job import Job, JobState

POINTS = [
    pytest.param(2, id="two"),
    pytest.param(50, id="fifty", marks=[pytest.mark.torture, pytest.mark.timeout(7200)]),
]
PATIENCE_S = 600


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return large_model(tmp_path_factory.mktemp("made"))


@pytest.mark.parametrize("points", POINTS)
def test_a_worker_that_comes_back_records_nothing_of_what_is_another_ones(
    points: int, made: Made, tmp_path: Path
) -> None:
    begun = seed()
    with postgres_database():
        pass  # where there is none, this is skipped, and not in a thread

    def live(number: int) -> str:
        with slow_hub(made) as hub, postgres_database() as url:
            home = tmp_path / f"h{number}"
            env = environment(
                home, WEIGHBRIDGE_UPSTREAM=hub.url, WEIGHBRIDGE_DATABASE_URL=url, WEIGHBRIDGE_JOBS="1"
            )
            return _paused(env, home, random.Random(f"{begun} {number}"))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        steps = list(pool.map(live, range(points)))
    print(f"{points} workers were stopped: {Counter(steps)}")


def _paused(env: dict[str, str], home: Path, rng: random.Random) -> str:
    log = home.with_suffix(".log")
    (model, end), (other, other_end) = ENDS
    with ExitStack() as stack:
        workers = [stack.enter_context(running("worker", env, log)) for _ in range(2)]
        catalog = stack.enter_context(catalog_of(env, home))
        assert run(["ingest", model, "--no-wait"], env, home).returncode == 0
        (asked,) = catalog.jobs()
        wait_for(lambda: catalog.job(asked.id).state is not JobState.QUEUED, PATIENCE_S)
        one, two = workers if _takers(catalog, asked)[0] == workers[0].said["worker"] else workers[::-1]
        time.sleep(rng.uniform(0.0, rng.choice(LIVES_S)))
        one.process.send_signal(signal.SIGSTOP)
        stack.callback(one.process.send_signal, signal.SIGCONT)
        stopped = catalog.job(asked.id)
        wait_for(
            lambda: catalog.job(asked.id).state.is_over or two.said["worker"] in _takers(catalog, asked),
            PATIENCE_S,
        )
        # What it had sent to the database when it was stopped may have been the end.
        taken = two.said["worker"] in _takers(catalog, asked)
        # It holds the lock of the file that it fetched, so the other one may wait for it.
        time.sleep(rng.uniform(0.0, rng.choice(LIVES_S)))
        one.process.send_signal(signal.SIGCONT)
        over = _over(catalog.job, asked.id)
        assert over.state.value == end, over.error
        # The other one may be silent for too long as well, on a busy machine: then the first takes it again.
        takers = _takers(catalog, asked)
        assert takers[:2] == [each.said["worker"] for each in (one, two)[: 1 + taken]]
        two.kill()
        # It does one job at a time: when it has done the next one, it has let go of the first.
        assert run(["ingest", other, "--no-wait"], env, home).returncode == 0
        (further,) = (job for job in catalog.jobs() if job.id != asked.id)
        again = _over(catalog.job, further.id)
        assert again.state.value == other_end, again.error
        assert catalog.job(asked.id) == over
        assert broken_blobs(home) == []
        assert_one_end(env, home, asked.id, end)
        assert_one_end(env, home, further.id, other_end)
        return stopped.step if stopped.state is JobState.RUNNING else stopped.state.value


def _takers(catalog: Catalog, job: Job) -> list[object]:
    """Who worked on it, one after the other."""
    return [event.data["worker"] for event in catalog.job_events(job.id, 0) if "worker" in event.data]


def _over(look: Callable[[str], Job], id: str) -> Job:
    wait_for(lambda: look(id).state.is_over, PATIENCE_S, lambda: str(look(id)))
    return look(id)
