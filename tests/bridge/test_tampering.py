"""A tampered byte in any held file is found by ``verify``, named, and healed by ``sync``: in both layouts."""

from __future__ import annotations

import hashlib
import os
import random
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_server import serve_hub
from weighbridge.bridge.models import Models, open_models
from weighbridge.errors import DigestMismatch
from weighbridge.settings import load_settings

RNG = random.Random(20)
SIZES = (1, 2, 511, 4096, 70_000, 1_500_000)
FILES = {f"{'deep/er/' * (n % 2)}part-{n}.bin": RNG.randbytes(size) for n, size in enumerate(SIZES)}
SHARED = {"config.json": b'{"model_type": "bert"}', "vocab.txt": RNG.randbytes(9000)}
REPOS = {"org/a": {**FILES, **SHARED}, "org/b": {"own.bin": RNG.randbytes(3000), **SHARED}}
TRIALS = 25


class Desk:
    """Two models that share files, everything held, in one layout."""

    def __init__(self, place: Path, url: str, layout: str) -> None:
        self.layout = layout
        self.list = place / "models.yaml"
        self.list.write_text(
            "models:\n  - {id: a, repo_id: org/a, revision: main}\n  - {id: b, repo_id: org/b}\n"
        )
        self.settings = load_settings(
            {
                "WEIGHBRIDGE_HOME": str(place / "home"),
                "HF_ENDPOINT": url,
                "HF_HOME": str(place / "hf"),
                "HOME": str(place),
            }
        )
        self.models = self.fresh()

    def fresh(self) -> Models:
        """The verbs as another process would have them."""
        return open_models(self.settings)

    def sync(self, models: Models, *ids: str) -> dict[str, Path]:
        done = models.sync(models.read(self.list), ids, layout=self.layout)
        assert [line.error for line in done] == [None] * len(done)
        return {line.id: line.folder for line in done}

    def faults(self, models: Models, *ids: str) -> dict[str, list[str]]:
        found = models.verify(models.read(self.list), ids, level="sha256", layout=self.layout)
        assert all(isinstance(fault, DigestMismatch) for line in found for fault in line.faults)
        return {
            line.id: [f.path for f in line.faults if isinstance(f, DigestMismatch)]
            for line in found
            if line.faults
        }


@pytest.fixture(params=["dir", "hf-cache"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with serve_hub(REPOS) as server:
        yield Desk(tmp_path, server.url, request.param)


def flip(file: Path, at: int, bit: int, *, in_secret: bool) -> None:
    """Change one bit through any name of the file; ``in_secret`` its times stay as they were."""
    before = file.stat()
    file.chmod(before.st_mode | stat.S_IWUSR)
    with file.open("r+b") as opened:
        opened.seek(at)
        (byte,) = opened.read(1)
        opened.seek(at)
        opened.write(bytes([byte ^ 1 << bit]))
    file.chmod(stat.S_IMODE(before.st_mode))
    if in_secret:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))


@pytest.mark.parametrize("in_secret", [False, True], ids=["seen by its time", "with its old time"])
def test_a_flipped_bit_is_found_named_and_healed(desk: Desk, in_secret: bool) -> None:
    folders = desk.sync(desk.models)
    rng = random.Random(7)
    for trial in range(TRIALS):
        model = rng.choice("ab")
        path = rng.choice(sorted(REPOS[f"org/{model}"]))
        content = REPOS[f"org/{model}"][path]
        at = rng.randrange(len(content))
        flip(folders[model] / path, at, rng.randrange(8), in_secret=in_secret)
        told = (trial, model, path, at)
        looking = desk.models if trial % 2 else desk.fresh()
        only = trial % 3 == 0
        found = desk.faults(looking, *([model] if only else []))
        assert found[model] == [f"{_shown(desk, folders[model])}/{path}"], told
        other = "b" if model == "a" else "a"
        assert all(fault.endswith(f"/{path}") for fault in found.get(other, ())), told
        healing = desk.models if trial % 2 else desk.fresh()
        desk.sync(healing, *([model] if only else []))
        assert (folders[model] / path).read_bytes() == content, told
        assert desk.faults(desk.fresh(), *([model] if only else [])) == {}, told
        desk.sync(desk.fresh())
        desk.faults(desk.fresh())
        desk.sync(desk.fresh())
        assert desk.faults(desk.fresh()) == {}, told
    blobs = (desk.settings.home / "blobs-v1").glob("sha256/*/*")
    assert [b.name for b in blobs if hashlib.sha256(b.read_bytes()).hexdigest() != b.name] == []


def test_a_changed_time_is_noticed_without_verify(desk: Desk) -> None:
    folders = desk.sync(desk.models)
    for path in FILES:
        flip(folders["a"] / path, 0, 3, in_secret=False)
    listed = desk.models.list(desk.models.read(desk.list), layout=desk.layout)
    assert {line.spec.id: line.state for line in listed}["a"] == "tampered"
    desk.sync(desk.fresh())
    assert desk.faults(desk.fresh()) == {}


def _shown(desk: Desk, folder: Path) -> str:
    """How a fault names the folder: relative to where the models lie."""
    roots = [desk.list.parent / "models", desk.settings.hf_cache]
    return next(folder.relative_to(root).as_posix() for root in roots if folder.is_relative_to(root))
