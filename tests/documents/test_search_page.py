"""The commands of docs/search.md, run as they stand there, with a Hub and without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents.test_hub_pages import commands
from tests.doors.cli_in_process import Shell
from tests.hub_server import HubRepo, serve_hub


def test_the_page_on_searching(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = HubRepo({"a.txt": b"a"})
    tags = ["en", "safetensors", "transformers", "license:apache-2.0"]
    model.info |= {"tags": tags, "pipeline_tag": "fill-mask", "lastModified": "2026-01-01T00:00:00.000Z"}
    shown = commands("search.md")
    assert {arguments[0] for arguments in shown} == {"search", "catalog"}
    assert len(shown) == 7
    with serve_hub({"acme/bert-text-classification": model}) as hub:
        env = {"HOME": str(tmp_path), "WEIGHBRIDGE_HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.url}
        shell = Shell(env, monkeypatch, capsys)
        for arguments in shown:
            out, _ = shell.run(*arguments)
            assert arguments[0] == "catalog" or "acme/bert-text-classification" in out
    shell.env["HF_HUB_OFFLINE"] = "1"
    for arguments in shown:
        out, _ = shell.run(*arguments, code=6 if arguments[:2] == ["catalog", "sync"] else 0)
        assert arguments[0] == "catalog" or "acme/bert-text-classification" in out
