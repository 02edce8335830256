"""SIGKILL at random moments of an export or an import: there is a whole bundle or none, all of it or nothing.

Ten points each in the ordinary tests, fifty each in ``make torture``.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tests.hub_server import HubServer, serve_hub
from tests.made_models import Made, train
from tests.torture.killing import Moments, broken_blobs, environment, left_of, run, seed, start, tree
from tests.torture.test_kill import POINTS
from weighbridge.adapters.catalog import Catalog
from weighbridge.doors.demo.models import MADE

LIST = "models:\n  - id: big\n    repo_id: org/big\n"
FILES = {"config.json": b"{}", "a.bin": os.urandom(30_000_000), "b.bin": os.urandom(30_000_000)}


def killed_at_points(
    points: int, log: Path, command: list[str], env: dict[str, str], prepare: Callable[[int], Path],
    look: Callable[[Path], None], finish: Callable[[Path], None],
) -> None:  # fmt: skip
    """Kill the command once in each fresh place, look, and let ``finish`` bring it to its end."""
    moments = Moments(random.Random(seed()))
    for point in range(points):
        place = prepare(point)
        process = start(command, {**env, "WEIGHBRIDGE_HOME": str(place / "home")}, place, log)
        moments.kill(process)
        assert left_of(process) == []
        look(place)
        finish(place)
    assert moments.caught > 0


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with everything held, its home, and a bundle of it."""
    project = tmp_path_factory.mktemp("source")
    (project / "models.yaml").write_text(LIST)
    with serve_hub({"org/big": FILES}) as hub:
        done = run(["sync"], environment(project / "home", HF_ENDPOINT=hub.url), project)
        assert done.returncode == 0, done.stderr
    done = run(["bundle", "export", "whole.bundle"], environment(project / "home"), project)
    assert done.returncode == 0, done.stderr
    return project


@pytest.mark.parametrize("points", POINTS)
def test_a_killed_export_leaves_a_whole_bundle_or_none(points: int, source: Path, tmp_path: Path) -> None:
    whole = (source / "whole.bundle").read_bytes()
    target = tmp_path / "models.bundle"

    def prepare(point: int) -> Path:
        if point % 2:
            target.unlink(missing_ok=True)
        return source

    def look(place: Path) -> None:
        assert not target.exists() or target.read_bytes() == whole

    def finish(place: Path) -> None:
        done = run(["bundle", "export", str(target)], environment(place / "home"), place)
        assert done.returncode == 0, done.stderr
        assert target.read_bytes() == whole
        assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []

    command = ["bundle", "export", str(target)]
    killed_at_points(points, tmp_path / "log", command, environment(source / "home"), prepare, look, finish)


@pytest.mark.parametrize("points", POINTS)
def test_a_killed_import_changes_the_lock_or_does_not(points: int, source: Path, tmp_path: Path) -> None:
    lock = (source / "models.lock").read_bytes()

    def prepare(point: int) -> Path:
        place = tmp_path / f"p{point}"
        place.mkdir()
        (place / "models.yaml").write_text(LIST)
        return place

    def look(place: Path) -> None:
        assert broken_blobs(place / "home") == []
        if (place / "models.lock").exists():
            assert (place / "models.lock").read_bytes() == lock
            finish(place)

    def finish(place: Path) -> None:
        env = environment(place / "home", HF_HUB_OFFLINE="1")
        if not (place / "models.lock").exists():
            done = run(["bundle", "import", str(source / "whole.bundle")], env, place)
            assert done.returncode == 0, done.stderr
        done = run(["sync", "--frozen", "--offline"], env, place)
        assert done.returncode == 0, done.stderr
        assert tree(place / "models" / "big") == FILES

    command = ["bundle", "import", str(source / "whole.bundle")]
    killed_at_points(points, tmp_path / "log", command, environment(tmp_path), prepare, look, finish)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return train(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def packages(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of one package, large enough to be caught in the middle."""
    place = tmp_path_factory.mktemp("registry")
    weights = save({"weight": np.random.default_rng(1).random(5_000_000, dtype=np.float32)})
    with serve_hub(replace(made, model={**made.model, "model.safetensors": weights}).repos()) as hub:
        _ingested(hub, place)
    done = run(["bundle", "export", MADE, str(place / "made.bundle")], environment(place / "home"), place)
    assert done.returncode == 0, done.stderr
    return place / "made.bundle"


def _ingested(hub: HubServer, place: Path) -> None:
    done = run(["ingest", MADE], environment(place / "home", WEIGHBRIDGE_UPSTREAM=hub.url), place)
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("points", POINTS)
def test_a_killed_import_of_a_package_lists_it_or_does_not(
    points: int, packages: Path, tmp_path: Path
) -> None:
    def prepare(point: int) -> Path:
        place = tmp_path / f"p{point}"
        place.mkdir()
        return place

    def look(place: Path) -> None:
        assert broken_blobs(place / "home") == []

    def finish(place: Path) -> None:
        env = environment(place / "home", WEIGHBRIDGE_UPSTREAM="http://127.0.0.1:9")
        done = run(["bundle", "import", str(packages), "--json"], env, place)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["packages"][0]["fate"] in ("listed", "held")
        catalog = Catalog.open(place / "home" / "catalog.sqlite3")
        try:
            (package,) = catalog.packages()
            assert package.name == MADE
            assert [line.verb for line in catalog.audit_lines()] == ["import"]
            assert catalog.refusals() == ()
        finally:
            catalog.close()

    command = ["bundle", "import", str(packages)]
    env = environment(tmp_path, WEIGHBRIDGE_UPSTREAM="http://127.0.0.1:9")
    killed_at_points(points, tmp_path / "log", command, env, prepare, look, finish)
