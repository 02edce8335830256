"""The page on bundles, followed: a home with a network, one without, and files carried between them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download

from tests.documents.blocks import DOCUMENTS, Page, environment
from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.made_models import ONE_PERSON, Made, train
from tests.torture.killing import tree
from weighbridge.doors.demo.models import MADE

PAGE = Page.read(DOCUMENTS / "bundles.md")
NOWHERE = "http://127.0.0.1:9"
LIST = f"models:\n  - id: made\n    repo_id: {MADE}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return train(tmp_path_factory.mktemp("made"))


@pytest.fixture
def hub(made: Made) -> Iterator[HubServer]:
    repos: dict[str, HubRepo] = made.repos()
    with serve_hub(repos) as server:
        yield server


def side(place: Path, hub: str, policy: str = ONE_PERSON) -> dict[str, str]:
    """A project with a registry of its own; its environment."""
    place.mkdir()
    (place / "models.yaml").write_text(LIST)
    (place / "policy.yaml").write_text(policy)
    return environment(
        place,
        HF_ENDPOINT=hub,
        WEIGHBRIDGE_POLICY=str(place / "policy.yaml"),
        HF_HOME=str(place / "hf"),
        NO_PROXY="127.0.0.1",
    )


def run(arguments: list[str], env: Mapping[str, str], cwd: Path, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "weighbridge", *arguments],
        env=dict(env), cwd=cwd, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@contextmanager
def serving(env: Mapping[str, str], cwd: Path) -> Iterator[str]:
    """``weighbridge serve`` as a process; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "weighbridge", "serve", "--port", "0", "--json"],
        env=dict(env), cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.communicate(timeout=600)


def test_the_page_is_followed_across_the_gap(hub: HubServer, made: Made, tmp_path: Path) -> None:
    places = {"here": tmp_path / "here", "there": tmp_path / "there"}
    envs = {"here": side(places["here"], hub.url), "there": side(places["there"], NOWHERE)}
    run(["ingest", MADE], envs["here"], places["here"])
    table = {"org/name": MADE, "FOLDER": "fetched", "HEX": ""}
    blocks = PAGE.blocks("bash")
    assert [block.words for block in blocks] == [("here",), ("there",), ("here",), ("there",), ("there",)]
    for block in blocks:
        (which,) = block.words
        if "verify-attestation" in block.text:
            with serving(envs["there"], places["there"]) as url:
                got = snapshot_download(
                    MADE, endpoint=url, cache_dir=tmp_path / "cache", local_dir=places["there"] / "fetched"
                )
            fetched = {p: c for p, c in tree(Path(got)).items() if not p.startswith(".cache/")}
            assert fetched == dict(made.model)
        said = block.replaced(table).run(cwd=places[which], env=envs[which]).stdout
        table["HEX"] = said.partition("sha256:")[2].partition("\n")[0] or table["HEX"]
        for carried in (*places["here"].glob("*.bundle"), *places["here"].glob("*.pem")):
            shutil.copy(carried, places["there"])
    assert tree(places["there"] / "models" / "made") == dict(made.model)
    assert "holds exactly these files" in said
    listed = json.loads(run(["papers", MADE, "--json"], envs["there"], places["there"]))
    assert listed["papers"]["evidence"]["origin"]["hub"] == hub.url
    damaged = places["there"] / "fetched" / "README.md"
    damaged.write_bytes(damaged.read_bytes() + b".")
    block.replaced(table).run(cwd=places["there"], env=envs["there"], code=7)


def test_exit_codes_and_documents_of_both_commands(hub: HubServer, tmp_path: Path) -> None:
    here, there, bundle = tmp_path / "here", tmp_path / "there", str(tmp_path / "x.bundle")
    env = side(here, hub.url)
    behind = side(there, NOWHERE, "thresholds: {performance_claims: 0.99}\n")
    run(["ingest", MADE], env, here)
    told = json.loads(run(["bundle", "export", MADE, bundle, "--json"], env, here))
    key = run(["attestation-key"], env, here)
    (here / "here.pem").write_text(key)
    (there / "there.pem").write_text(run(["attestation-key"], behind, there))
    run(["bundle", "import", bundle, "--key", "there.pem"], behind, there, code=7)
    run(["bundle", "import", bundle, "--key", "absent.pem"], behind, there, code=4)
    run(["bundle", "import", bundle, "--config", "models.yaml"], behind, there, code=2)
    run(["bundle", "export", MADE, bundle, "--config", "models.yaml"], env, here, code=2)
    run(["bundle", "export"], env, here, code=2)
    run(["bundle", "export", "acme/absent", bundle], env, here, code=4)
    refused = run(["bundle", "import", bundle], behind, there, code=3)
    assert refused.startswith(f"refused {MADE}@1.0.0\n")
    assert "performance_claims" in refused
    document = json.loads(run(["bundle", "import", bundle, "--json"], behind, there, code=3))
    assert (document["keyid"], document["key_given"]) == (told["keyid"], False)
    assert document["packages"][0]["fate"] == "refused"
    assert document["packages"][0]["failures"][0]["metric"] == "performance_claims"
    (there / "policy.yaml").write_text(ONE_PERSON)
    known = [*("bundle", "import", bundle, "--key", str(here / "here.pem"), "--sha256", told["sha256"])]
    assert run(known, behind, there) == f"listed {MADE}@1.0.0\n"
    assert run(known, behind, there) == f"held {MADE}@1.0.0\n"
