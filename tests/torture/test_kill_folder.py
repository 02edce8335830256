"""SIGKILL of ``weighbridge hub FOLDER --write`` while it is written: the files are at main again.

Ten points in the ordinary tests, fifty in ``make torture``; every third one is an upload by the
real client, the others are commits of many small files, which take longest to lay out.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.doors.written_folder import Written, plain_files
from tests.torture.killing import environment, left_of, seed
from tests.warm import Warm

POINTS = [
    pytest.param(10, id="ten"),
    pytest.param(50, id="fifty", marks=[pytest.mark.torture, pytest.mark.timeout(1800)]),
]
REPO = "local/m"
_UPLOAD = f"""
import sys
from huggingface_hub import HfApi
HfApi().upload_folder(repo_id="{REPO}", folder_path=sys.argv[1], delete_patterns="*")
"""


class Server:
    """The command over one folder, started again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._log, self._is_killed = folder, folder.with_name("log"), False
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        with self._log.open("ab") as log:
            self.process = Warm(
                ["hub", str(self.folder), "--write", "--port", "0", "--json"],
                env=environment(self.folder.with_name("home")), stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self._log.read_text()[-2000:]
        self._is_killed = False
        self.hub = Written(url=json.loads(line)["url"], folder=self.folder)

    def kill(self) -> None:
        """SIGKILL; nothing of it lives on."""
        self._is_killed = True
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert left_of(self.process) == []

    def upload(self, files: Mapping[str, bytes]) -> None:
        """The real client makes the repository hold just these files, or is killed with the server."""
        folder = self.folder.with_name("upload")
        shutil.rmtree(folder, ignore_errors=True)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "WEIGHBRIDGE_"))}
        home = {"HF_HOME": str(self.folder.with_name("client")), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        client = subprocess.Popen(
            [sys.executable, "-c", _UPLOAD, str(folder)],
            env={**kept, **home, "HF_ENDPOINT": self.hub.url, "HF_TOKEN": "any"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._log.open("ab"),
        )  # fmt: skip
        while client.poll() is None and self.process.poll() is None:
            time.sleep(0.01)
        assert client.poll() in (None, 0) or self._is_killed, self._log.read_text()[-2000:]
        client.kill()  # it would try again for minutes
        client.wait()

    def commit(self, files: Mapping[str, bytes]) -> None:
        """One commit makes the repository hold just these files, or is cut off with the server."""
        there = plain_files(self.folder / REPO)
        texts = {path: content.decode() for path, content in files.items()}
        with suppress(OSError, HTTPException):
            self.hub.commit(REPO, {**dict.fromkeys(there.keys() - texts.keys()), **texts})


def _small(rng: random.Random) -> dict[str, bytes]:
    """Many files, others at every point; some names are folders at one time and files at another."""
    names = [*(f"f{n}.txt" for n in range(60)), *(f"d{n}/e/{n}.txt" for n in range(60)), "x", "x/y", "x/y/z"]
    chosen: dict[str, bytes] = {}
    for name in rng.sample(names, 90):
        if not any(name.startswith(f"{other}/") or other.startswith(f"{name}/") for other in chosen):
            chosen[name] = rng.randbytes(20).hex().encode()
    return chosen


def _large(rng: random.Random) -> dict[str, bytes]:
    few = dict(list(_small(rng).items())[:20])
    return {**few, "a.bin": rng.randbytes(11_000_000), "deep/b.bin": rng.randbytes(3_000_000)}


@pytest.mark.parametrize("points", POINTS)
def test_the_plain_files_are_at_main_after_every_kill(points: int, tmp_path: Path) -> None:
    rng = random.Random(seed())
    root = tmp_path / "folder" / REPO
    root.parent.parent.mkdir()
    server, took_s, caught = Server(tmp_path / "folder"), {}, 0
    server.hub.call("POST", "/api/repos/create", {"name": "m"})
    try:
        for point in range(-2, points):
            by_client = point % 3 == 1
            new = _large(rng) if by_client else _small(rng)
            send, old = server.upload if by_client else server.commit, plain_files(root)
            if point < 0:  # one whole run of each kind tells how long the others may live
                began = time.monotonic()
                send(new)
                took_s[by_client] = time.monotonic() - began
                assert plain_files(root).items() >= new.items()
                continue
            with ThreadPoolExecutor(1) as pool:
                began, sending = time.monotonic(), pool.submit(send, new)
                done, _ = wait([sending], rng.uniform(0.5, 1) * took_s[by_client])
                caught += not done
                if done:  # the one before was slow
                    took_s[by_client] = time.monotonic() - began
                server.kill()
            sending.result()
            lying = plain_files(root)
            assert all(content in (old.get(path), new.get(path)) for path, content in lying.items())
            server.start()
            assert plain_files(root) == server.hub.files(REPO)
            assert plain_files(root) in (old, {**new, **_kept(old, new)})
            assert "Changed in the folder" not in server.hub.titles(REPO)
            assert not list((tmp_path / "folder/.weighbridge-hub/deleted").glob("*"))
        assert caught
    finally:
        server.kill()


def _kept(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> dict[str, bytes]:
    """The client never deletes this one by a pattern."""
    name = ".gitattributes"
    return {name: old[name]} if name in old and name not in new else {}
