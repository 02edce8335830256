"""``scan``, ``evidence``, ``withdraw`` and ``rescan`` as commands, over a real store and a real upstream."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.test_upkeep import files
from tests.hub_server import HubRepo, HubServer, serve_hub
from tests.warm import run_warm
from weighbridge.domain.waiver import METRICS_OF_THE_GATE

PICKLE = b"cos\nsystem\n(S'true'\ntR."


@pytest.fixture
def hub() -> Iterator[HubServer]:
    repos = {"acme/first": HubRepo(files()), "acme/worm": HubRepo(files(**{"extra.pkl": PICKLE}))}
    with serve_hub(repos) as server:
        yield server


class Terminal:
    def __init__(self, place: Path, hub: HubServer) -> None:
        self.place = place
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("WEIGHBRIDGE_")},
            "HOME": str(place),
            "WEIGHBRIDGE_HOME": str(place / "home"),
            "WEIGHBRIDGE_UPSTREAM": hub.url,
        }

    def run(self, *arguments: str, code: int = 0) -> str:
        done = run_warm(arguments, env=self.environ, cwd=self.place)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code in (0, 3) else done.stderr

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code))


@pytest.fixture
def terminal(tmp_path: Path, hub: HubServer) -> Terminal:
    return Terminal(tmp_path, hub)


def test_a_repository_is_scanned_out_of_the_store(terminal: Terminal, hub: HubServer) -> None:
    fine = terminal.json("scan", "acme/first")
    assert next(iter(fine)) == "verdict"
    assert fine["verdict"] == "allow"
    assert {file["path"]: file["state"] for file in fine["files"]} == dict.fromkeys(files(), "scanned")
    worm = terminal.json("scan", f"acme/worm@{hub.repos['acme/worm'].head}", code=3)
    bad = {file["path"]: file for file in worm["files"]}["extra.pkl"]
    assert (worm["verdict"], bad["verdict"]) == ("block", "block")
    assert bad["findings"][0]["rule"].startswith("pickle")
    assert "block: 4 files" in terminal.run("scan", "acme/worm", code=3)
    assert "no file or folder" in terminal.run("scan", "../absent/there", code=4)
    terminal.run("scan", "acme/absent", code=4)


def test_what_was_admitted_is_attached_to_scanned_again_and_withdrawn(terminal: Terminal) -> None:
    (terminal.place / "eval.yaml").write_text(
        "- dataset: {id: org/data, task_id: test}\n  value: 0.91\n  date: 2026-11-20\n"
    )
    attached = terminal.json("evidence", "add", "acme/first", "--file", "eval.yaml")
    assert (attached["repo"], attached["entries"][0]["value"]) == ("acme/first", 0.91)
    assert "acme/first" in terminal.run("evidence", "list")
    assert attached["id"] in terminal.run("evidence", "list")
    assert terminal.json("evidence", "remove", attached["id"]) == {"id": attached["id"], "removed": True}
    terminal.run("evidence", "remove", attached["id"], code=4)
    (terminal.place / "eval.yaml").write_text("- value: 1\n")
    assert "dataset.id" in terminal.run("evidence", "add", "acme/first", "--file", "eval.yaml", code=2)

    waived = [word for metric in METRICS_OF_THE_GATE for word in ("--waive", metric)]
    why = ("--reason", "a test of what comes later")
    assert "2020-01-31" in terminal.run(
        "ingest", "acme/first", *waived, *why, "--expires", "2020-01-31", code=2
    )
    assert "--waive" in terminal.run("ingest", "acme/first", "--expires", "2999-12-31", code=2)
    assert "2027-13-01" in terminal.run(
        "ingest", "acme/first", *waived, *why, "--expires", "2027-13-01", code=2
    )
    taken = terminal.json("ingest", "acme/first", *waived, *why, "--expires", "2999-12-31")
    case = json.loads(terminal.run("case", "acme/first@1.0.0"))
    assert {waiver["expires"] for waiver in case["policy"]["waivers"]} == {"2999-12-31"}
    assert taken[0]["version"] == "1.0.0"
    counts = {"kept": 0, "withdrawn": 0, "current": 1, "unsure": 0}
    assert terminal.json("rescan")["counts"] == counts
    assert "kept      acme/first@1.0.0 (allow -> allow)" in terminal.run("rescan", "acme/first", "--all")
    assert "names no version" in terminal.run("withdraw", "acme/first", "--reason", "old", code=2)
    gone = terminal.json("withdraw", "acme/first@1.0.0", "--reason", "leaks its training data")
    assert (gone["state"], gone["state_reason"]) == ("withdrawn", "leaks its training data")
    terminal.run("withdraw", "acme/first@1.0.0", "--reason", "again", code=5)
    assert terminal.json("rescan", "--all")["counts"] == {**counts, "current": 0}
