"""Scanning what lies in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from weighbridge.bridge.scan import scan_path
from weighbridge.domain.scan import Severity
from weighbridge.errors import NotFound


def verdicts(folder: Path) -> dict[str, str]:
    return {file.path: file.verdict.word for file in scan_path(folder).files}


def test_a_folder_is_scanned_whole(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "config.json").write_text("{}")
    (tmp_path / "handler.py").write_text("x = 1\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "hook.py").write_text("x = 1\n")
    assert verdicts(tmp_path) == {"handler.py": "review", "sub/config.json": "allow"}
    assert scan_path(tmp_path).verdict is Severity.REVIEW


def test_a_link_within_the_folder_is_its_target_and_one_out_of_it_is_not_followed(tmp_path: Path) -> None:
    cache = tmp_path / "models--org--name"
    for folder in ("blobs", "snapshots/abc"):
        (cache / folder).mkdir(parents=True)
    (cache / "blobs" / "0123").write_text("{}")
    (cache / "snapshots" / "abc" / "config.json").symlink_to("../../blobs/0123")
    (tmp_path / "secret.txt").write_text("a secret")
    (cache / "snapshots" / "abc" / "README.md").symlink_to("../../../secret.txt")
    found = verdicts(cache)
    assert found["snapshots/abc/config.json"] == "allow"
    assert found["snapshots/abc/README.md"] == "block"
    assert scan_path(cache).verdict is Severity.BLOCK


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.bin")
    (tmp_path / "gone.json").symlink_to("nowhere.json")
    found = verdicts(tmp_path)
    assert found["model.bin"] == "block"
    assert found["gone.json"] in ("review", "block")


def test_a_single_file_and_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert verdicts(tmp_path / "config.json") == {"config.json": "allow"}
    with pytest.raises(NotFound):
        scan_path(tmp_path / "absent")
