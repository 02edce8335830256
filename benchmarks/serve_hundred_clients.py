"""The question: what do a hundred clients get that fetch at once, each another one of 500 packages.

    python benchmarks/serve_hundred_clients.py [--quick] [--packages N] [--rounds N] [--folder DIR]

``weighbridge serve`` with packages of 24.8 MB, and nginx (one worker, sendfile) over the very same files.
In each round a hundred packages are drawn; for each of them one curl fetches all of its files through the
Hub door, from nginx, and as one zip. Everything that arrived is compared with what was sent. A rate is all
bytes by the time until the last client has its own; the slowest client is told in medians of all. The
first round is told apart: a zip that nobody asked for before is read once more for its checksums.
Needs curl and nginx, and room for all packages and a hundred of them again.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the package is the one of the tests

from tests.bridge.shelved import evidence, shelve

import _servers
from _bench import are_lacking, scratch
from serve_zip import registry
from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.catalog import Catalog
from weighbridge.domain.access import AuditLine
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.package import Package
from weighbridge.domain.ref import RepoId

CLIENTS = 100
SIZES = {"model.safetensors": 24_700_000, "tokenizer.json": 90_000, "vocab.txt": 9_000, "config.json": 1_000}
BARS = {"hub": 0.55, "zip": 0.3}
SLOWEST = 3.0


def shelved(home: Path, count: int) -> list[Package]:
    """As many packages, each with files of its own, of one model's papers."""
    first = shelve(home, evidence())
    blobs, catalog = FolderBlobs(home), Catalog.open(home / "catalog.sqlite3")
    packages, drawn = [], {path: os.urandom(size) for path, size in SIZES.items()}
    for number in range(count):
        files = []
        for path, size in SIZES.items():
            content = b"%064d" % number + drawn[path][64:]
            blobs.add(content)
            files.append(FileEntry(path=path, size_bytes=size, digests=digests_of(content)))
        repo = RepoId.parse(f"bench/model-{number}")
        manifest = Manifest(repo=repo, commit=first.manifest.commit, files=tuple(files))
        package = replace(first, id=f"package-{number}", manifest=manifest)
        line = AuditLine(at=first.created_at, by="bench", verb="ingest", target=repo.full_name, detail="")
        catalog.add(package, (), line)
        packages.append(package)
    catalog.close()
    return packages


class Fetching:
    """The ways to a package; each gives the addresses and where they are saved."""

    def __init__(self, ours: str, nginx: str) -> None:
        self._ours, self._nginx = ours, nginx

    def hub(self, package: Package) -> Iterator[tuple[str, str]]:
        """Every file by the Hub's address."""
        for file in package.manifest.files:
            yield f"{self._ours}/{package.name}/resolve/{package.manifest.commit}/{file.path}", file.path

    def nginx(self, package: Package) -> Iterator[tuple[str, str]]:
        """Every file as it lies in the store."""
        for file in package.manifest.files:
            name = file.sha256 or ""
            yield f"{self._nginx}/blobs-v1/sha256/{name[:2]}/{name}", file.path

    def zip(self, package: Package) -> Iterator[tuple[str, str]]:
        """All in one."""
        yield f"{self._ours}/package/{package.id}/package.zip", "package.zip"


def fetched(
    fetching: Fetching, way: str, packages: Sequence[Package], work: Path
) -> tuple[float, list[float]]:
    """The seconds until all have theirs, and the seconds of each client; what came is in ``work``."""
    commands = []
    for number, package in enumerate(packages):
        (work / str(number)).mkdir(parents=True)
        rows = [
            f'url = "{url}"\noutput = "{work / str(number) / name}"\n'
            for url, name in getattr(fetching, way)(package)
        ]
        (work / str(number) / "urls").write_text("".join(rows))
        told = ["-w", "%{time_total}\n", "-K", str(work / str(number) / "urls")]
        commands.append(["curl", "-sfL", *told])
    started = time.perf_counter()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    outs = [process.communicate()[0] for process in running]
    seconds = time.perf_counter() - started
    if failed := sum(process.returncode != 0 for process in running):
        raise SystemExit(f"{way}: {failed} of {len(running)} clients failed")
    return seconds, [sum(map(float, out.split())) for out in outs]


def is_right(package: Package, folder: Path, blobs: FolderBlobs) -> bool:
    """Whether every file came as it was sent."""
    if (folder / "package.zip").exists():
        with zipfile.ZipFile(folder / "package.zip") as archive:
            archive.extractall(folder)
    return all(
        filecmp.cmp(folder / file.path, blobs.path(file.sha256 or ""), shallow=False)
        for file in package.manifest.files
    )


def main() -> int:
    """Print the table; exit code 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few packages, one round: does it run at all")
    parser.add_argument("--packages", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where to work")
    options = parser.parse_args()
    if are_lacking("curl", "nginx"):
        return 0
    count, clients, rounds = (20, 10, 1) if options.quick else (options.packages, CLIENTS, options.rounds)
    with scratch(options.folder / f"weighbridge-bench-{os.getpid()}") as work, ExitStack() as servers:
        packages = shelved(work / "home", count)
        ours = servers.enter_context(registry(work / "home"))
        nginx = servers.enter_context(_servers.nginx(work / "home", work))
        return measured(Fetching(ours, nginx), packages, clients, rounds, work)


def measured(fetching: Fetching, packages: Sequence[Package], clients: int, rounds: int, work: Path) -> int:
    """The table."""
    drawn, blobs, missed = random.Random(7), FolderBlobs(work / "home"), 0
    rates: dict[str, list[float]] = {way: [] for way in ("nginx", "hub", "zip")}
    print(f"{clients} clients{'':12}{'right':>6}{'MB/s':>8}{'median s':>10}{'slowest':>10}{'bar':>6}")
    for number in range(rounds + 1):
        chosen = drawn.sample(packages, clients)
        for way in rates:
            seconds, each = fetched(fetching, way, chosen, work / "came")
            right = sum(is_right(p, work / "came" / str(n), blobs) for n, p in enumerate(chosen))
            shutil.rmtree(work / "came")
            rate, median = sum(p.size_bytes for p in chosen) / 1e6 / seconds, statistics.median(each)
            slowest = max(each) / median
            missed += right < clients or (way != "nginx" and number > 0 and slowest > SLOWEST)
            if number:
                rates[way].append(rate)
            name = f"{way}, {'the first time' if number == 0 else f'round {number}'}"
            print(f"{name:22}{right:>6}{rate:8.0f}{median:10.2f}{slowest:9.2f}x{SLOWEST:5.0f}x", flush=True)
    nginx = statistics.median(rates["nginx"])
    for way, bar in BARS.items():
        part = statistics.median(rates[way]) / nginx
        missed += part < bar
        print(f"{way + ' / nginx':22}{part:13.2f}x   bar {bar}x")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
