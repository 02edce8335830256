"""Data sets over the doors: REST, the command line, and Hugging Face clients that read them."""

from __future__ import annotations

import io
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_server import HubServer, serve_hub
from tests.made_data import FILES, NAME, made_data
from tests.registry_process import RegistryProcess, running
from weighbridge.settings import child_environment

READ = f"""
from huggingface_hub import HfApi, snapshot_download
place = snapshot_download({NAME!r}, repo_type="dataset", revision="1.0.0")
print(place)
print(HfApi().dataset_info({NAME!r}).sha)
"""


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with serve_hub({NAME: made_data()}) as server:
        yield server


@pytest.fixture
def env(hub: HubServer, tmp_path: Path) -> dict[str, str]:
    return child_environment(
        {"WEIGHBRIDGE_HOME": str(tmp_path / "home"), "WEIGHBRIDGE_UPSTREAM": hub.url, "HOME": str(tmp_path)}
    )


@pytest.fixture
def registry(env: dict[str, str], tmp_path: Path) -> Iterator[RegistryProcess]:
    with running("serve", env, tmp_path / "log") as server:
        yield server


def command(env: dict[str, str], *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "weighbridge", *arguments],
        env=env, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout


def test_a_data_set_goes_in_over_rest_and_out_to_every_client(
    registry: RegistryProcess, hub: HubServer, env: dict[str, str], tmp_path: Path
) -> None:
    status, package, _ = registry.ingest(NAME, kind="dataset", thresholds={"dataset_quality": 0.7})
    assert (status, package["kind"], package["commit"]) == (200, "dataset", hub.repos[NAME].head)
    id = package["package_id"]
    assert [p["package_id"] for p in registry.call("GET", "/packages?kind=dataset")[1]["packages"]] == [id]
    assert registry.call("GET", "/packages?kind=model")[1]["packages"] == []
    assert registry.call("GET", f"/versions?name={NAME}&kind=dataset")[1]["latest"] == "1.0.0"
    assert registry.call("GET", f"/package/{id}/verdict")[1]["kind"] == "dataset"
    assert registry.call("GET", f"/package/{id}/bom")[1]["metadata"]["component"]["type"] == "data"
    with urllib.request.urlopen(f"{registry.url}/package/{id}/package.zip", timeout=600) as answer:
        assert "datasets-acme-weighings-1.0.0.zip" in answer.headers["Content-Disposition"]
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    assert {path: archive.read(path) for path in FILES} == FILES
    client = {**env, "HF_ENDPOINT": registry.url, "HF_HOME": str(tmp_path / "hf"), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", READ], env=client, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    place, sha = done.stdout.splitlines()[-2:]
    assert sha == package["commit"]
    assert {path: (Path(place) / path).read_bytes() for path in FILES} == FILES
    reason = {"reason": "the plates were real"}
    assert registry.call("POST", f"/package/{id}/withdraw", reason)[0] == 200
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{registry.url}/datasets/{NAME}/resolve/1.0.0/README.md", timeout=600)
    with refused.value as answer:
        assert answer.code == 403
        assert answer.headers["X-Error-Message"].endswith("was withdrawn: the plates were real")


def test_the_command_line_spells_a_data_set_with_its_kind(env: dict[str, str]) -> None:
    name = f"datasets/{NAME}"
    assert command(env, "ingest", NAME, "--kind", "dataset").startswith(f"accepted {name}@1.0.0 ")
    assert f"{name}@1.0.0" in command(env, "package", "list", "--kind", "dataset")
    assert command(env, "papers", f"{name}@1.0.0").startswith(f"{name}@1.0.0 ")
    command(env, "ingest", name, "--threshold", "size_score=0.1", code=2)
