"""The S3 server is killed in the middle of an ingestion: the job waits and goes on, nothing is half there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from tests.hub_server import HubServer, serve_hub
from tests.made_models import ONE_PERSON, Made, train
from tests.registry_process import RegistryProcess, running, wait_for
from tests.s3 import S3Server, s3_server
from tests.torture.killing import environment
from weighbridge.doors.demo.models import MADE

WEIGHTS = "*/resolve/*/model.safetensors"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = train(tmp_path_factory.mktemp("made"))
    weights = {"weight": np.arange(1_000_000, dtype=np.float32)}
    return replace(made, model={**made.model, "model.safetensors": save(weights)})


@pytest.fixture
def upstream(made: Made) -> Iterator[HubServer]:
    with serve_hub(made.repos()) as hub:
        yield hub


def objects(s3: S3Server) -> set[str]:
    return {path.name for path in (s3.folder / "models").rglob("*") if path.is_file()}


def store_is_down(registry: RegistryProcess) -> bool:
    return bool(registry.call("GET", "/health")[1]["components"]["store"]["status"] == "down")


def waits_for_the_store(job: dict[str, Any]) -> bool:
    return job["state"] == "queued" and (job["error"] or {}).get("code") == "store-down"


def test_a_job_waits_for_a_bucket_that_is_down_and_fetches_nothing_twice(
    upstream: HubServer, made: Made, tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text(ONE_PERSON)
    with s3_server(tmp_path / "s3") as s3:
        env = environment(
            tmp_path / "home",
            WEIGHBRIDGE_UPSTREAM=upstream.url,
            WEIGHBRIDGE_POLICY=str(tmp_path / "policy.yaml"),
            WEIGHBRIDGE_STORE_URL="s3://models/x",
            **s3.environ,
        )
        with running("serve", env, tmp_path / "log") as registry:
            upstream.fault(WEIGHTS, hold_after=1000)
            job = registry.ingest(MADE, wait=False)[1]["job_id"]
            wait_for(lambda: bool(upstream.asked(WEIGHTS)))
            s3.kill()
            fetched = len(upstream.asked(WEIGHTS))
            for fault in upstream._faults:
                fault.release()
            wait_for(lambda: waits_for_the_store(registry.job(job)), told=lambda: str(registry.job(job)))
            assert registry.call("GET", "/packages")[1]["packages"] == []
            status, told, _ = registry.ingest(MADE, version="7.0.0")
            assert (status, told["code"]) == (500, "store-down")
            wait_for(lambda: store_is_down(registry))
            s3.start()
            done = registry.over(job)
            assert done["state"] == "done", done
            assert len(upstream.asked(WEIGHTS)) == fetched
            (package,) = registry.call("GET", "/packages")[1]["packages"]
            shown = registry.call("GET", f"/package/{package['package_id']}")[1]
            wait_for(lambda: "package.zip" in objects(s3))
            assert {file["sha256"] for file in shown["files"]} <= objects(s3)
            assert len(shown["files"]) == len(made.model)
