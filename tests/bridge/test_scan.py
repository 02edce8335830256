"""Scanning what lies in a folder."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from pathlib import Path

import pytest

from weighbridge.bridge.scan import scan_path
from weighbridge.domain.scan import ScanState, Severity
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


def test_what_changes_while_it_is_scanned_is_for_review(tmp_path: Path) -> None:
    file = tmp_path / "numbers.pkl"  # scanned in another process: there is time to change it meanwhile
    file.write_bytes(pickle.dumps([float(number) for number in range(1000)]))
    assert scan_path(tmp_path).verdict is Severity.ALLOW
    done = threading.Event()

    def touch() -> None:
        second = 0
        while not done.is_set():
            second += 1
            os.utime(file, (second, second))

    busy = threading.Thread(target=touch)
    busy.start()
    try:
        (scan,) = scan_path(tmp_path).files
    finally:
        done.set()
        busy.join()
    assert (scan.verdict, scan.state) == (Severity.REVIEW, ScanState.ERROR)
    assert [finding.rule for finding in scan.findings] == ["scan.unreadable"]


@pytest.mark.skipif(sys.platform != "linux", reason="a file that nobody can read to its end")
def test_what_cannot_be_read_is_for_review() -> None:
    """Not even the superuser reads the first page of a process."""
    (scan,) = scan_path(Path("/proc/self/mem")).files
    assert (scan.verdict, scan.state) == (Severity.REVIEW, ScanState.ERROR)


@pytest.mark.skipif(os.geteuid() == 0, reason="everything is open to the superuser")
def test_a_folder_and_a_file_that_are_closed_are_for_review_and_hide_nothing(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "handler.py").write_text("x = 1\n")
    (tmp_path / "closed.bin").write_bytes(b"\x80\x02N.")
    (tmp_path / "closed").chmod(0)
    (tmp_path / "closed.bin").chmod(0)
    found = verdicts(tmp_path)
    (tmp_path / "closed").chmod(0o700)
    assert found == {"closed": "review", "closed.bin": "review"}
