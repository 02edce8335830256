"""What a sync touches, folders for those who edit, and what clean leaves to others."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors.test_cli_models import FILES, WEIGHTS, Desk
from tests.hub_server import serve_hub
from weighbridge.adapters.lock_file import LockRegister

LISTENING = """
import json, sys
opened, sockets = [], []

def hear(event, arguments):
    if event == "open":
        opened.append(str(arguments[0]))
    elif event.startswith("socket."):
        sockets.append(event)

sys.addaudithook(hear)
from weighbridge.doors.cli.app import main
try:
    main(["sync", "--frozen"])
finally:
    print(json.dumps({"opened": opened, "sockets": sockets}))
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serve_hub({"org/a": FILES, "org/b": FILES}) as server:
        yield Desk(tmp_path, server)


def _shown(desk: Desk, layout: str) -> list[Path]:
    """Every file that the models of the list show."""
    folders = [Path(line["folder"]) for line in desk.json("list", "--layout", layout)["models"]]
    return [path for folder in folders for path in folder.rglob("*") if not path.is_dir()]


@pytest.mark.parametrize("layout", ["dir", "hf-cache"])
def test_a_held_sync_opens_no_file_of_a_model_and_no_connection(desk: Desk, layout: str) -> None:
    desk.list.write_text(f"layout: {layout}\n" + desk.list.read_text())
    desk.run("sync")
    shown = _shown(desk, layout)
    assert len(shown) == len(FILES) + 1
    said = subprocess.run(
        [sys.executable, "-c", LISTENING],
        cwd=desk.place, env=desk.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seen = json.loads(said.stdout.splitlines()[-1])
    folders = tuple(f"{path.parent}/" for path in shown)
    assert [path for path in seen["opened"] if path.startswith(folders) or "/blobs" in path] == []
    assert seen["sockets"] == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace counts what the kernel is asked")
@pytest.mark.parametrize("layout", ["dir", "hf-cache"])
def test_the_kernel_is_asked_for_one_stat_per_file(desk: Desk, layout: str) -> None:
    desk.list.write_text(f"layout: {layout}\n" + desk.list.read_text())
    desk.run("sync")
    shown, log = _shown(desk, layout), desk.place / "strace.txt"
    traced = ["strace", "-f", "-e", "trace=%file,%network,mmap,read", "-o", str(log)]
    done = subprocess.run(
        [*traced, sys.executable, "-m", "weighbridge", "sync", "--frozen"],
        cwd=desk.place, env=desk.environ, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0 and "ptrace" in done.stderr:
        pytest.skip("this machine lets nobody trace")
    assert done.returncode == 0, done.stderr
    lines = log.read_text().splitlines()
    for path in shown:
        calls = [re.sub(r"^\d+ +(\w+)\(.*", r"\1", line) for line in lines if f'"{path}"' in line]
        assert len(calls) == 1, (path, calls)
        assert "stat" in calls[0]
    assert [line for line in lines if "AF_INET" in line] == []


def _edit(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"mine")


def test_a_copy_can_be_edited_and_the_store_stays_right(desk: Desk) -> None:
    desk.run("sync", "--copy")
    path = desk.place / "models" / "a" / "model.safetensors"
    assert path.stat().st_nlink == 1
    assert os.access(path, os.W_OK)
    assert path.stat().st_mode & 0o200
    assert desk.states() == {"a": "held", "b": "held"}
    desk.run("sync")
    desk.run("verify")
    _edit(path)
    assert desk.states()["a"] == "tampered"
    assert "a/model.safetensors" in desk.run("verify", "a", code=7).stderr
    for more in ([], ["--copy"], ["--offline"]):
        done = desk.run("sync", "a", *more, code=5)
        assert "was laid out to be edited, and was: model.safetensors" in done.stderr
    assert path.read_bytes()[:4] == b"mine"
    desk.run("clean", "a")
    desk.run("sync", "a")
    assert path.read_bytes() == WEIGHTS


def test_a_folder_of_links_becomes_one_of_copies_and_stays_one(desk: Desk) -> None:
    desk.run("sync")
    desk.run("sync", "--copy", "--offline")
    path = desk.place / "models" / "a" / "config.json"
    assert path.stat().st_mode & 0o200
    desk.server.repos["org/a"].commit({**FILES, "config.json": b'{"new": 1}'})
    desk.run("lock", "--upgrade", "a")
    desk.run("sync")
    assert path.read_bytes() == b'{"new": 1}'
    assert path.stat().st_mode & 0o200
    path.unlink()
    desk.run("sync")
    assert path.read_bytes() == b'{"new": 1}'


def test_a_copy_of_a_damaged_content_is_not_laid_out(desk: Desk) -> None:
    """Its size is right and its inode is new: only the other names of the stored one tell."""
    desk.run("sync")
    path = desk.place / "models" / "a" / "model.safetensors"
    path.chmod(0o644)
    _edit(path)
    other = desk.place / "other" / "models.yaml"
    other.parent.mkdir()
    other.write_text(desk.list.read_text())
    desk.run("sync", "--copy", "--config", str(other))
    desk.run("verify", "--config", str(other))


def test_a_dry_run_tells_just_what_goes(desk: Desk) -> None:
    desk.run("sync")
    blobs = desk.place / "home" / "blobs-v1"
    old = desk.place / "home" / "tmp" / "left"
    old.write_bytes(bytes(777))
    os.utime(old, (1, 1))
    before = sorted(p for p in desk.place.rglob("*") if p != desk.place)
    would = desk.json("clean", "--dry-run")
    assert sorted(p for p in desk.place.rglob("*") if p != desk.place) == before
    held = sum(p.stat().st_size for p in blobs.rglob("*") if p.is_file())
    assert sum(line["stored_bytes"] for line in would["models"]) == held > 0
    assert would["unfinished_bytes"] == 777
    did = desk.json("clean")
    assert did == {**would, "dry_run": False}
    assert [p for p in blobs.rglob("*") if p.is_file()] == []
    assert not old.exists()


def test_a_folder_that_two_lists_share_stays_for_the_other_one(desk: Desk) -> None:
    minimal = desk.place / "models.minimal.yaml"
    minimal.write_text("models:\n  - {id: b, repo_id: org/b, files: ['*.json']}\n")
    desk.run("sync")
    desk.run("sync", "--config", str(minimal))
    would = desk.json("clean", "--dry-run")["models"]
    did = desk.json("clean")["models"]
    assert did == would
    assert [line["kept_for"] for line in did] == [None, str(minimal.with_suffix(".lock"))]
    desk.run("verify", "--config", str(minimal))
    assert "stays for" in desk.run("clean", "b").stderr
    desk.run("clean", "--config", str(minimal))
    assert not (desk.place / "models" / "b").exists()


def test_clean_waits_for_who_is_in_the_middle_of_a_sync(desk: Desk) -> None:
    desk.run("sync")
    with LockRegister(desk.place / "home").using():
        command = [sys.executable, "-m", "weighbridge", "clean"]
        process = subprocess.Popen(
            command,
            cwd=desk.place,
            env=desk.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert process.stderr.readline() == "waiting: another process is syncing with this home\n"
        assert desk.states() == {"a": "held", "b": "held"}
        desk.run("clean", "--dry-run")
    process.communicate(timeout=600)
    assert process.returncode == 0
    assert desk.states() == {"a": "missing", "b": "missing"}


def test_who_waits_for_another_download_is_told(desk: Desk) -> None:
    fault = desk.server.fault("*/resolve/*/model.safetensors", hold_after=1000)
    command = [sys.executable, "-m", "weighbridge", "sync"]
    first = subprocess.Popen(command, cwd=desk.place, env=desk.environ, stderr=subprocess.PIPE, text=True)
    arrived = threading.Event()
    while not desk.server.asked("*/resolve/*/model.safetensors"):
        arrived.wait(0.01)
    second = subprocess.Popen(command, cwd=desk.place, env=desk.environ, stderr=subprocess.PIPE, text=True)
    assert second.stderr is not None
    assert second.stderr.readline() == "waiting: another process is fetching org/a\n"
    fault.release()
    for process in (first, second):
        process.communicate(timeout=600)
        assert process.returncode == 0
    assert len(desk.server.asked("*/resolve/*/model.safetensors")) == 1


def test_a_store_beside_a_registry_stays_and_that_is_said(desk: Desk) -> None:
    desk.run("sync")
    (desk.place / "home" / "catalog.sqlite3").touch()
    done = desk.json("clean")
    assert done["stored_files_stay"] == "a registry lives in the same home"
    assert [line["stored_bytes"] for line in done["models"]] == [0, 0]
    desk.run("sync", "--offline")


def test_an_unreadable_lock_of_somebody_keeps_the_store(desk: Desk) -> None:
    other = desk.place / "other" / "models.yaml"
    other.parent.mkdir()
    other.write_text("models:\n  - {id: x, repo_id: org/b}\n")
    desk.run("sync", "--config", str(other))
    desk.run("sync")
    other.with_suffix(".lock").write_text("{")
    assert desk.json("clean")["stored_files_stay"] == "a lock that uses this home cannot be read"
    desk.run("sync", "--offline")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace plays a file system without locks")
@pytest.mark.parametrize("layout", ["dir", "hf-cache"])
def test_where_the_file_system_has_no_locks_two_syncs_still_end_right(desk: Desk, layout: str) -> None:
    large = {**FILES, "large.bin": WEIGHTS * 30}
    desk.server.repos["org/a"].commit(large)
    desk.list.write_text(f"layout: {layout}\n" + desk.list.read_text())
    lockless = ["strace", "-f", "-qq", "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK"]
    command = [*lockless, "-o", "/dev/null", sys.executable, "-m", "weighbridge"]

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command, *arguments], cwd=desk.place, env=desk.environ,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    running = [start("sync"), start("sync")]
    said = [process.communicate(timeout=600)[1] for process in running]
    if any("ptrace" in line or "inject" in line for line in said):
        pytest.skip("this strace cannot play one")
    assert [process.returncode for process in running] == [0, 0], said
    desk.run("verify")
    assert (Path(desk.json("list")["models"][0]["folder"]) / "large.bin").read_bytes() == WEIGHTS * 30
    clean = start("clean", "--json")
    told, _ = clean.communicate(timeout=600)
    assert "no locks" in json.loads(told)["stored_files_stay"]
    desk.run("sync", "--offline")
