"""One entry put, got and removed: the index of models beside one file of JSON for each model.

The files are named by the MD5 of the model's name, read and written whole, and not even renamed into
place; both sides turn the same values into JSON and back. Median of single operations on one thread,
in slices that take turns, at a thousand and at a hundred thousand models.

python benchmarks/model_cache.py [--counts 1000 100000] [--operations 2000]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import md5
from pathlib import Path

from _models import NOW, models
from weighbridge.adapters.model_index import ModelIndex
from weighbridge.domain.model_entry import Depth, ModelEntry
from weighbridge.domain.ref import RepoId

_SLICES = 20


class JsonFiles:
    """As one writes it first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()

    def get(self, repo: RepoId) -> ModelEntry | None:
        """The entry, or None."""
        place = self._place(repo)
        if not place.exists():
            return None
        return ModelEntry.from_json(json.loads(place.read_text()))

    def put(self, entries: Sequence[ModelEntry]) -> None:
        """Write each."""
        for entry in entries:
            self._place(entry.repo).write_text(json.dumps(entry.to_json()))

    def remove(self, repo: RepoId) -> None:
        """Forget it."""
        self._place(repo).unlink(missing_ok=True)

    def _place(self, repo: RepoId) -> Path:
        return self._folder / f"{md5(repo.full_name.encode()).hexdigest()}.json"


def entries(count: int) -> list[ModelEntry]:
    read = (ModelEntry.from_hub_json(row, fetched_at=NOW, depth=Depth.WHOLE) for row in models(count))
    return [entry for entry in read if entry is not None]


def timed(work: Callable[[ModelEntry], object], chosen: Sequence[ModelEntry]) -> list[float]:
    took = []
    for entry in chosen:
        started = time.perf_counter()
        work(entry)
        took.append(time.perf_counter() - started)
    return took


def compared(folder: Path, count: int, operations: int) -> list[dict[str, object]]:
    """The median of each operation on each side, and how they compare."""
    known = entries(count)
    index, files = ModelIndex(folder / "index", "https://models.example"), JsonFiles(folder / "files")
    for start in range(0, count, 10_000):
        index.put(known[start : start + 10_000])
        files.put(known[start : start + 10_000])
    drawn, told = random.Random(5), []
    work: dict[str, Callable[[ModelIndex | JsonFiles], Callable[[ModelEntry], object]]] = {
        "get": lambda cache: lambda entry: cache.get(entry.repo),
        "put (renewed)": lambda cache: lambda entry: cache.put(
            [replace(entry, downloads=drawn.randrange(10**6))]
        ),
        "remove": lambda cache: lambda entry: cache.remove(entry.repo),
        "put (new)": lambda cache: lambda entry: cache.put([entry]),
        "get (not there)": lambda cache: lambda entry: cache.get(replace(entry.repo, namespace="nobody")),
    }  # fmt: skip
    chosen = drawn.sample(known, min(operations, count))
    for name, made in work.items():
        runs: dict[str, list[float]] = {"index": [], "files": []}
        for turn in range(_SLICES):
            runs["index"] += timed(made(index), chosen[turn::_SLICES])
            runs["files"] += timed(made(files), chosen[turn::_SLICES])
        ours, theirs = statistics.median(runs["index"]), statistics.median(runs["files"])
        told.append({"models": count, "operation": name, "index_s": ours, "files_s": theirs})
        shown = f"index {ours * 1e6:7.1f} us   a file each {theirs * 1e6:7.1f} us   {theirs / ours:5.2f} x"
        print(f"{count:>8,}  {name:<16}{shown}", flush=True)
    index.close()
    return told


def main() -> int:
    """Print the medians; exit code 1 where a file of JSON was faster."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--operations", type=int, default=2_000)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--quick", action="store_true", help="fewer, for a look")
    asked = parser.parse_args()
    if asked.quick:
        asked.counts, asked.operations = [1_000], 500
    told = []
    for count in asked.counts:
        with tempfile.TemporaryDirectory() as folder:
            told += compared(Path(folder), count, asked.operations)
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=2))
    return int(any(row["index_s"] > row["files_s"] for row in told))  # type: ignore[operator]


if __name__ == "__main__":
    raise SystemExit(main())
