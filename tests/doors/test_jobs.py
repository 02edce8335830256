"""Jobs through real servers: asked for, followed, cancelled, begun again, taken over."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.made_models import train
from tests.registry_process import PASSWORD, RegistryProcess, running, wait_for
from tests.torture.killing import environment, run
from weighbridge.adapters.blobs_fs.partial import BLOCK_BYTES
from weighbridge.doors.demo.models import MADE

WEIGHTS = save({"weight": np.arange(1_000_000, dtype=np.float32)})
HELD_AT = 3_000_000
"""Weights that come slowly come no further: whoever looks late still finds them on their way."""


@pytest.fixture(scope="module")
def made_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return {**train(tmp_path_factory.mktemp("made")).model, "model.safetensors": WEIGHTS}


@pytest.fixture
def hub(made_files: dict[str, bytes], tmp_path: Path) -> Iterator[HubServer]:
    made = replace(train(tmp_path / "made"), model=made_files)
    with serve_hub(made.repos()) as server:
        yield server


@pytest.fixture
def env(hub: HubServer, tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "home", WEIGHBRIDGE_UPSTREAM=hub.url)


@pytest.fixture
def server(env: dict[str, str], tmp_path: Path) -> Iterator[RegistryProcess]:
    with running("serve", env, tmp_path / "log") as process:
        yield process


def weights_asked(hub: HubServer) -> int:
    return len(hub.asked("*/resolve/*/model.safetensors"))


def events_of(server: RegistryProcess, id: str, **headers: str) -> list[tuple[str, dict[str, Any]]]:
    login = json.dumps({"username": "admin", "password": PASSWORD}).encode()
    ask = urllib.request.Request(f"{server.url}/authenticate", login, {"Content-Type": "application/json"})
    with urllib.request.urlopen(ask) as answer:
        token = json.load(answer)["token"]
    request = urllib.request.Request(f"{server.url}/job/{id}/events", headers=headers)
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=600) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        blocks = answer.read().decode().split("\n\n")
    found = []
    for block in blocks:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_a_job_is_answered_at_once_and_comes_to_a_package(server: RegistryProcess) -> None:
    status, job, headers = server.ingest(MADE, wait=False)
    assert (status, headers["location"]) == (202, f"/job/{job['job_id']}")
    assert (job["name"], job["package_id"], job["refusal_id"]) == (MADE, None, None)
    over = server.over(job["job_id"])
    assert (over["state"], over["package_id"], over["error"]) == ("done", job["job_id"], None)
    assert over["done_bytes"] == over["total_bytes"] >= len(WEIGHTS)
    assert server.call("GET", f"/package/{over['package_id']}")[1]["commit"] == over["commit"]
    assert [one["job_id"] for one in server.call("GET", "/jobs?state=done")[1]["jobs"]] == [job["job_id"]]


def test_a_followed_job_tells_each_step_each_metric_and_its_bytes(
    server: RegistryProcess, hub: HubServer
) -> None:
    hub.fault("*/resolve/*/model.safetensors", bytes_per_s=4_000_000)
    job = server.ingest(MADE, wait=False)[1]
    events = events_of(server, job["job_id"])
    steps = [data["step"] for kind, data in events if kind == "step"]
    assert steps == [
        "require_free", "resolve", "gather", "judge_early", "ensure", "scan", "evaluate", "judge", "record"
    ]  # fmt: skip
    metrics = {data["metric"]: data for kind, data in events if kind == "metric"}
    assert len(metrics) == 8
    assert not any(data["failed"] for data in metrics.values())
    assert any(0 < data["done_bytes"] < data["total_bytes"] for kind, data in events if kind == "progress")
    assert events[-1][0] == "job"
    assert events[-1][1]["state"] == "done"
    again = events_of(server, job["job_id"], **{"Last-Event-ID": "5"})
    numbered = [kind for kind, _ in events if kind not in ("progress", "job")]
    assert [kind for kind, _ in again if kind not in ("progress", "job")] == numbered[5:]


def test_who_waits_and_who_does_not_get_the_same_package(server: RegistryProcess, hub: HubServer) -> None:
    fault = hub.fault("*/resolve/*/model.safetensors", hold_after=100)
    job = server.ingest(MADE, wait=False)[1]
    wait_for(lambda: weights_asked(hub) > 0)
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(server.ingest, MADE) for _ in range(3)]
        assert server.ingest(MADE, wait=False)[1]["job_id"] == job["job_id"]
        fault.release()
        answers = [one.result() for one in waiting]
    assert {(status, answer["package_id"]) for status, answer, _ in answers} == {(200, job["job_id"])}
    assert weights_asked(hub) == 1


def test_a_running_job_is_cancelled_and_begun_again_where_it_was(
    server: RegistryProcess, hub: HubServer
) -> None:
    fault = hub.fault("*/resolve/*/model.safetensors", bytes_per_s=1_000_000, hold_after=HELD_AT)
    id = server.ingest(MADE, wait=False)[1]["job_id"]
    wait_for(lambda: server.job(id)["done_bytes"] > BLOCK_BYTES)
    assert server.call("POST", f"/job/{id}/cancel")[1]["cancel_asked"] is True
    fault.release()
    assert server.over(id)["state"] == "cancelled"
    assert server.call("POST", f"/job/{id}/cancel")[0] == 409
    fault.bytes_per_s = None
    assert server.call("POST", f"/job/{id}/retry")[0] == 200
    assert server.over(id)["state"] == "done"
    # where the machine was so slow that all had come before the end, nothing is asked for again
    assert [asked.range is not None for asked in hub.asked("*/resolve/*/model.safetensors")[1:]] in (
        [True],
        [],
    )
    verbs = [line["verb"] for line in server.call("GET", "/audit")[1]["lines"]]
    assert {"cancel job", "retry job", "ingest"} <= set(verbs)


def test_a_hub_that_is_down_is_waited_for(server: RegistryProcess, hub: HubServer) -> None:
    hub.fault("*/resolve/*/model.safetensors", status=503, times=40)
    id = server.ingest(MADE, wait=False)[1]["job_id"]
    wait_for(lambda: server.job(id)["due_at"] is not None)
    job = server.job(id)
    assert (job["state"], job["error"]["code"]) == ("queued", "hub-down")
    hub.forget()
    assert server.over(id)["state"] == "done"
    assert server.job(id)["tries"] >= 2


def test_the_terminal_says_what_comes_of_a_job(
    server: RegistryProcess, hub: HubServer, env: dict[str, str], tmp_path: Path
) -> None:
    hub.fault("*/resolve/*/model.safetensors", status=503)
    id = server.ingest(MADE, wait=False)[1]["job_id"]
    wait_for(lambda: "the next try is at 20" in run(["job", "show", id], env, tmp_path).stdout)
    hub.forget()
    assert server.over(id)["state"] == "done"
    hub.repos[MADE].gated = True
    hub.repos[MADE].commit({"README.md": b"Another."})
    id = server.ingest(MADE, wait=False)[1]["job_id"]
    assert server.over(id)["state"] == "failed"
    shown = run(["job", "show", id], env, tmp_path).stdout
    assert "hint: ask for access on its page" in shown
    assert f"weighbridge job retry {id}" in shown


def test_what_a_refused_job_did_not_fetch_has_not_failed(
    server: RegistryProcess, hub: HubServer, env: dict[str, str], tmp_path: Path
) -> None:
    assert server.ingest(MADE)[0] == 200
    made = hub.repos[MADE].commits[hub.repos[MADE].head]
    copy = {path: file.content.replace(MADE.encode(), b"acme/copy") for path, file in made.items()}
    hub.repos["acme/copy"] = HubRepo(copy)
    hub.repos["acme/copy"].info = hub.repos[MADE].info
    id = server.ingest("acme/copy", wait=False)[1]["job_id"]
    assert server.over(id)["state"] == "refused"
    failures = server.call("GET", f"/refusal/{id}")[1]["verdict"]["failures"]
    certain = {failure["metric"] for failure in failures if failure["certain"]}
    assert {failure["metric"] for failure in failures} - certain == {"code_quality"}
    told = {data["metric"]: data for kind, data in events_of(server, id) if kind == "metric"}
    assert {metric for metric, data in told.items() if data["failed"]} == certain
    shown = run(["job", "show", id], env, tmp_path).stdout
    assert shown.count("  FAILED") == len(certain)
    assert "code_quality 0.20..0.87 of 0.50\n" in shown
    assert f"weighbridge refusal show {id}" in shown


def test_an_answer_that_fails_is_the_answer_of_the_error_itself(
    server: RegistryProcess, hub: HubServer
) -> None:
    hub.fault("*/resolve/*/model.safetensors", status=503, times=40)
    status, problem, headers = server.ingest(MADE)
    assert (status, problem["code"]) == (503, "hub-down")
    assert "retry-after" in {name.lower() for name in headers}
    assert server.call("GET", "/jobs")[1]["jobs"][0]["state"] == "failed"


def test_the_same_idempotency_key_does_nothing_twice(server: RegistryProcess) -> None:
    first = server.call(
        "POST", "/package/ingest-huggingface", {"model_id": MADE}, Idempotency_Key="deploy-17"
    )
    assert first[0] == 200
    again = server.call(
        "POST", "/package/ingest-huggingface", {"model_id": MADE}, Idempotency_Key="deploy-17"
    )
    assert (again[0], again[1]["package_id"]) == (200, first[1]["package_id"])
    assert server.ingest(MADE)[0] == 400  # without the key it is a duplicate
    other = server.call(
        "POST", "/package/ingest-huggingface", {"model_id": "org/other"}, Idempotency_Key="deploy-17"
    )
    assert (other[0], other[1]["code"]) == (422, "bad-input")


def test_a_worker_takes_over_what_a_killed_server_was_doing(
    env: dict[str, str], hub: HubServer, tmp_path: Path
) -> None:
    fault = hub.fault("*/resolve/*/model.safetensors", bytes_per_s=2_000_000, hold_after=HELD_AT)
    with running("serve", env, tmp_path / "log") as first:
        id = first.ingest(MADE, wait=False)[1]["job_id"]
        wait_for(lambda: first.job(id)["done_bytes"] > 1_200_000)
        first.kill()
    fault.release()
    with running("worker", env, tmp_path / "log"), running("serve", env, tmp_path / "log") as second:
        over = second.over(id)
    assert (over["state"], over["package_id"]) == ("done", id)
    asked = hub.asked("*/resolve/*/model.safetensors")
    assert len(asked) == 2
    assert asked[1].range is not None
    small = [one.path for one in hub.asked("*/resolve/*/config.json")]
    assert len(small) == 1, "what was complete was fetched again"


def test_a_server_that_is_stopped_gives_its_jobs_back(
    env: dict[str, str], hub: HubServer, tmp_path: Path
) -> None:
    fault = hub.fault("*/resolve/*/model.safetensors", bytes_per_s=1_000_000, hold_after=HELD_AT)
    with running("serve", env, tmp_path / "log") as first:
        id = first.ingest(MADE, wait=False)[1]["job_id"]
        wait_for(lambda: first.job(id)["done_bytes"] > 500_000)
    fault.release()
    listed = json.loads(run(["job", "list", "--json"], env, tmp_path).stdout)
    assert [(one["job_id"], one["state"]) for one in listed] == [(id, "queued")]
    with running("worker", env, tmp_path / "log"):
        watched = run(["job", "watch", id], env, tmp_path)
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout.startswith(f"accepted {MADE}@1.0.0")
    assert "step scan" in watched.stderr


def test_the_terminal_leaves_work_to_a_worker(env: dict[str, str], tmp_path: Path) -> None:
    asked = json.loads(run(["ingest", MADE, "--no-wait", "--json"], env, tmp_path).stdout)
    id = asked[0]["job_id"]
    assert asked[0]["state"] == "queued"
    with running("worker", env, tmp_path / "log"):
        watched = run(["job", "watch", id, "--json"], env, tmp_path)
    assert watched.returncode == 0, watched.stderr
    assert json.loads(watched.stdout)["state"] == "done"
    shown = run(["job", "show", id], env, tmp_path)
    assert "step record" in shown.stdout
    again = run(["job", "retry", id], env, tmp_path)
    assert (again.returncode, "cannot be tried again" in again.stderr) == (5, True)


def test_a_batch_answers_for_each_of_its_models(server: RegistryProcess, hub: HubServer) -> None:
    card = hub.repos[MADE].commits[hub.repos[MADE].head]
    files = {path: file.content for path, file in card.items()}
    hub.repos["org/bare"] = HubRepo({**files, "README.md": b"A model.\n"})
    models = [{"model_id": name} for name in (MADE, "org/bare", "org/none", "a/b/c")]
    status, report, _ = server.call("POST", "/package/ingest-huggingface-batch", {"models": models})
    assert status == 207, report
    assert [one["result"] for one in report["results"]] == ["accepted", "refused", "failed", "failed"]
    assert {key: report[key] for key in ("accepted", "refused", "failed", "asked")} == {
        "accepted": 1, "refused": 1, "failed": 2, "asked": 0
    }  # fmt: skip
    assert report["results"][0]["package"]["fetched_bytes"] >= len(WEIGHTS)
    assert [one["problem"]["status"] for one in report["results"][1:]] == [400, 404, 400]
    assert report["results"][1]["problem"]["detail"].startswith("Model does not meet quality requirements.")
    assert report["results"][2]["problem"]["detail"] == "Model 'org/none' not found on HuggingFace Hub"


def test_a_batch_that_nobody_waits_for_is_a_job_for_each(server: RegistryProcess) -> None:
    body = {"models": [{"model_id": MADE}], "wait": False}
    status, report, _ = server.call("POST", "/package/ingest-huggingface-batch", body, Idempotency_Key="b1")
    assert (status, report["asked"]) == (202, 1)
    id = report["results"][0]["job"]["job_id"]
    assert server.over(id)["state"] == "done"
    again = server.call("POST", "/package/ingest-huggingface-batch", body, Idempotency_Key="b1")[1]
    assert again["results"][0]["job"]["job_id"] == id


def test_a_new_commit_fetches_only_what_changed(server: RegistryProcess, hub: HubServer) -> None:
    first = server.ingest(MADE)[1]
    assert (first["saved_bytes"], first["fetched_bytes"]) == (0, first["size_bytes"])
    repo = hub.repos[MADE]
    files = {path: file.content for path, file in repo.commits[repo.head].items()}
    repo.commit({**files, "NOTES.txt": b"a new file"})
    second = server.ingest(MADE)[1]
    assert (second["version"], second["fetched_bytes"]) == ("1.1.0", 10)
    assert second["saved_bytes"] == second["size_bytes"] - 10
    assert weights_asked(hub) == 1


def test_two_terminals_at_once_come_to_one_package(
    env: dict[str, str], hub: HubServer, tmp_path: Path
) -> None:
    hub.fault("*/resolve/*/model.safetensors", bytes_per_s=4_000_000)
    with ThreadPoolExecutor(2) as pool:
        done: list[subprocess.CompletedProcess[str]] = list(
            pool.map(lambda _: run(["ingest", MADE, "--json"], env, tmp_path), range(2))
        )
    codes = sorted(one.returncode for one in done)
    assert codes in ([0, 0], [0, 5]), [one.stderr for one in done]
    assert weights_asked(hub) == 1
