"""SIGKILL of ``weighbridge publish`` at random moments: the repository is at its old or its new commit.

Five points in the ordinary tests, fifty in ``make torture``; every other one makes the repository.
"""

from __future__ import annotations

import hashlib
import random
import time
from pathlib import Path

import pytest

from tests.doors.trained_folders import ADAPTER, write
from tests.doors.written_folder import Written, written_folder
from tests.torture.killing import environment, killed_after, left_of, run, seed, start

POINTS = [
    pytest.param(5, id="five"),
    pytest.param(50, id="fifty", marks=[pytest.mark.torture, pytest.mark.timeout(1800)]),
]
OWN = {"README.md", "adapter_config.json", "adapter_model.safetensors", "vocab.txt", "checksums.txt"}


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
    folder, killed, whole_s = tmp_path / "mine", 0, 0.0
    with written_folder(tmp_path / "hub") as hub:
        env = environment(tmp_path / "home", HF_ENDPOINT=hub.url, HF_TOKEN="hf_whatever")
        for point in range(-1, points):
            repo = f"ann/m{point}" if point % 2 else "ann/m-1"
            command = ["publish", str(made(folder, rng)), "--repo", repo, "--replace-card"]
            before = held(hub, repo)
            if point < 0:  # one whole run tells how long the others may live
                began = time.monotonic()
                done = run(command, env, tmp_path)
                assert done.returncode == 0, done.stderr
                whole_s = time.monotonic() - began
            else:
                process = start(command, env, tmp_path, tmp_path / "log")
                killed += killed_after(process, rng.uniform(0.2, 1) * whole_s)
                assert left_of(process) == []
                require_whole(hub, repo, before)
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
