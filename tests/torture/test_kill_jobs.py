"""SIGKILL of a server or a worker at random moments of an ingestion: another one ends it, once.

Ten points each in the ordinary tests, two hundred in ``make torture``; each database has a seed of its own.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.made_models import INFO, Made, train
from tests.postgres import postgres_database
from tests.registry_process import running, wait_for
from tests.torture.killing import broken_blobs, environment, left_of, run, seed
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.job import JobState
from weighbridge.doors.demo.models import MADE

POINTS = [
    pytest.param(10, id="ten"),
    pytest.param(200, id="two-hundred", marks=[pytest.mark.torture, pytest.mark.timeout(7200)]),
]
REFUSED = "org/taken-over"
ENDS = ((MADE, "done"), (REFUSED, "refused"))
"""Each registry lives through two kills, one for each."""
AT_ONCE = 5
"""Registries beside each other: most of the time one waits until a worker counts as dead."""
LIVES_S = (0.5, 1.5, 4.0)
_SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
DAYS_AGO = 40 * 24 * 3600.0


@dataclass(frozen=True)
class Told:
    """Where a kill fell: in which step, and whether on the process that worked on the job."""

    step: str
    is_hit: bool


def large_model(folder: Path) -> Made:
    """A model with weights large enough to be caught in the middle, and its data set."""
    made = train(folder)
    weights = {"weight": np.arange(2_000_000, dtype=np.float32)}
    return replace(made, model={**made.model, "model.safetensors": save(weights)})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return large_model(tmp_path_factory.mktemp("made"))


@contextmanager
def slow_hub(made: Made) -> Iterator[HubServer]:
    """An upstream with a model that is accepted and a copy of it that is refused for that; slow enough to be
    met at work."""
    with serve_hub(made.repos()) as server:
        card = made.model["README.md"] + b"\nNow in other hands.\n"
        server.repos[REFUSED] = HubRepo({**made.model, "README.md": card})
        server.repos[REFUSED].info = dict(INFO)
        server.fault("*/resolve/*", bytes_per_s=16_000_000)
        yield server


@contextmanager
def database_of(kind: str) -> Iterator[dict[str, str]]:
    """What makes a registry use a database of this kind."""
    if kind == "sqlite":
        yield {}
        return
    with postgres_database() as url:
        yield {"WEIGHBRIDGE_DATABASE_URL": url}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("points", POINTS)
def test_a_killed_job_ends_in_one_package_or_one_refusal(
    points: int, database: str, made: Made, tmp_path: Path
) -> None:
    begun = f"{database} {seed()}"
    with database_of(database):
        pass  # where there is none, this is skipped, and not in a thread

    def live(number: int) -> list[Told]:
        home = tmp_path / f"h{number}"
        rng = random.Random(f"{begun} {number}")
        with slow_hub(made) as hub, database_of(database) as more:
            env = environment(home, WEIGHBRIDGE_UPSTREAM=hub.url, **more)
            told = [_asked_and_killed(model, env, rng, hub, home, end) for model, end in ENDS]
            assert_no_orphan(env, home)
            return told

    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = [each for both in pool.map(live, range(points // len(ENDS))) for each in both]
    hit = [each.step for each in told if each.is_hit]
    print(f"{len(told)} kills on {database}, {len(hit)} of who worked on the job: {Counter(hit)}")
    assert hit
    assert len(told) == points


def _asked_and_killed(
    model: str, env: dict[str, str], rng: random.Random, hub: HubServer, home: Path, end: str
) -> Told:
    log = home.with_suffix(".log")
    with ExitStack() as stack:
        server = stack.enter_context(running("serve", env, log))
        worker = stack.enter_context(running("worker", env, log))
        before = _blobs(home)
        status, job, _ = server.ingest(model, wait=False)
        assert status == 202, job
        if rng.random() < 0.9:
            wait_for(lambda: server.job(job["job_id"])["state"] != "queued")
        time.sleep(rng.uniform(0.0, rng.choice(LIVES_S)))
        with catalog_of(env, home) as catalog:
            asked_for = catalog.job(job["job_id"])
        works = [each for each in (server, worker) if f"-{each.process.pid}-" in (asked_for.worker or "")]
        victim = rng.choice((server, worker, *works * 4))
        held = (_blobs(home) - before) & _remembered(home)
        victim.kill()
        asked = len(hub.requests)
        assert left_of(victim.process) == []
        assert broken_blobs(home) == []
        if victim is server:
            server = stack.enter_context(running("serve", env, log))
        over = server.over(job["job_id"])
        assert over["state"] == end, over
        repo = hub.repos[model]
        whole = {path for path, file in repo.commits[repo.head].items() if file.sha256 in held}
        place = f"/{model}/resolve/{repo.head}/"  # a data set has a README.md too
        again = {one.path.removeprefix(place) for one in hub.requests[asked:]}
        assert whole & again == set(), "what was whole was fetched again"
        assert_one_end(env, home, job["job_id"], end)
        return Told(asked_for.step or "queued", victim in works and asked_for.state is JobState.RUNNING)


def _blobs(home: Path) -> set[str]:
    return {blob.name for blob in (home / "blobs-v1").glob("sha256/*/*")}


def _remembered(home: Path) -> set[str]:
    """The contents that the shelf knows by now: a small file is found again by what is noted of it."""
    known = set[str]()
    for file in (home / "manifests-v1").rglob("*"):
        with suppress(OSError):
            known.update(_SHA256.findall(file.read_text()))
    return known


@contextmanager
def catalog_of(env: dict[str, str], home: Path) -> Iterator[Catalog]:
    """The catalogue of a registry, from outside."""
    catalog = Catalog.open(env.get("WEIGHBRIDGE_DATABASE_URL") or f"sqlite:///{home / 'catalog.sqlite3'}")
    try:
        yield catalog
    finally:
        catalog.close()


def assert_one_end(env: dict[str, str], home: Path, id: str, end: str) -> None:
    """The job is one package or one refusal, told once."""
    with catalog_of(env, home) as catalog:
        packages = [one.id for one in catalog.packages()]
        refusals = [one.id for one in catalog.refusals()]
        assert len(packages) == len(set(packages)) <= 1
        assert (id in packages, id in refusals) == (end == "done", end == "refused")
        told = [
            line for line in catalog.audit_lines(limit=500) if line.verb == "ingest" and id in line.detail
        ]
        assert len(told) == 1


def assert_no_orphan(env: dict[str, str], home: Path) -> None:
    """What is old and named by nothing goes, and nothing else does."""
    then = time.time() - DAYS_AGO
    for place in ("blobs-v1", "partial", "tmp", "manifests-v1"):
        for file in (home / place).rglob("*"):
            os.utime(file, (then, then))
    done = run(["gc"], env, home)
    assert done.returncode == 0, done.stderr
    with catalog_of(env, home) as catalog:
        named = catalog.named().contents
    assert _blobs(home) <= named
    assert [
        file for place in ("partial", "tmp") for file in (home / place).rglob("*") if file.is_file()
    ] == []
    whole = run(["backup", str(home.with_suffix(".backup"))], env, home)  # it reads all that is named
    assert whole.returncode == 0, whole.stderr
    home.with_suffix(".backup").unlink()
