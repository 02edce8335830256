"""The whole description of the REST door, tried by schemathesis with all its checks on a running server."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.doors.asgi_server import serving
from tests.doors.test_rest import Registry
from weighbridge.bridge import open_bridge
from weighbridge.doors.rest import rest_app
from weighbridge.settings import load_settings

CONFIG = """
[checks.positive_data_acceptance]
# What the description cannot say: 'after' must be an id that this registry gave, kinds that are known
# may not be weighed, names may not hold '--', a revision is git's, and 424 and 503 are the Hub's.
expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 406, 409, 412, 416, 422, 424, 429, "5xx"]

[[operations]]
# Requests that nothing but their form decides: what the description allows must be taken.
include-path-regex = "^/(audit|policy|health|livez|metrics|attestation-key)$"
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404]
"""


def tried(tmp_path: Path, examples: int, seed: int) -> subprocess.CompletedProcess[str]:
    """A run over every operation but the stream of events, which does not end."""
    registry = Registry(tmp_path)
    registry.open_accounts()
    environ = {"HOME": str(tmp_path), "WEIGHBRIDGE_HOME": str(tmp_path)}
    whole = open_bridge(load_settings({**environ, "WEIGHBRIDGE_UPSTREAM": "http://127.0.0.1:9"}))
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    with serving(rest_app(replace(registry.bridge, repos=whole.repos))) as url:
        registry.url = url
        registry.ingest("org/good")
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml",
                "run", f"{url}/openapi.json",
                "--header", f"Authorization: Bearer {registry.tokens['admin']}",
                "--phases", "examples,coverage,fuzzing", "--max-examples", str(examples), "--seed", str(seed),
                "--generation-database", "none", "--no-color", "--continue-on-failure",
                "--checks", "all", "--exclude-path-regex", "/events$",
            ],
            capture_output=True, text=True, timeout=3600, check=False, cwd=tmp_path,
        )  # fmt: skip
    whole.close()
    registry.bridge.close()
    return done


def test_no_request_that_the_description_allows_surprises(tmp_path: Path) -> None:
    done = tried(tmp_path, examples=5, seed=7)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]


@pytest.mark.torture
@pytest.mark.timeout(3700)
@pytest.mark.parametrize("seed", [1, 2])
def test_nor_one_of_many_more(tmp_path: Path, seed: int) -> None:
    done = tried(tmp_path, examples=300, seed=seed)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
