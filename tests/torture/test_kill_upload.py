"""SIGKILL of the server while the real client uploads: the branch is at its old or its new commit.

Ten points in the ordinary tests, fifty in ``make torture``; every second one by Xet.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.ports import HeldPort
from tests.torture.killing import broken_blobs, environment, killed_after, left_of, seed
from tests.warm import Warm

POINTS = [
    pytest.param(10, id="ten"),
    pytest.param(50, id="fifty", marks=pytest.mark.torture),
]
PASSWORD = "a password for tests"
REPO = "admin/m"
_UPLOAD = f"""
import sys
from huggingface_hub import HfApi
api = HfApi()
api.create_repo("{REPO}", exist_ok=True)
api.upload_folder(repo_id="{REPO}", folder_path=sys.argv[1], commit_message="all of it")
"""


class Server:
    """``weighbridge serve`` over one home, started again and again on one port."""

    def __init__(self, home: Path, **more: str) -> None:
        self.home, self._port = home, HeldPort()
        self.env = environment(
            home,
            WEIGHBRIDGE_UPSTREAM="http://127.0.0.1:9",
            WEIGHBRIDGE_ADMIN_PASSWORD=PASSWORD,
            WEIGHBRIDGE_SERVE="all",
            **more,
        )
        self.start()
        self.token = self._token()

    def start(self) -> None:
        """Start, and wait until it answers; each time on the same port."""
        with (self.home.parent / "log").open("ab") as log:
            self.process = Warm(
                ["serve", "--port", str(self._port.number), "--json"],
                env=self.env, cwd=self.home.parent, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (self.home.parent / "log").read_text()[-2000:]
        self.url: str = json.loads(line)["url"]

    def stop(self) -> None:
        """End it politely."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=600)
        assert left_of(self.process) == []
        self._port.release()

    def get(self, path: str) -> bytes:
        """What the server answers to its administrator."""
        request = urllib.request.Request(
            f"{self.url}{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            content: bytes = answer.read()
            return content

    def files(self) -> tuple[str, dict[str, bytes]]:
        """The head of main, and every file of it as it is downloaded."""
        commit = json.loads(self.get(f"/api/models/{REPO}"))["sha"]
        listed = json.loads(self.get(f"/api/models/{REPO}/tree/{commit}?recursive=true"))
        paths = [entry["path"] for entry in listed if entry["type"] == "file"]
        return commit, {path: self.get(f"/{REPO}/resolve/{commit}/{path}") for path in paths}

    def upload(self, folder: Path, client: Path, xet: bool) -> subprocess.Popen[bytes]:
        """The real client, uploading a folder."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "WEIGHBRIDGE_"))}
        env = {
            **kept,
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": self.token,
            "HF_HOME": str(client),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            **({} if xet else {"HF_HUB_DISABLE_XET": "1"}),
        }
        return subprocess.Popen(
            [sys.executable, "-c", _UPLOAD, str(folder)], env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=(self.home.parent / "client").open("ab"),
            start_new_session=True,
        )  # fmt: skip

    def _token(self) -> str:
        body = json.dumps({"username": "admin", "password": PASSWORD}).encode()
        request = urllib.request.Request(
            f"{self.url}/authenticate", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            token: str = json.loads(answer.read())["token"]
            return token


def _folder(at: Path, rng: random.Random) -> Mapping[str, bytes]:
    """Small files and large ones, different at every point."""
    files = {
        "README.md": b"---\nlicense: mit\n---\n" + rng.randbytes(8).hex().encode(),
        "config.json": json.dumps({"n": rng.random()}).encode(),
        "weights-1.bin": rng.randbytes(12_000_000),
        "deep/down/weights-2.bin": rng.randbytes(4_000_000),
    }
    for path, content in files.items():
        (at / path).parent.mkdir(parents=True, exist_ok=True)
        (at / path).write_bytes(content)
    return files


@pytest.mark.parametrize("points", POINTS)
def test_a_commit_is_whole_or_not_there(points: int, tmp_path: Path) -> None:
    rng = random.Random(seed())
    home = tmp_path / "home"
    home.mkdir()
    server, took_s, caught = Server(home), {}, 0
    try:
        for point in range(-2, points):
            xet = bool(point % 2)
            folder, client = tmp_path / "folder", tmp_path / f"client{point}"
            new = dict(_folder(folder, rng))
            old_commit, old = server.files() if point > -2 else ("", {})
            began = time.monotonic()
            uploading = server.upload(folder, client, xet)
            if point < 0:  # one whole run of each kind tells how long the others may live
                assert uploading.wait(timeout=600) == 0, (tmp_path / "client").read_text()[-2000:]
                took_s[xet] = time.monotonic() - began
            else:
                caught += killed_after(server.process, rng.uniform(0.3 * took_s[xet], took_s[xet]))
                assert left_of(server.process) == []
                uploading.send_signal(signal.SIGKILL)  # it would try again for minutes
                uploading.wait()
                assert broken_blobs(home) == []
                server.start()
                commit, shown = server.files()
                if commit == old_commit:
                    assert shown == old
                else:
                    assert {**shown, **new} == shown
                again = server.upload(folder, client, xet)
                assert again.wait(timeout=600) == 0, (tmp_path / "client").read_text()[-2000:]
            assert {**server.files()[1], ".gitattributes": b""} == {**new, ".gitattributes": b""}
        assert caught == points
    finally:
        server.stop()
    assert broken_blobs(home) == []
