"""The files for operators name what there is. They are read here, not run: see deploy/README.md."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

from weighbridge.adapters.blobs_s3 import open_bucket
from weighbridge.doors.cli.app import COMMANDS
from weighbridge.settings import VARIABLES, load_settings

DEPLOY = Path(__file__).parents[2] / "deploy"
OURS = re.compile(r"\b(?:WEIGHBRIDGE|HF)_[A-Z0-9_]+")
NAMES = {name for _, name, _, _ in COMMANDS}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text())
    return found


@pytest.mark.parametrize("file", sorted(DEPLOY.iterdir()), ids=lambda file: file.name)
def test_each_variable_is_one_of_ours(file: Path) -> None:
    named = set(OURS.findall(file.read_text()))
    assert named
    assert named <= set(VARIABLES)


def test_the_services_are_a_server_two_workers_a_database_and_a_bucket(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"server", "worker", "database", "store", "bucket"}
    assert services["worker"]["deploy"]["replicas"] == 2
    for name in ("server", "worker"):
        service = services[name]
        assert service["command"][0] in NAMES
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        for volume in service["volumes"]:
            assert volume.split(":")[0] in compose["volumes"]
        for secret in service["secrets"]:
            assert secret in compose["secrets"]
            assert f"/run/secrets/{secret}" in service["environment"].values()
        context = DEPLOY / service["build"]["context"]
        assert (context / service["build"]["dockerfile"]).is_file()


def test_server_and_workers_find_the_bucket_that_is_made(compose: dict[str, Any]) -> None:
    services = compose["services"]
    (keys,) = services["store"]["configs"]
    told = "--".join(services["bucket"]["command"])
    for name in ("server", "worker"):
        environ = services[name]["environment"]
        settings = load_settings(
            {
                key: str(value)
                for key, value in environ.items()
                if not key.endswith(("_FILE", "_DATABASE_URL"))
            }
        )
        bucket = open_bucket(settings.store_url, settings.s3, settings.store_public_url)
        assert bucket.name.startswith("s3://weighbridge/")
        assert bucket.signing is None
        place = urlsplit(environ["AWS_ENDPOINT_URL"])
        assert place.hostname in services
        assert f"-s3.port={place.port}" in services["store"]["command"]
        assert f"-s3.config={keys['target']}" in services["store"]["command"]
        assert "s3.bucket.create -name weighbridge" in told
        assert services[name]["depends_on"]["bucket"]["condition"] == "service_completed_successfully"
        keyed = compose["configs"][keys["source"]]["content"]
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            assert environ[variable].split(":?")[0] in keyed
    identities = json.loads(keyed)["identities"]
    assert {action.partition(":")[2] for action in identities[0]["actions"]} == {"weighbridge"}
    assert "store" in compose["volumes"]


def test_no_port_is_open_to_the_network_by_itself(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_image_is_made_of_files_that_there_are_and_does_not_run_as_root() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    lines = [line.split() for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    for words in lines:
        if words[0] == "COPY" and not words[1].startswith("--from"):
            assert all((DEPLOY.parent / name).exists() for name in words[1:-1])
    users = [words[1] for words in lines if words[0] == "USER"]
    assert users == ["10001:10001"]
    commands = [line for line in text.splitlines() if line.startswith("CMD")]
    assert commands == ['CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]']
    assert "serve" in NAMES
    assert "/livez" in text


def unit_lines() -> list[tuple[str, str]]:
    lines = (DEPLOY / "weighbridge.service").read_text().splitlines()
    return [(name, value) for name, _, value in (line.partition("=") for line in lines if "=" in line)]


def test_the_unit_starts_a_command_that_there_is_and_keeps_its_files_to_itself() -> None:
    found = dict(unit_lines())
    words = shlex.split(found["ExecStart"])
    assert Path(words[0]).name == "weighbridge"
    assert words[1] in NAMES
    assert (found["DynamicUser"], found["ProtectSystem"], found["NoNewPrivileges"]) == (
        "yes",
        "strict",
        "yes",
    )
    assert found["UMask"] == "0077"
    assert int(found["TimeoutStopSec"]) > 10  # answers in flight have ten seconds


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "weighbridge.service").read_text()
    unit = tmp_path / "weighbridge.service"
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    ran = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_no_secret_stands_in_a_file() -> None:
    for file in DEPLOY.iterdir():
        for line in file.read_text().splitlines():
            for name, value in re.findall(r"(?<!\$\{)\b(\w*(?:PASSWORD|TOKEN|SECRET)\w*)[:=]\s*(\S+)", line):
                assert name.endswith("_FILE") or value.startswith(("%s", "${")), line
