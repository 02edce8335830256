"""What a running registry tells of itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.hub_server import HubServer, serve_hub
from tests.made_models import train
from tests.registry_process import RegistryProcess, running, wait_for
from tests.torture.killing import environment
from weighbridge.doors.demo.models import MADE


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    with serve_hub(train(tmp_path / "made").repos()) as server:
        yield server


@pytest.fixture
def env(hub: HubServer, tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "home", WEIGHBRIDGE_UPSTREAM=hub.url)


@pytest.fixture
def server(env: dict[str, str], tmp_path: Path) -> Iterator[RegistryProcess]:
    with running("serve", env, tmp_path / "log") as process:
        yield process


def health(server: RegistryProcess) -> tuple[int, dict[str, Any]]:
    status, said, _ = server.call("GET", "/health")
    return status, said


def part(server: RegistryProcess, name: str) -> dict[str, Any]:
    found: dict[str, Any] = health(server)[1]["components"][name]
    return found


def test_a_registry_that_works_is_well(server: RegistryProcess) -> None:
    wait_for(lambda: part(server, "jobs")["figures"]["begun"] is True)
    status, said = health(server)
    assert (status, said["status"]) == (200, "ok")
    assert part(server, "jobs")["figures"]["workers"] == 1
    assert part(server, "upstream")["figures"] == {"answered_at": None, "silent_at": None}


def test_a_hub_that_is_silent_is_told_and_asked_no_more_for_it(
    hub: HubServer, server: RegistryProcess
) -> None:
    assert server.ingest(MADE)[0] == 200
    wait_for(lambda: part(server, "upstream")["figures"]["answered_at"] is not None)
    hub.fault("*", status=503, times=1000)
    _, job, _ = server.ingest("org/another", wait=False)
    wait_for(lambda: part(server, "upstream")["status"] == "degraded", 60, lambda: str(job))
    status, said = health(server)
    assert (status, said["status"]) == (200, "degraded")
    asked = len(hub.asked("*"))
    for _ in range(5):
        health(server)
    assert len(hub.asked("*")) == asked


def test_a_store_that_cannot_be_written_is_503_and_names_no_place(
    server: RegistryProcess, tmp_path: Path
) -> None:
    assert health(server)[0] == 200
    home = tmp_path / "home"
    (home / "tmp").rename(home / "was")
    (home / "tmp").write_text("in the way")
    wait_for(lambda: health(server)[0] == 503)
    status, said = health(server)
    assert (status, said["status"], said["components"]["store"]["status"]) == (503, "down", "down")
    assert str(tmp_path) not in str(said)
    assert server.call("GET", "/livez")[0] == 200
    (home / "tmp").unlink()
    wait_for(lambda: health(server)[0] == 200)


def test_a_catalogue_that_cannot_be_read_is_503(server: RegistryProcess, tmp_path: Path) -> None:
    assert health(server)[0] == 200
    with closing(sqlite3.connect(tmp_path / "home" / "catalog.sqlite3", timeout=20)) as connection:
        connection.execute("ALTER TABLE jobs RENAME TO no_jobs")
    wait_for(lambda: health(server)[0] == 503)
    assert health(server)[1]["components"]["catalogue"]["status"] == "down"
