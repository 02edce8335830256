"""SIGKILL of ``weighbridge publish`` at random moments: the repository is at its old or its new commit.

Five points in the ordinary tests, fifty in ``make torture``; every other one makes the repository.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.doors.asgi_server import serving
from tests.doors.trained_folders import ADAPTER, write
from tests.doors.written_folder import Written
from tests.torture.killing import environment, killed_when, left_of, run, seed, start
from weighbridge.bridge.folder import open_written_folder
from weighbridge.doors.hub import hub_app
from weighbridge.settings import load_settings

POINTS = [
    pytest.param(5, id="five"),
    pytest.param(50, id="fifty", marks=[pytest.mark.torture, pytest.mark.timeout(1800)]),
]
OWN = {"README.md", "adapter_config.json", "adapter_model.safetensors", "vocab.txt", "checksums.txt"}


class Counted:
    """An application, and how many requests have reached it."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app, self.count = app, 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.count += scope["type"] == "http"
        await self._app(scope, receive, send)

    def beyond(self, count: int, pause_s: float) -> Callable[[], bool]:
        """Whether more than ``count`` requests have come; it is told a moment later."""
        return lambda: self.count > count and not time.sleep(pause_s)


@contextmanager
def counted_folder(folder: Path) -> Iterator[tuple[Written, Counted]]:
    """A folder that is served and written, and how often it was asked."""
    folder.mkdir()
    bridge = open_written_folder(folder, load_settings({}))
    app = Counted(hub_app(bridge.hub, bridge.repos, bridge.xet))
    try:
        with serving(app) as url:
            yield Written(url=url, folder=folder), app
    finally:
        bridge.close()


def made(folder: Path, rng: random.Random) -> Path:
    """A folder whose every file is another one each time; the weights go by Xet."""
    values = 500_000
    header = b'{"w":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}' % (values, 4 * values)
    weights = len(header).to_bytes(8, "little") + header + rng.randbytes(4 * values)
    config = repr({**ADAPTER, "r": rng.randrange(1, 999)}).replace("'", '"').encode()
    words = "\n".join(str(rng.random()) for _ in range(50)).encode()
    files = {"adapter_config.json": config, "adapter_model.safetensors": weights, "vocab.txt": words}
    return write(folder, files)


def held(hub: Written, repo: str) -> dict[str, str] | None:
    """What main holds, each file with its sha256; None where there is no repository."""
    if hub.call("GET", f"/api/models/{repo}").status == 404:
        return None
    files = hub.files(repo)
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def listed(hub: Written, repo: str) -> dict[str, str]:
    """What the checksums in the repository say."""
    lines = hub.files(repo)["checksums.txt"].decode().splitlines()
    return {line[66:]: line[:64] for line in lines}


@pytest.mark.parametrize("points", POINTS)
def test_a_killed_publication_leaves_the_old_or_the_new_commit(points: int, tmp_path: Path) -> None:
    rng = random.Random(seed())
    folder, killed, asked = tmp_path / "mine", 0, 0
    with counted_folder(tmp_path / "hub") as (hub, door):
        env = environment(tmp_path / "home", HF_ENDPOINT=hub.url, HF_TOKEN="hf_whatever")
        for point in range(-1, points):
            repo = f"ann/m{point}" if point % 2 else "ann/m-1"
            command = ["publish", str(made(folder, rng)), "--repo", repo, "--replace-card"]
            before, began = held(hub, repo), door.count
            if point < 0:  # one whole run tells how often the Hub is asked
                done = run(command, env, tmp_path)
                assert done.returncode == 0, done.stderr
                asked = door.count - began
            else:
                after, pause_s = began + rng.randrange(asked), rng.choice([0.0, 0.0, 0.002, 0.02])
                process = start(command, env, tmp_path, tmp_path / "log")
                killed += killed_when(process, door.beyond(after, pause_s))
                assert left_of(process) == []
                require_whole(hub, repo, before)
                if point % 3:  # the others are the old state of the next one
                    continue
                assert run(command, env, tmp_path).returncode == 0
            assert (held(hub, repo) or {}).keys() >= OWN
            assert listed(hub, repo).items() <= (held(hub, repo) or {}).items()
            local = hashlib.sha256((folder / "adapter_model.safetensors").read_bytes()).hexdigest()
            assert listed(hub, repo)["adapter_model.safetensors"] == local
    assert killed


def require_whole(hub: Written, repo: str, before: dict[str, str] | None) -> None:
    """The repository is as it was, is new and empty, or holds all that its own checksums say."""
    now = held(hub, repo)
    if now == before or (before is None and now is not None and not OWN & now.keys()):
        return
    assert now is not None
    assert now.keys() >= OWN
    assert listed(hub, repo) == {path: now[path] for path in OWN - {"checksums.txt"}}
