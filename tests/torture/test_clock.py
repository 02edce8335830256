"""The clock of a server jumps in the middle of an ingestion, beside a worker whose clock does not.

With libfaketime (the Debian package of that name, or WEIGHBRIDGE_TEST_FAKETIME names the library); skipped
where it is missing.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.made_models import Made
from tests.registry_process import running
from tests.torture.killing import broken_blobs, environment, seed
from tests.torture.test_kill_jobs import (
    ENDS,
    assert_no_orphan,
    assert_one_end,
    database_of,
    large_model,
    slow_hub,
)

PLACES = "/usr/lib/*/faketime/libfaketimeMT.so.1"
LONGEST_S = 1.5


@pytest.fixture(scope="module")
def library() -> str:
    named = os.environ.get("WEIGHBRIDGE_TEST_FAKETIME")
    found = [named] if named else [str(file) for file in Path("/").glob(PLACES.lstrip("/"))]
    if not found:
        pytest.skip("there is no libfaketime here")
    return found[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return large_model(tmp_path_factory.mktemp("made"))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("jump", ["+3d", "-3d"])
def test_a_clock_that_jumps_costs_no_package(
    jump: str, database: str, library: str, made: Made, tmp_path: Path
) -> None:
    rng, home, log, clock = random.Random(seed()), tmp_path / "home", tmp_path / "log", tmp_path / "clock"
    with slow_hub(made) as hub, database_of(database) as more, ExitStack() as stack:
        env = environment(home, WEIGHBRIDGE_UPSTREAM=hub.url, **more)
        jumping = {
            **env,
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        clock.write_text("+0")
        server = stack.enter_context(running("serve", jumping, log, cold=True))
        stack.enter_context(running("worker", env, log))
        for model, end in ENDS:
            status, job, _ = server.ingest(model, wait=False)
            assert status == 202, job
            time.sleep(rng.uniform(0.0, LONGEST_S))
            clock.write_text(jump)
            server._token = ""  # who was logged in before may not be any more
            over = server.over(job["job_id"])
            assert over["state"] == end, over
            clock.write_text("+0")
            server._token = ""
            assert_one_end(env, home, job["job_id"], end)
        assert server.call("GET", "/health")[0] == 200
        assert broken_blobs(home) == []
        assert_no_orphan(env, home)
