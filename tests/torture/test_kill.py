"""SIGKILL at random moments: whatever is killed and whenever, running it again ends right.

Ten points each in the ordinary tests, fifty each in ``make torture``.
"""

from __future__ import annotations

import json
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from tests.hub_server import HubServer, serve_hub
from tests.made_models import Made, train
from tests.torture.killing import (
    Moments,
    broken_blobs,
    environment,
    killed_after,
    left_of,
    run,
    seed,
    start,
    tree,
)
from tests.warm import Warm
from weighbridge.adapters.catalog import Catalog
from weighbridge.doors.demo.models import MADE

POINTS = [
    pytest.param(10, id="ten"),
    pytest.param(50, id="fifty", marks=pytest.mark.torture),
]
PASSWORD = "a password for tests"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return train(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def files(made: Made) -> dict[str, bytes]:
    """A small model that passes the gate, with weights large enough to be caught in the middle."""
    weights = {"weight": np.arange(3_000_000, dtype=np.float32)}
    return {**made.model, "model.safetensors": save(weights)}


@pytest.fixture
def hub(made: Made, files: dict[str, bytes]) -> Iterator[HubServer]:
    with serve_hub(replace(made, model=files).repos()) as server:
        # Slow enough that a random moment often falls into the transfer.
        server.fault("*/resolve/*", bytes_per_s=24_000_000)
        yield server


@pytest.mark.parametrize("points", POINTS)
def test_a_killed_sync_leaves_nothing_wrong(
    points: int, hub: HubServer, files: dict[str, bytes], tmp_path: Path
) -> None:
    moments = Moments(random.Random(seed()))
    for point in range(points):
        project, home = tmp_path / f"p{point}", tmp_path / f"h{point}"
        project.mkdir()
        (project / "models.yaml").write_text(
            f"cache_dir: models\nverify: sha256\nmodels:\n  - id: made\n    repo_id: {MADE}\n"
        )
        env = environment(home, HF_ENDPOINT=hub.url)
        process = start(["sync"], env, project, tmp_path / "log")
        moments.kill(process)
        assert left_of(process) == []
        shown = tree(project / "models" / "made")
        assert shown in ({}, files), f"a half-made model is visible: {sorted(shown)}"
        assert broken_blobs(home) == []
        again = run(["sync"], env, project)
        assert again.returncode == 0, again.stderr
        assert tree(project / "models" / "made") == files
        frozen = run(["sync", "--frozen", "--offline"], env, project)
        assert frozen.returncode == 0, frozen.stderr
    assert moments.caught > 0


@pytest.mark.parametrize("points", POINTS)
def test_a_killed_ingest_ends_in_one_package(points: int, hub: HubServer, tmp_path: Path) -> None:
    moments = Moments(random.Random(seed()))
    for point in range(points):
        home = tmp_path / f"h{point}"
        env = environment(home, WEIGHBRIDGE_UPSTREAM=hub.url)
        process = start(["ingest", MADE], env, tmp_path, tmp_path / "log")
        moments.kill(process)
        assert left_of(process) == []
        assert broken_blobs(home) == []
        again = run(["ingest", MADE], env, tmp_path)
        assert again.returncode in (0, 5), again.stderr  # 5: it had been listed before the kill
        _assert_one_package(home)
    assert moments.caught > 0


@pytest.mark.parametrize("points", POINTS)
def test_a_killed_server_comes_back_right(
    points: int, hub: HubServer, files: dict[str, bytes], tmp_path: Path
) -> None:
    rng = random.Random(seed())
    whole_s = 1.5
    for point in range(points + 1):
        home = tmp_path / f"h{point}"
        env = environment(home, WEIGHBRIDGE_UPSTREAM=hub.url, WEIGHBRIDGE_ADMIN_PASSWORD=PASSWORD)
        server, url = _serve(env, tmp_path)
        if point == 0:
            began = time.monotonic()
            assert _ingest(url)[0] == 200
            whole_s = time.monotonic() - began
        else:
            asking = threading.Thread(target=_ingest, args=(url,))
            asking.start()
            killed_after(server, rng.uniform(0.0, whole_s))
            asking.join()
            assert left_of(server) == []
            assert broken_blobs(home) == []
            server, url = _serve(env, tmp_path)
            status, answer = _ingest(url)
            assert status == 200 or (status == 400 and "already in the registry" in answer["detail"]), answer
        try:
            _assert_served(url, files)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=600)
        assert left_of(server) == []
        _assert_one_package(home)


def _assert_one_package(home: Path) -> None:
    catalog = Catalog.open(f"sqlite:///{home / 'catalog.sqlite3'}")
    try:
        listed = catalog.packages()
        assert [package.name for package in listed] == [MADE]
        assert len([line for line in catalog.audit_lines(limit=100) if line.verb == "ingest"]) == 1
    finally:
        catalog.close()


def _serve(env: dict[str, str], cwd: Path) -> tuple[Warm, str]:
    with (cwd / "log").open("ab") as log:
        process = Warm(["serve", "--port", "0", "--json"], env=env, cwd=cwd, stdout=PIPE, stderr=log)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, (cwd / "log").read_text()[-2000:]
    return process, json.loads(line)["url"]


def _ask(url: str, body: dict[str, Any] | None = None, token: str = "") -> tuple[int, bytes]:
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError:
        return 0, b"{}"  # the server was killed under us


def _ingest(url: str) -> tuple[int, dict[str, Any]]:
    _, login = _ask(f"{url}/authenticate", {"username": "admin", "password": PASSWORD})
    token = json.loads(login).get("token", "")
    status, answer = _ask(f"{url}/package/ingest-huggingface", {"model_id": MADE}, token)
    return status, json.loads(answer)


def _assert_served(url: str, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        status, got = _ask(f"{url}/{MADE}/resolve/main/{path}")
        assert (status, got == content) == (200, True), path
