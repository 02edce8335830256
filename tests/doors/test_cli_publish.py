"""``weighbridge publish``: its exit codes, what it says, and what it never says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.test_publish import MINE, served_bases, settings_of
from tests.doors.trained_folders import BASES, lora, write
from tests.doors.uploading import Registry, registry_at
from tests.doors.written_folder import Written
from tests.hub_server import HubRepo, serve_hub
from tests.torture.killing import environment, run, tree
from weighbridge.adapters.progress import SilentReporter
from weighbridge.bridge.publishing import publish
from weighbridge.domain.publish_request import PublishRequest
from weighbridge.domain.ref import RepoId
from weighbridge.errors import Conflict, DigestMismatch, WeighbridgeError
from weighbridge.settings import load_settings

CANARY = "hf_canaryCanaryCanary0123456789"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    with served_bases(tmp_path_factory.mktemp("hub")) as running:
        yield running


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry_at(tmp_path_factory.mktemp("registry")) as running:
        yield running


def said(place: Path, hub: str, token: str, *words: str) -> subprocess.CompletedProcess[str]:
    lora(place / "mine")
    env = environment(
        place / "home", HF_ENDPOINT=hub, HOME=str(place), **({"HF_TOKEN": token} if token else {})
    )
    ran = run(["publish", str(place / "mine"), *words], env, place)
    assert "Traceback" not in ran.stderr
    assert CANARY not in ran.stdout + ran.stderr
    return ran


def test_what_was_done_is_told_in_words_and_in_json(hub: Written, tmp_path: Path) -> None:
    looked = said(tmp_path, hub.url, CANARY, "--repo", "ann/told", "--dry-run", "--language", "en")
    assert looked.returncode == 0, looked.stderr
    assert looked.stdout.startswith("---\nbase_model: acme/base\n")
    assert "left out: .env looks like a secret" in looked.stderr
    assert hub.call("GET", "/api/models/ann/told").status == 404
    done = said(tmp_path, hub.url, CANARY, "--repo", "ann/told", "--json")
    told = json.loads(done.stdout)
    assert told["commit"] == hub.sha("ann/told")
    assert (told["new"], told["changed"], told["url"]) == (True, True, f"{hub.url}/ann/told")
    assert {file["path"] for file in told["files"]} >= {
        "README.md",
        "checksums.txt",
        "adapter_model.safetensors",
    }
    assert told["gate"]["outcome"] in ("refused", "indeterminate")
    assert not any(CANARY.encode() in content for content in tree(tmp_path).values())


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["--repo", "no/such/name"], 2, "org/name"),
        (["--repo", "ann/x", "--metric", "accuracy"], 2, "accuracy=0.85"),
        (["--repo", "ann/x", "--include", "*.nothing"], 2, ""),
        (["--repo", "ann/x", "--revision", "dev", "--create-pr"], 2, ""),
        (["--repo", "ann/x", "--gate"], 3, ""),
        (["--repo", "ann/x", "--training-config", "absent.json"], 2, ""),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_sent(
    words: list[str], code: int, hint: str, hub: Written, tmp_path: Path
) -> None:
    ran = said(tmp_path, hub.url, CANARY, *words)
    assert ran.returncode == code, ran.stderr
    assert hint in ran.stderr
    assert hub.call("GET", "/api/models/ann/x").status == 404


def test_who_may_not_is_told_the_next_step(registry: Registry, tmp_path: Path) -> None:
    for token, hint in (("", "weighbridge login"), (registry.tokens["rita"], "weighbridge whoami")):
        ran = said(tmp_path, registry.url, token, "--repo", "rita/mine")
        assert ran.returncode == 8, ran.stderr
        assert hint in ran.stderr
        assert not token or token not in ran.stderr
    assert said(tmp_path, registry.url, registry.tokens["ann"], "--repo", "ann/mine").returncode == 0
    ran = said(tmp_path, "http://127.0.0.1:9", CANARY, "--repo", "ann/mine")
    assert ran.returncode == 6, ran.stderr


class Interfering(SilentReporter):
    """Somebody who commits once everything was looked at and before it is sent."""

    def __init__(self, hub: Written) -> None:
        self._hub = hub

    def begin(self, title: str, total_bytes: int) -> None:
        """Commit, when the sending begins."""
        if title.startswith("ann/mine"):
            self._hub.commit("ann/mine", {"notes.txt": "in between"})


def test_a_commit_in_between_is_a_conflict_and_not_overwritten(hub: Written, tmp_path: Path) -> None:
    folder, settings = tmp_path / "mine", settings_of(hub, tmp_path)
    request = PublishRequest(folder=folder, repo=MINE, said=lora(folder))
    publish(request, settings)
    write(folder, {"generation_config.json": b"{}"})
    with pytest.raises(Conflict) as caught:
        publish(request, settings, Interfering(hub))
    assert "run the same command again" in caught.value.hint
    files = hub.files("ann/mine")
    assert "generation_config.json" not in files
    assert files["notes.txt"] == b"in between"


def test_a_token_goes_to_its_own_hub_only(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    request = PublishRequest(folder=folder, repo=MINE, said=lora(folder), dry_run=True)
    with serve_hub({"acme/base": HubRepo(BASES["acme/base"])}) as upstream, serve_hub({}) as other:
        environ = {"WEIGHBRIDGE_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "HF_TOKEN": CANARY}
        settings = load_settings({**environ, "HF_ENDPOINT": upstream.url, "NO_PROXY": "127.0.0.1"})
        for token in (None, "hf_other"):
            done = publish(request, settings, endpoint=other.url, token=token)
            assert done.url == f"{other.url}/ann/mine"
            assert "license: mit" in done.card  # what that Hub says of every model
        sent = [str(asked.headers.get("authorization")) for asked in other.asked("*")]
        shown = [str(asked.headers.get("authorization")) for asked in upstream.asked("*")]
    assert set(sent) == {"None", "Bearer hf_other"}
    assert set(shown) == {f"Bearer {CANARY}"}


class Writing(SilentReporter):
    """Somebody who writes a file of the folder when a stretch of work begins."""

    def __init__(self, stretch: str, file: Path) -> None:
        self._stretch, self._file = stretch, file

    def begin(self, title: str, total_bytes: int) -> None:
        """Write, when it is this one."""
        if title.startswith(self._stretch):
            self._file.write_bytes(self._file.read_bytes() + b" ")


@pytest.mark.parametrize(
    ("stretch", "told", "is_there"), [("checksums", Conflict, False), ("ann/", DigestMismatch, True)]
)
def test_a_file_that_changes_meanwhile_is_never_taken_for_what_was_scanned(
    stretch: str, told: type[WeighbridgeError], is_there: bool, hub: Written, tmp_path: Path
) -> None:
    folder, repo = tmp_path / "mine", RepoId.parse(f"ann/changed-{stretch.strip('/')}")
    request = PublishRequest(folder=folder, repo=repo, said=lora(folder))
    with pytest.raises(told, match=r"adapter_config\.json"):
        publish(request, settings_of(hub, tmp_path), Writing(stretch, folder / "adapter_config.json"))
    assert (hub.call("GET", f"/api/models/{repo}").status == 200) is is_there
    publish(request, settings_of(hub, tmp_path))
    assert hub.files(str(repo))["adapter_config.json"] == (folder / "adapter_config.json").read_bytes()
