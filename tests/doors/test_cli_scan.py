"""``weighbridge scan`` over a file, a folder and a repository."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.forge import safetensors, system
from tests.hub_server import serve_hub
from tests.warm import run_warm

CLEAN = {"README.md": b"# hello\n", "model.safetensors": safetensors(b"{}")}


def scan(target: str, place: Path, endpoint: str = "http://127.0.0.1:9") -> tuple[int, Any]:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(place / "user"),
        "WEIGHBRIDGE_HOME": str(place / "home"),
        "HF_ENDPOINT": endpoint,
        "NO_PROXY": "127.0.0.1",
    }
    ran = run_warm(["scan", target, "--json"], env=environ, cwd=place)
    assert "Traceback" not in ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def test_a_repository_of_the_upstream_is_fetched_and_scanned(tmp_path: Path) -> None:
    with serve_hub({"org/good": CLEAN, "org/bad": {**CLEAN, "m.pkl": system("/dev/null/x")}}) as server:
        code, told = scan("org/good", tmp_path, server.url)
        assert (code, told["verdict"]) == (0, "allow")
        assert {file["path"] for file in told["files"]} >= set(CLEAN)
        assert next(iter(told)) == "verdict"
        assert set(told["files"][0]) >= {"path", "verdict", "state", "findings"}
        code, told = scan("org/bad@main", tmp_path, server.url)
        assert (code, told["verdict"]) == (3, "block")
        assert {file["path"]: file["verdict"] for file in told["files"]}["m.pkl"] == "block"
        code, told = scan("org/none", tmp_path, server.url)
        assert code == 4


@pytest.mark.parametrize(("name", "code", "verdict"), [("README.md", 0, "allow"), ("run.sh", 3, "review")])
def test_a_file_and_a_folder_need_no_hub(name: str, code: int, verdict: str, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(b"hello\n")
    for target in (f"a/b/{name}", "a/b", str(folder)):
        got, told = scan(target, tmp_path)
        assert (got, told["verdict"], len(told["files"])) == (code, verdict, 1)
    assert scan("./nothing.bin", tmp_path)[0] == 4
    assert scan("a/b/nothing.bin", tmp_path)[0] == 4


def test_a_name_without_a_slash_is_a_repository_unless_it_is_a_path(tmp_path: Path) -> None:
    with serve_hub({"gpt2": CLEAN}) as server:
        code, told = scan("gpt2", tmp_path, server.url)
        assert (code, told["verdict"], len(told["files"]) >= 2) == (0, "allow", True)
        code, told = scan("gpt3", tmp_path, server.url)
        assert (code, "./gpt3" in told["error"]["hint"]) == (4, True)
        (tmp_path / "gpt2").write_bytes(b"\x7fELF" + bytes(100))
        assert scan("gpt2", tmp_path, server.url)[1]["verdict"] == "block"
