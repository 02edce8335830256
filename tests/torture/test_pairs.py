"""Two processes at one store at once: both end right, and what one fetched the other does not fetch.

Ten pairs in the ordinary tests, a hundred in ``make torture``.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from huggingface_hub import scan_cache_dir, snapshot_download

from tests.hub_server import HubServer, serve_hub
from tests.torture.killing import COMMAND, broken_blobs, environment, seed, tree
from weighbridge.bridge.models import open_models
from weighbridge.settings import load_settings

PAIRS = [
    pytest.param(10, id="ten"),
    pytest.param(100, id="hundred", marks=pytest.mark.torture),
]
SHARED = random.Random(1).randbytes(3_000_000)
KINDS = ("the same list twice", "other revisions", "sync and clean", "sync and upgrade", "one cache")


def files(version: int) -> dict[str, bytes]:
    """A model whose versions share their weights, and differ in a large and a small file."""
    own = random.Random(version).randbytes(1_500_000)
    small = {f"part{n}.txt": b"%d of %d" % (n, version) for n in range(4)}
    return {"weights.bin": SHARED, "own.bin": own, "config.json": b"{}", **small}


class Yard:
    """A Hub, one home, and projects with a list each."""

    def __init__(self, hub: HubServer, place: Path) -> None:
        self.hub, self.place = hub, place
        self.env = environment(place / "home", HF_ENDPOINT=hub.url)
        self.cache = Path(self.env["HF_HOME"]) / "hub"
        self.lists: list[Path] = []

    def list(self, name: str, *revisions: str, layout: str = "dir") -> Path:
        """A new project whose list names the model at some revisions."""
        folder = self.place / name
        folder.mkdir()
        models = [f"  - {{id: m{n}, repo_id: org/m, revision: {r}}}\n" for n, r in enumerate(revisions)]
        path = folder / "models.yaml"
        path.write_text(f"layout: {layout}\nmodels:\n{''.join(models)}")
        self.lists.append(path)
        return path

    def start(self, config: Path, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *arguments, "--config", str(config)],
            env=self.env, cwd=self.place, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def end(self, *running: subprocess.Popen[str]) -> None:
        """All end right."""
        for process in running:
            said = process.communicate(timeout=600)
            assert process.returncode == 0, said
            assert "Traceback" not in said[1]

    def require_whole(self, configs: Sequence[Path]) -> None:
        """What these lists lock is here or comes, and nothing is damaged."""
        assert broken_blobs(self.place / "home") == []
        models = open_models(load_settings(self.env))
        for config in configs:
            listed = models.read(config)
            assert [line.error for line in models.sync(listed, frozen=True)] == [None] * len(listed.specs)
            assert [line.faults for line in models.verify(listed)] == [()] * len(listed.specs)
        if self.cache.exists():
            assert scan_cache_dir(self.cache).warnings == []

    def fetched(self) -> list[str]:
        return sorted(
            asked.path.split("/resolve/")[1]
            for asked in self.hub.asked("*/resolve/*")
            if asked.method == "GET"
        )


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with serve_hub({"org/m": files(1)}) as hub:
        repo = hub.repos["org/m"]
        repo.tags["v1"] = repo.head
        repo.tags["v2"] = repo.commit(files(2))
        yield Yard(hub, tmp_path)


@pytest.mark.parametrize("layout", ["dir", "hf-cache"])
@pytest.mark.parametrize("locked", [True, False], ids=["locked", "not locked"])
def test_what_two_processes_want_is_downloaded_once(yard: Yard, layout: str, locked: bool) -> None:
    configs = [yard.list(name, "v1", layout=layout) for name in ("one", "two")]
    if locked:
        for config in configs:
            yard.end(yard.start(config, "lock"))
    yard.hub.fault("*/resolve/*.bin", bytes_per_s=4_000_000)
    yard.hub.fault("*/resolve/*.txt", bytes_per_s=50)
    yard.end(*(yard.start(config, "sync") for config in configs))
    names = yard.fetched()
    assert len(set(names)) == len(names) == len(files(1)), names
    yard.hub.forget()
    yard.require_whole(configs)


def test_two_revisions_at_once_share_what_they_have_in_common(yard: Yard) -> None:
    configs = [yard.list("one", "v1"), yard.list("two", "v2")]
    yard.hub.fault("*/resolve/*.bin", bytes_per_s=4_000_000)
    yard.end(*(yard.start(config, "sync") for config in configs))
    names = [name.rpartition("/")[2] for name in yard.fetched()]
    assert (names.count("weights.bin"), names.count("config.json"), names.count("own.bin")) == (1, 1, 2)
    yard.hub.forget()
    yard.require_whole(configs)


CLIENT = """
import sys
from huggingface_hub import snapshot_download
snapshot_download("org/m", revision=sys.argv[1])
"""
ROUNDS = [
    pytest.param(3, id="three"),
    pytest.param(30, id="thirty", marks=pytest.mark.torture),
]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_the_client_may_fill_the_cache_while_we_do(rounds: int, yard: Yard) -> None:
    """The real client downloads, syncs lay out, and cleans remove, in one cache at one time."""
    rng = random.Random(seed())
    yard.hub.fault("*/resolve/*.bin", bytes_per_s=20_000_000)
    for number in range(rounds):
        yard.env["HF_HUB_CACHE"] = str(yard.place / f"cache{number}")
        yard.cache = Path(yard.env["HF_HUB_CACHE"])
        ours = yard.list(f"ours{number}", "v1", "v2", layout="hf-cache")
        gone = yard.list(f"gone{number}", "v2", layout="hf-cache")
        yard.end(yard.start(gone, "sync"))
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT, rng.choice(["v1", "v2"])],
            env=yard.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(rng.uniform(0, 1))
        running = _apart(yard, rng, (ours, "sync"), (gone, "clean"))
        yard.end(*running, client)
        yard.require_whole([ours])
        for revision, version in (("v1", 1), ("v2", 2)):
            found = snapshot_download("org/m", revision=revision, cache_dir=yard.cache, local_files_only=True)
            assert tree(Path(found)) == files(version)


@pytest.mark.parametrize("pairs", PAIRS)
def test_interleaved_pairs_lose_nothing(pairs: int, yard: Yard) -> None:
    rng = random.Random(seed())
    yard.hub.fault("*/resolve/*.bin", bytes_per_s=60_000_000)
    for pair in range(pairs):
        kind = KINDS[pair % len(KINDS)]
        layout = "hf-cache" if kind == "one cache" or rng.random() < 0.3 else "dir"
        one = yard.list(f"one{pair}", "v1", "main" if kind == "sync and upgrade" else "v2", layout=layout)
        two = yard.list(f"two{pair}", "v2", layout=layout)
        fresh = [one, two]
        if rng.random() < 0.5:
            yard.end(yard.start(one, "lock"))
        match kind:
            case "the same list twice":
                running = _apart(yard, rng, (one, "sync"), (one, "sync"))
            case "sync and clean":
                yard.end(yard.start(two, "sync"))
                running = _apart(yard, rng, (one, "sync"), (two, "clean"))
            case "sync and upgrade":
                yard.end(yard.start(one, "lock"))
                yard.hub.repos["org/m"].commit(files(pair + 10))
                running = _apart(yard, rng, (one, "sync"), (one, "lock", "--upgrade", "m1"))
            case _:
                running = _apart(yard, rng, (one, "sync"), (two, "sync"))
        yard.end(*running)
        yard.require_whole([config for config in fresh if config.with_suffix(".lock").exists()])
        if rng.random() < 0.5:  # so that the store is not always full
            yard.end(yard.start(one, "clean"))


def _apart(
    yard: Yard, rng: random.Random, *commands: tuple[Path, *tuple[str, ...]]
) -> list[subprocess.Popen[str]]:
    """The commands, started in any order a moment apart."""
    running = []
    for command in rng.sample(commands, len(commands)):
        running.append(yard.start(*command))
        time.sleep(rng.uniform(0, 0.25))
    return running
