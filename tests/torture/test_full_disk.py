"""The disk is full for a while: store, catalogue, the engine's database and the log, all on it.

Everything of a registry lies on a small file system, which is filled at a random moment of an ingestion
and has room again a little later. Two points in the ordinary tests, thirty in ``make torture``; skipped
where no file system can be mounted.
"""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.made_models import Made
from tests.registry_process import RegistryProcess, running, wait_for
from tests.torture.killing import broken_blobs, environment, seed
from tests.torture.test_kill_jobs import ENDS, assert_no_orphan, assert_one_end, large_model, slow_hub

POINTS = [
    pytest.param(2, id="two"),
    pytest.param(30, id="thirty", marks=[pytest.mark.torture, pytest.mark.timeout(7200)]),
]
DISK_BYTES = 64 << 20
LIVES_S = (0.5, 1.5)
FULL_S = (0.5, 3.0)
PATIENCE_S = 600


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return large_model(tmp_path_factory.mktemp("made"))


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of its own."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "weighbridge-test", str(place)]
    try:
        told = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    if told.returncode:
        pytest.skip(f"no file system can be mounted here: {told.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(filler: Path) -> None:
    """Take all the room that there is."""
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 20, 4096):
            with suppress(OSError):
                for _ in range(2 * DISK_BYTES // size):
                    file.write(bytes(size))


@pytest.mark.parametrize("points", POINTS)
def test_what_met_a_full_disk_ends_when_there_is_room_again(points: int, made: Made, tmp_path: Path) -> None:
    rng = random.Random(seed())
    for point in range(points):
        with small_disk(tmp_path / f"d{point}") as disk, slow_hub(made) as hub:
            home = disk / "home"
            env = environment(home, WEIGHBRIDGE_UPSTREAM=hub.url)
            with ExitStack() as stack:
                both = [stack.enter_context(running(verb, env, disk / "log")) for verb in ("serve", "worker")]
                for model, end in ENDS:
                    assert_one_end(env, home, _asked_and_filled(model, end, both[0], disk, rng), end)
                assert [each.process.poll() for each in both] == [None, None]
            assert broken_blobs(home) == []
            assert_no_orphan(env, home)


def _asked_and_filled(model: str, end: str, server: RegistryProcess, disk: Path, rng: random.Random) -> str:
    status, job, _ = server.ingest(model, wait=False)
    assert status == 202, job
    id = str(job["job_id"])
    time.sleep(rng.uniform(0.0, rng.choice(LIVES_S)))
    filler = disk / "filler"

    def is_full() -> bool:
        fill(filler)  # what came free meanwhile too: who met the end gives back what it had begun
        return _store(server) == "down"

    wait_for(is_full, PATIENCE_S)
    time.sleep(rng.uniform(*FULL_S))
    filler.unlink()
    wait_for(lambda: _store(server) != "down", PATIENCE_S)
    over = server.over(id, PATIENCE_S)
    assert over["state"] == end, str(over)
    return id


def _store(server: RegistryProcess) -> str:
    return str(server.call("GET", "/health")[1]["components"]["store"]["status"])
