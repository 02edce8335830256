"""``weighbridge serve`` on PostgreSQL: two servers on one database, and the database killed under them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import HfApi, snapshot_download
from safetensors.numpy import save

from tests.hub_server import HubServer, serve_hub
from tests.made_models import train
from tests.postgres import own_postgres, postgres_database
from tests.registry_process import RegistryProcess, running, wait_for
from tests.torture.killing import environment
from weighbridge.doors.demo.models import MADE

WEIGHTS = save({"weight": np.arange(500_000, dtype=np.float32)})


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    made = train(tmp_path / "made")
    with serve_hub(replace(made, model={**made.model, "model.safetensors": WEIGHTS}).repos()) as server:
        yield server


def token_of(server: RegistryProcess) -> str:
    server.call("GET", "/packages")
    return server._token


def test_two_servers_on_one_database_serve_the_same(hub: HubServer, tmp_path: Path) -> None:
    with postgres_database() as url:
        env = environment(tmp_path / "home", WEIGHBRIDGE_UPSTREAM=hub.url, WEIGHBRIDGE_DATABASE_URL=url)
        with running("serve", env, tmp_path / "1") as one, running("serve", env, tmp_path / "2") as two:
            status, package, _ = one.ingest(MADE)
            assert (status, package["version"], package["licence"] != "") == (200, "1.0.0", True)
            assert two.call("GET", "/packages?q=made")[1]["packages"] == []
            listed = two.call("GET", f"/packages?name={MADE}")[1]["packages"]
            assert [row["package_id"] for row in listed] == [package["package_id"]]
            assert two.ingest(MADE)[0] == 400
            told = two.call("GET", f"/versions?name={MADE}&revision=main")[1]
            assert (told["latest"], told["next"]) == ("1.0.0", None)
            fetched = snapshot_download(
                MADE, endpoint=two.url, cache_dir=tmp_path / "cache", token=token_of(two)
            )
            assert (Path(fetched) / "model.safetensors").read_bytes() == WEIGHTS
            api = HfApi(endpoint=one.url, token=token_of(one))
            api.create_repo("admin/own", private=True)
            first = api.upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id="admin/own")
            other = HfApi(endpoint=two.url, token=token_of(two))
            assert other.model_info("admin/own").sha == first.oid


def test_a_database_that_is_killed_is_told_and_comes_back(hub: HubServer, tmp_path: Path) -> None:
    hub.fault("*/resolve/*", bytes_per_s=1_000_000)
    with own_postgres() as database, ExitStack() as stack:
        env = environment(
            tmp_path / "home", WEIGHBRIDGE_UPSTREAM=hub.url, WEIGHBRIDGE_DATABASE_URL=database.url
        )
        server = stack.enter_context(running("serve", env, tmp_path / "log"))
        _, job, _ = server.ingest(MADE, wait=False)
        wait_for(lambda: bool(hub.asked("*/resolve/*/model.safetensors")))
        database.kill()
        wait_for(lambda: server.call("GET", "/packages")[0] != 200)
        status, told, _ = server.call("GET", "/packages")
        assert (status, told["code"], "postgres" in told["detail"]) == (500, "store-down", False)
        database.start_again()
        wait_for(lambda: server.call("GET", "/packages")[0] == 200)
        if server.over(job["job_id"])["state"] != "done":
            server.call("POST", f"/job/{job['job_id']}/retry")
        assert server.over(job["job_id"])["state"] == "done"
        packages = server.call("GET", "/packages?total=true")[1]
        assert (packages["total"], packages["packages"][0]["name"]) == (1, MADE)
        fetched = snapshot_download(
            MADE, endpoint=server.url, cache_dir=tmp_path / "cache", token=token_of(server)
        )
        assert (Path(fetched) / "model.safetensors").read_bytes() == WEIGHTS
