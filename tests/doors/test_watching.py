"""What a running registry tells of itself."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.hub_server import HubServer, serve_hub
from tests.made_models import train
from tests.registry_process import PASSWORD, RegistryProcess, running, wait_for
from tests.torture.killing import environment
from weighbridge.bridge.health import LOOKS_EVERY_S
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
    wait_for(lambda: part(server, "upstream")["status"] == "degraded", told=lambda: str(job))
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
    sleep(LOOKS_EVERY_S)  # so that it is looked at again, and is down still
    assert health(server)[0] == 503
    (home / "tmp").unlink()
    wait_for(lambda: health(server)[0] == 200)
    log = (tmp_path / "log").read_text()
    assert (log.count("the store is down: "), log.count("the store is back")) == (1, 1)


def test_a_catalogue_that_cannot_be_read_is_503(server: RegistryProcess, tmp_path: Path) -> None:
    assert health(server)[0] == 200
    with closing(sqlite3.connect(tmp_path / "home" / "catalog.sqlite3", timeout=600)) as connection:
        connection.execute("ALTER TABLE jobs RENAME TO no_jobs")
    wait_for(lambda: health(server)[0] == 503)
    assert health(server)[1]["components"]["catalogue"]["status"] == "down"


def figures(server: RegistryProcess) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    status, page, headers = server.call("GET", "/metrics")
    assert status == 200, page
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_figures_tell_what_was_answered_and_done(server: RegistryProcess) -> None:
    assert server.ingest(MADE)[0] == 200
    with urllib.request.urlopen(f"{server.url}/{MADE}/resolve/main/README.md") as answer:
        size = len(answer.read())
    found = figures(server)
    resolved = (("method", "GET"), ("route", "/{repo}/resolve"), ("status", "200"))
    assert found["weighbridge_request_seconds_count"][resolved] == 1
    assert found["weighbridge_sent_bytes_total"][(("route", "/{repo}/resolve"),)] == size
    ingested = (("method", "POST"), ("route", "/package/ingest-huggingface"), ("status", "200"))
    assert found["weighbridge_request_seconds_count"][ingested] == 1
    assert found["weighbridge_jobs"][(("state", "done"),)] == 1
    assert found["weighbridge_verdicts"][(("outcome", "accepted"),)] == 1
    assert found["weighbridge_step_seconds_count"][(("step", "job"),)] == 1
    assert found["weighbridge_step_seconds_count"][(("step", "scan"),)] == 1
    assert set(found["weighbridge_up"].values()) == {1}
    assert MADE not in str(found)


def test_figures_count_addresses_that_nobody_has_as_one(server: RegistryProcess) -> None:
    for number in range(5):
        assert server.call("GET", f"/nothing/{number}")[0] == 404
        assert server.call("GET", f"/api/nothing/{number}")[0] == 404
    routes = {dict(labels)["route"] for labels in figures(server)["weighbridge_request_seconds_count"]}
    assert routes <= {"other", "/api", "/authenticate", "/metrics"}


@pytest.mark.parametrize(("shown", "status"), [("", 401), ("admin", 401), ("on", 200), ("off", 404)])
def test_who_sees_the_figures(env: dict[str, str], tmp_path: Path, shown: str, status: int) -> None:
    with running("serve", {**env, "WEIGHBRIDGE_METRICS": shown}, tmp_path / "log") as server:
        assert server._ask("GET", "/metrics", None, {})[0] == status


def test_each_request_has_an_id_of_its_own(server: RegistryProcess) -> None:
    def ask(number: int) -> tuple[str, str, str]:
        sent = f"mine-{number}" if number % 2 else ""
        status, said, headers = server._ask(
            "GET", f"/package/{number}", None, {"X-Request-Id": sent} if sent else {}
        )
        assert status == 404
        return sent, said["request_id"], headers["x-request-id"]

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, range(200)))
    assert len({named for _, _, named in found}) == 200
    for sent, told, named in found:
        assert told == named
        assert sent in ("", named)


def test_an_id_that_is_none_is_replaced(server: RegistryProcess) -> None:
    for sent in ("two words", "x" * 129, "\xe9"):
        _, _, headers = server._ask("GET", "/livez", None, {"X-Request-Id": sent})
        assert headers["x-request-id"] not in ("", sent)
    _, _, headers = server._ask("GET", "/api/models", None, {"X-Amzn-Trace-Id": "traced"})
    assert headers["x-request-id"] == "traced"


def test_the_log_says_for_which_request_and_job(env: dict[str, str], tmp_path: Path, hub: HubServer) -> None:
    log = tmp_path / "log"
    with running("serve", {**env, "WEIGHBRIDGE_LOG": "json"}, log) as server:
        hub.fault("*/resolve/*/model.safetensors", status=429, headers={"Retry-After": "6"}, times=1)
        job = server.ingest(MADE, wait=False)[1]["job_id"]
        assert server.over(job)["state"] == "done"
        server._ask("GET", "/packages?after=0", None, {"X-Request-Id": "watched-1"})
        wait_for(lambda: b"watched-1" in log.read_bytes())
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    watched = next(line for line in lines if line.get("request") == "watched-1")
    assert (watched["path"], watched["method"], watched["route"]) == ("/packages", "GET", "/packages")
    waits = next(line for line in lines if "limits our requests" in line["message"])
    assert waits["job"] == job
    ended = [line for line in lines if line.get("repo") == f"{MADE}@main"]
    assert [(line["job"], line["state"], line["tries"]) for line in ended] == [(job, "done", 1)]


def test_a_token_stands_nowhere_but_where_it_was_given(
    hub: HubServer, env: dict[str, str], tmp_path: Path
) -> None:
    log, canary = tmp_path / "log", "hf_" + "canary0" * 5
    with running("serve", {**env, "WEIGHBRIDGE_LOG": "json", "HF_TOKEN": canary}, log) as server:
        assert server.ingest(MADE)[0] == 200
        told = [server._ask("GET", f"/packages?after={canary}", None, {"Authorization": f"Bearer {canary}"})]
        told.append(server._ask("POST", "/authenticate", {"username": "admin", "password": canary}, {}))
        told.append(server._ask("GET", f"/api/models?search={canary}", None, {"X-Authorization": canary}))
        hub.fault("*", status=500, body=f"your token is {canary}".encode())
        told.append(server.ingest("org/another"))
        told += [server.call("GET", path) for path in ("/audit", "/jobs", "/health", "/metrics", "/refusals")]
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it has ended
                assert canary.encode() not in command.read_bytes()
    assert canary not in str(told)
    held = [log, *(file for file in (tmp_path / "home").rglob("*") if file.is_file())]
    for file in held:
        content = file.read_bytes()
        assert canary.encode() not in content, file
        assert PASSWORD.encode() not in content, file
    assert len(held) > 10
