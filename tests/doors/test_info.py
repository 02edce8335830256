"""``weighbridge info`` on a folder of models that is served as a Hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub_server import HubRepo, HubServer, serve_hub

WEIGHTS = b"\x02\0\0\0\0\0\0\0{}" + b"\0" * 4000
CARD = "---\nlicense: {license}\n{more}---\n# A model\n\nIt says something.\n"


def repo(license: str, more: str = "") -> HubRepo:
    made = HubRepo(
        {
            "README.md": CARD.format(license=license, more=more).encode(),
            "config.json": b'{"model_type": "bert"}',
            "model.safetensors": WEIGHTS,
            "pytorch_model.bin": WEIGHTS * 2,
        }
    )
    made.info = {
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "cardData": {"license": license},
        "tags": [f"license:{license}"],
        "safetensors": {"total": 1234567},
        "securityRepoStatus": {
            "scansDone": True,
            "filesWithIssues": [{"path": "pytorch_model.bin", "level": "suspicious"}],
        },
    }
    return made


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    repos = {
        "meta/base": repo("llama2"),
        "acme/free": repo("apache-2.0"),
        "acme/derived": repo("mit", "base_model: meta/base\n"),
    }
    with serve_hub(repos) as server:
        yield server


def run(hub: HubServer, home: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "WEIGHBRIDGE_HOME": str(home / "registry"),
        "WEIGHBRIDGE_UPSTREAM": hub.url,
        "COLUMNS": "100",
    }
    command = [sys.executable, "-m", "weighbridge", "info", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    return done


def test_it_tells_the_licence_with_its_base_model_and_the_size(hub: HubServer, tmp_path: Path) -> None:
    told = run(hub, tmp_path, "acme/derived").stdout
    flat = " ".join(told.split())
    assert "MIT (model); LicenseRef-HF-llama2 (base model meta/base)" in flat
    assert "commercial use conditional" in flat
    assert "above 700 million monthly users" in flat
    assert "[licence.mismatch]" in flat
    assert "4.0 kB to load (safetensors, 1,234,567 parameters)" in flat
    assert "pytorch_model.bin (suspicious)" in flat
    assert "here: not admitted" in flat
    assert max(map(len, told.splitlines())) <= 100
    assert "\x1b" not in told


def test_as_json(hub: HubServer, tmp_path: Path) -> None:
    told: Any = json.loads(run(hub, tmp_path, "acme/free", "--json").stdout)
    assert told["licence"]["commercial_use"] == "yes"
    assert told["size"]["load_bytes"] == len(WEIGHTS)
    assert told["formats"] == {"bin": 2 * len(WEIGHTS), "safetensors": len(WEIGHTS)}
    assert told["safety"]["upstream_issues"] == ["pytorch_model.bin (suspicious)"]
    assert hub.asked("*/resolve/*README.md")
    assert not hub.asked("*/resolve/*model.safetensors")


@pytest.mark.parametrize(
    ("repo", "wish", "code"),
    [
        ("acme/free", "commercial", 0),
        ("acme/free", "MIT OR Apache-2.0", 0),
        ("acme/derived", "commercial", 0),
        ("acme/derived", "unconditional", 3),
        ("acme/derived", "MIT", 3),
        ("acme/free", "No-Such-Licence", 2),
        ("acme/none", "commercial", 4),
    ],
)
def test_what_is_required_decides_the_exit_code(
    hub: HubServer, tmp_path: Path, repo: str, wish: str, code: int
) -> None:
    told = run(hub, tmp_path, repo, "--require", wish, "--json", code=code).stdout
    if code == 3:
        error = json.loads(told)["error"]
        assert error["code"] == "license-mismatch"
        assert "meta/base" in error["message"]
