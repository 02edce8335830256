"""The examples of the page on REST, and the quick start: each runs as it stands, against a real registry."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.documents.blocks import DOCUMENTS, Block, Page, environment
from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.made_data import FILES, made_data
from tests.made_data import NAME as MADE_DATA
from tests.made_models import train
from tests.ports import HeldPort
from tests.registry_process import running
from weighbridge.doors.demo.models import DATA, MADE

REST, QUICK = Page.read(DOCUMENTS / "rest.md"), Page.read(DOCUMENTS / "quickstart.md")
ADDRESS, PASSWORD = "http://localhost:8000", "correct horse"
SST2 = "distilbert/distilbert-base-uncased-finetuned-sst-2-english"
LONGEST_S = 1200
GROUPS = (
    "Logging in", "Taking in", "Jobs", "Finding", "What a package carries", "Refusals and the policy",
    "Accounts and tokens", "Looking after it",
)  # fmt: skip


def worked_on(repo: HubRepo, files: Mapping[str, bytes]) -> HubRepo:
    repo.authors = ("ann", "bob", "cid")
    for number in range(5):
        repo.commit({**files, "CHANGES.md": b"%d\n" % number})
    repo.commit(files)
    return repo


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """The repositories that the pages name."""
    made = train(tmp_path_factory.mktemp("made"))
    repos = made.repos()
    named: dict[str, HubRepo] = {DATA: repos[DATA]}
    for name in ("org/model", SST2):
        files = {path: content.replace(MADE.encode(), name.encode()) for path, content in made.model.items()}
        named[name] = worked_on(HubRepo(files), files)
        named[name].info = repos[MADE].info
    for name in ("org/data", "stanfordnlp/sst2"):
        named[name] = made_data({p: c.replace(MADE_DATA.encode(), name.encode()) for p, c in FILES.items()})
    named["org/unknown"] = HubRepo({"README.md": b"# A model\n", "config.json": b"{}"})
    with serve_hub(named) as server:
        yield server


def joined(blocks: Sequence[Block]) -> str:
    """One script of blocks of the shell and of Python, each where it stands."""
    return "\n".join(
        block.text if block.language == "bash" else f"python3 - <<'EOF'\n{block.text}EOF\n"
        for block in blocks
        if "no-run" not in block.words
    )


def test_every_group_of_routes_has_an_example_in_both() -> None:
    for language in ("bash", "python"):
        assert tuple(b.heading for b in REST.blocks(language) if b.heading in GROUPS) == GROUPS


def test_every_example_of_the_page_runs(hub: HubServer, tmp_path: Path) -> None:
    env = environment(
        tmp_path, WEIGHBRIDGE_UPSTREAM=hub.url, WEIGHBRIDGE_ADMIN_PASSWORD=PASSWORD, NO_PROXY="127.0.0.1"
    )
    with running("serve", env, tmp_path / "log") as server:
        table = {ADDRESS: server.url}
        shell = [b.replaced(table) for b in REST.blocks("bash") if b.heading in GROUPS]
        python = [b.replaced(table) for b in REST.blocks("python") if b.heading in GROUPS]
        whole = Block("bash", (), "\n".join(b.text for b in shell), "By example", shell[0].line)
        said = whole.run(cwd=tmp_path, env=env, timeout_s=LONGEST_S).stdout
        assert "event: job" in said
        assert "refused" in said
        verdict = json.loads((tmp_path / "verdict.json").read_text())
        assert verdict["outcome"] == "accepted"
        assert (tmp_path / "model.zip").read_bytes()[:2] == b"PK"
        program = Block("python", (), "\n".join(b.text for b in python), "By example", python[0].line)
        said = program.run(cwd=tmp_path, env=env, timeout_s=LONGEST_S).stdout
        lines = said.splitlines()
    assert lines[0].startswith("Model does not meet quality requirements.")
    assert "[('org/model', 'failed'), ('org/data', 'failed')]" in lines
    assert any(line.startswith("refused [") for line in lines)
    assert any(line.startswith("org/data 1.0.0 0.") for line in lines)
    assert any(line.startswith("pkg:huggingface/org/model@") for line in lines)
    assert f"206 {b'PK' + bytes([3, 4])!r}" in lines
    assert "ann ['search'] 204" in lines
    assert "[['download']]" in lines, "the session ended with its password"
    assert "['admin', 'ann'] True" in lines
    assert "withdrawn its card names the wrong data; use 1.1.0" in lines
    assert "deleted its card names the wrong data; use 1.1.0" in lines
    assert lines[-1] == "ok ok"


def test_the_quick_start_runs_from_its_first_command_to_its_last(hub: HubServer, tmp_path: Path) -> None:
    held = HeldPort()
    blocks = QUICK.blocks("bash", "python")
    assert [block.heading for block in blocks if "no-run" in block.words] == ["1. Install"]
    script = joined(blocks).replace(
        "weighbridge serve &", f"weighbridge serve --port {held.number} >server.log 2>&1 &"
    )
    script = script.replace("localhost:8000", f"127.0.0.1:{held.number}")
    env = environment(
        tmp_path, WEIGHBRIDGE_UPSTREAM=hub.url, NO_PROXY="127.0.0.1", HF_HOME=str(tmp_path / "hf")
    )
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    process = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        said = process.communicate(timeout=LONGEST_S)[0]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        held.release()
    assert process.returncode == 0, said
    assert f"accepted {SST2}@1.0.0" in said
    assert "accepted datasets/stanfordnlp/sst2@1.0.0" in said
    assert "model holds exactly these files" in said
    assert (tmp_path / "model" / "model.safetensors").stat().st_size > 0
    assert (tmp_path / "data" / "data" / "test.jsonl").exists()
    listed = json.loads(said.splitlines()[-1])
    assert {package["name"] for package in listed["packages"]} == {SST2, "stanfordnlp/sst2"}
