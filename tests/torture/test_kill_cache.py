"""SIGKILL while models are laid out in a Hugging Face cache, and while contents are adopted from one.

Ten points each in the ordinary tests, fifty each in ``make torture``.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import scan_cache_dir, snapshot_download

from tests.hub_server import HubServer, serve_hub
from tests.torture.killing import (
    Process,
    broken_blobs,
    environment,
    killed_when,
    left_of,
    run,
    seed,
    start,
    tree,
)

POINTS = [
    pytest.param(10, id="ten"),
    pytest.param(50, id="fifty", marks=pytest.mark.torture),
]
LARGE = 6
FILES = {
    "config.json": b"{}",
    **{f"model-{n}.safetensors": random.Random(n).randbytes(4_000_000) for n in range(LARGE)},
    **{f"sub/part{n}.txt": b"part %d" % n for n in range(30)},
}


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with serve_hub({"org/m": FILES}) as server:
        yield server


def _list(project: Path, layout: str) -> None:
    project.mkdir()
    (project / "models.yaml").write_text(f"layout: {layout}\nmodels:\n  - {{id: m, repo_id: org/m}}\n")


def _shown(cache: Path) -> dict[str, bytes]:
    """What the real client finds in the cache at the branch; nothing where it finds none."""
    if not (cache / "models--org--m" / "refs" / "main").exists():
        return {}
    return tree(Path(snapshot_download("org/m", cache_dir=cache, local_files_only=True)))


def _killed_at(process: Process, folder: Path, count: int) -> bool:
    """Kill it once so many files, links and folders stand below a folder."""
    return killed_when(
        process, lambda: sum(len(names) + len(found) for _, names, found in os.walk(folder)) >= count
    )


def _require_sound(cache: Path) -> None:
    """No snapshot is half there, and every link leads to a content of its name."""
    if not cache.exists():
        return
    for warning in scan_cache_dir(cache).warnings:  # before its first snapshot a repository has none
        assert "Snapshots dir doesn't exist" in str(warning)
    for snapshot in cache.glob("models--org--m/snapshots/*"):
        assert tree(snapshot) == FILES


@pytest.mark.parametrize("points", POINTS)
def test_a_killed_lay_out_leaves_a_sound_cache(points: int, hub: HubServer, tmp_path: Path) -> None:
    rng, killed = random.Random(seed()), 0
    home = tmp_path / "home"
    env = environment(home, HF_ENDPOINT=hub.url)
    _list(tmp_path / "first", "dir")
    assert run(["sync"], env, tmp_path / "first").returncode == 0  # from now on the store has everything
    for point in range(points + 1):
        project, cache = tmp_path / f"p{point}", tmp_path / f"c{point}"
        _list(project, "hf-cache")
        env["HF_HUB_CACHE"] = str(cache)
        assert run(["lock"], env, project).returncode == 0
        if point == 0:
            assert run(["sync"], env, project).returncode == 0
        else:
            process = start(["sync"], env, project, tmp_path / "log")
            killed += _killed_at(process, cache / "models--org--m", rng.randint(1, 2 * len(FILES)))
            assert left_of(process) == []
            _require_sound(cache)
            assert _shown(cache) in ({}, FILES)
            again = run(["sync", "--frozen", "--offline"], env, project)
            assert again.returncode == 0, again.stderr
        assert _shown(cache) == FILES
        assert scan_cache_dir(cache).warnings == []
        if point % 2:
            assert run(["clean"], env, project).returncode == 0
            left = [
                path for path in tree(cache) if not path.startswith(".locks/")
            ]  # the client's own stay too
            assert left == [], "a kill left something that clean does not remove"
    assert broken_blobs(home) == []
    assert killed > 0


@pytest.mark.parametrize("points", POINTS)
def test_a_killed_adoption_loses_nothing_on_either_side(points: int, hub: HubServer, tmp_path: Path) -> None:
    rng, killed = random.Random(seed()), 0
    cache = tmp_path / "cache"
    snapshot_download("org/m", cache_dir=cache, endpoint=hub.url)
    theirs = tree(cache)
    for point in range(points + 1):
        project, home = tmp_path / f"p{point}", tmp_path / f"h{point}"
        _list(project, "dir")
        env = environment(home, HF_ENDPOINT=hub.url, HF_HUB_CACHE=str(cache))
        assert run(["lock"], env, project).returncode == 0
        if point == 0:
            assert run(["sync"], env, project).returncode == 0
        else:
            process = start(["sync"], env, project, tmp_path / "log")
            before = sum(1 for _ in (home / "blobs-v1").rglob("*"))
            killed += _killed_at(process, home / "blobs-v1", before + rng.randint(1, 2 * LARGE))
            assert left_of(process) == []
            assert broken_blobs(home) == []
            assert tree(project / "models" / "m") in ({}, FILES)
            again = run(["sync", "--offline"], env, project)
            assert again.returncode == 0, again.stderr
        assert tree(project / "models" / "m") == FILES
        assert tree(cache) == theirs
    assert killed > 0
