"""The question: what does it cost to ingest 1 GiB of safetensors, beside curl and ``hf download``.

    python benchmarks/ingest_a_gigabyte.py [--quick] [--rounds N] [--folder DIR]

The model is fetched, hashed, scanned, judged, stored so that it survives a power cut, and listed: by a
registry that runs and has taken in a small model before (from the request to the answer), and by
``weighbridge ingest`` as a whole process with an empty home. curl and ``hf download`` fetch the same bytes
from the same ``weighbridge hub`` and check nothing; hf is a whole process too. Medians of interleaved runs
after one to warm up. The numbers of the model are random: the gate asks for nothing, so that it is accepted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import struct
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the package is the one of the tests

from tests.registry_process import RegistryProcess, running

import _servers
from _bench import interleaved, scratch, timed
from weighbridge.metrics import METRICS

BIN = Path(sys.executable).parent
NAME, SMALL, WEIGHTS = "model", "small", "model.safetensors"
BARS: tuple[tuple[str, str, float | None], ...] = (
    ("registry", "curl", 2.0),
    ("registry", "hf", 1.0),
    ("command", "hf", None),
)
"""A command starts an interpreter, imports a database library and makes a catalogue: it has no bar."""
CARD = b"---\nlicense: apache-2.0\npipeline_tag: text-classification\n---\n# A model of random numbers\n"


def make_model(folder: Path, size: int) -> None:
    """A card, a configuration, and one file of tensors that a scanner reads through."""
    folder.mkdir(parents=True)
    (folder / "README.md").write_bytes(CARD)
    (folder / "config.json").write_text('{"model_type": "bert", "architectures": ["BertModel"]}')
    each = min(size, 64 << 20)
    tensors = {
        f"layer.{n}.weight": {
            "dtype": "F32",
            "shape": [each // 4],
            "data_offsets": [n * each, (n + 1) * each],
        }
        for n in range(size // each)
    }
    header = json.dumps(tensors).encode()
    header += b" " * (-len(header) % 8)
    with (folder / WEIGHTS).open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for _ in tensors:
            file.write(os.urandom(each))


class Runs:
    """The contenders, each in a folder that was never there."""

    def __init__(self, address: str, root: Path) -> None:
        self._address, self._root, self._numbers = address, root, count()
        self._policy = root / "policy.yaml"
        self._policy.write_text(f"thresholds: {json.dumps(dict.fromkeys(METRICS, 0.0))}\n")

    def command(self) -> float:
        """Seconds of ``weighbridge ingest`` with an empty home."""
        home = self._fresh()
        return self._run(
            [str(BIN / "weighbridge"), "ingest", f"bench/{NAME}", "--json"], self._settings(home), home
        )

    def registry(self) -> float:
        """Seconds from the request to the answer of a registry that has not seen the weights."""
        home = self._fresh()
        with running("serve", {**_plain(), **self._settings(home)}, home / "log") as registry:
            self._ingest(registry, SMALL)
            seconds = self._ingest(registry, NAME)
        shutil.rmtree(home)
        return seconds

    def _ingest(self, registry: RegistryProcess, name: str) -> float:
        started = time.perf_counter()
        status, answer, _ = registry.ingest(f"bench/{name}")
        if status != 200:
            raise SystemExit(f"the registry answered {status}: {answer}")
        return time.perf_counter() - started

    def _settings(self, home: Path) -> dict[str, str]:
        return {
            "WEIGHBRIDGE_HOME": str(home / "home"),
            "WEIGHBRIDGE_UPSTREAM": self._address,
            "WEIGHBRIDGE_POLICY": str(self._policy),
        }

    def hf(self) -> float:
        """Seconds of ``hf download`` with an empty cache."""
        home = self._fresh()
        environ = {"HF_HOME": str(home), "HF_ENDPOINT": self._address, "HF_HUB_DISABLE_TELEMETRY": "1"}
        return self._run([str(BIN / "hf"), "download", f"bench/{NAME}"], environ, home)

    def curl(self) -> float:
        """Seconds of one curl for the weights."""
        home = self._fresh()
        url = f"{self._address}/bench/{NAME}/resolve/main/{WEIGHTS}"
        return self._run(["curl", "-sf", "-o", str(home / WEIGHTS), url], {}, home)

    def _fresh(self) -> Path:
        home = self._root / f"run-{next(self._numbers)}"
        home.mkdir()
        return home

    def _run(self, command: list[str], environ: dict[str, str], home: Path) -> float:
        seconds = timed(command, {**_plain(), **environ})
        shutil.rmtree(home)
        return seconds


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "WEIGHBRIDGE_"))}


def main() -> int:
    """Print the table; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small model, one round: does it run at all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where to work")
    options = parser.parse_args()
    size, rounds = (1 << 26, 1) if options.quick else (1 << 30, options.rounds)
    missed = 0
    with scratch(options.folder / f"weighbridge-bench-{os.getpid()}") as root:
        make_model(root / "repos" / "bench" / NAME, size)
        make_model(root / "repos" / "bench" / SMALL, 1 << 20)
        with _servers.weighbridge(root / "repos") as address:
            runs = Runs(address, root)
            ways = ("registry", "curl", "command", "hf")
            found = interleaved({way: getattr(runs, way) for way in ways}, rounds)
    print(f"seconds, median of {rounds}: " + ", ".join(f"{name} {s:.2f}" for name, s in found.items()))
    for ours, theirs, bar in BARS:
        part = found[ours] / found[theirs]
        missed += bar is not None and part > bar
        print(f"{ours + ' / ' + theirs:18}{part:6.2f}x" + (f"   bar {bar:g}x" if bar else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
