"""SIGKILL of a server or a worker at random moments of an ingestion: another one ends it, once.

Ten points each in the ordinary tests, two hundred in ``make torture``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.made_models import INFO, train
from tests.postgres import postgres_database
from tests.registry_process import running
from tests.torture.killing import broken_blobs, environment, left_of, seed
from weighbridge.adapters.catalog import Catalog
from weighbridge.doors.demo.models import MADE

POINTS = [
    pytest.param(5, id="five"),
    pytest.param(100, id="hundred", marks=pytest.mark.torture),
]
"""At each of them a server or a worker is killed for an accepted model, and again for a refused one."""
REFUSED = "org/no-licence"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    made = train(tmp_path / "made")
    weights = {"weight": np.arange(2_000_000, dtype=np.float32)}
    files = {**made.model, "model.safetensors": save(weights)}
    repos = replace(made, model=files).repos()
    with serve_hub(repos) as server:
        card = files["README.md"].replace(b"license:", b"licence_was:")
        server.repos[REFUSED] = HubRepo({**files, "README.md": card})
        server.repos[REFUSED].info = dict(INFO)
        server.fault("*/resolve/*", bytes_per_s=16_000_000)
        yield server


@contextmanager
def _database(kind: str) -> Iterator[dict[str, str]]:
    if kind == "sqlite":
        yield {}
        return
    with postgres_database() as url:
        yield {"WEIGHBRIDGE_DATABASE_URL": url}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("points", POINTS)
def test_a_killed_job_ends_in_one_package_or_one_refusal(
    points: int, database: str, hub: HubServer, tmp_path: Path
) -> None:
    rng = random.Random(seed())
    for point in range(points):
        home = tmp_path / f"h{point}"
        with _database(database) as more:
            env = environment(home, WEIGHBRIDGE_UPSTREAM=hub.url, **more)
            for model, end in ((MADE, "done"), (REFUSED, "refused")):
                id = _asked_and_killed(model, env, rng, hub, home, tmp_path / "log", end)
                assert broken_blobs(home) == []
                _assert_one_end(env, home, id, end)


def _asked_and_killed(
    model: str, env: dict[str, str], rng: random.Random, hub: HubServer, home: Path, log: Path, end: str
) -> str:
    with ExitStack() as stack:
        server = stack.enter_context(running("serve", env, log))
        worker = stack.enter_context(running("worker", env, log))
        before = _blobs(home)
        status, job, _ = server.ingest(model, wait=False)
        assert status == 202, job
        time.sleep(rng.uniform(0.0, 2.5))
        victim = rng.choice((server, worker))
        held = _blobs(home) - before
        victim.kill()
        asked = len(hub.requests)
        assert left_of(victim.process) == []
        if victim is server:
            server = stack.enter_context(running("serve", env, log))
        over = server.over(job["job_id"], patience_s=90)
        assert over["state"] == end, over
        repo = hub.repos[model]
        whole = {path for path, file in repo.commits[repo.head].items() if file.sha256 in held}
        again = {one.path.rpartition("/resolve/")[2].partition("/")[2] for one in hub.requests[asked:]}
        assert whole & again == set(), "what was whole was fetched again"
        return str(job["job_id"])


def _blobs(home: Path) -> set[str]:
    return {blob.name for blob in (home / "blobs-v1").glob("sha256/*/*")}


def _assert_one_end(env: dict[str, str], home: Path, id: str, end: str) -> None:
    place = env.get("WEIGHBRIDGE_DATABASE_URL") or f"sqlite:///{home / 'catalog.sqlite3'}"
    catalog = Catalog.open(place)
    try:
        packages = [one.id for one in catalog.packages()]
        refusals = [one.id for one in catalog.refusals()]
        assert len(packages) == len(set(packages)) <= 1
        assert (id in packages, id in refusals) == (end == "done", end == "refused")
        told = [
            line for line in catalog.audit_lines(limit=500) if line.verb == "ingest" and id in line.detail
        ]
        assert len(told) == 1
    finally:
        catalog.close()
