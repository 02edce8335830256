"""The question: how fast do files leave, beside nginx and olah.

    python benchmarks/serve_files.py [--quick] [--rounds N] [--folder DIR]

``weighbridge hub`` over a folder, nginx (one worker, sendfile) over the same files and over files with
our own JSON, and olah 0.5.4 as a mirror of ours, with everything cached. Large files are read by curl,
small ones by one curl over one connection, JSON by ApacheBench over four. Medians of interleaved runs
after one to warm up. Needs curl, nginx and ab (Debian: curl nginx-light apache2-utils); olah is
installed from PyPI into an environment of its own, which is kept for the next time.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import _servers
from _bench import are_lacking, interleaved, make_files, scratch

LARGE, SMALL = "model-00000-of-00001.bin", "part-{:03}.json"
TAKEN = re.compile(rb"Time taken for tests:\s+([0-9.]+)")
FAILED = re.compile(rb"(Failed requests:\s+[1-9]|Non-2xx responses)")


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    large: int
    small_files: int
    requests: int
    rounds: int


FULL, QUICK = Sizes(1 << 30, 200, 20_000, 5), Sizes(1 << 26, 20, 1000, 1)


def curl_large(url: str, *more: str) -> float:
    """The seconds in which one file arrives."""
    out = run(["curl", "-sf", "-o", os.devnull, "-w", "%{time_total}", *more, url])
    return float(out)


def curl_small(urls: Path) -> float:
    """The seconds in which all files of a list arrive, over one connection."""
    out = run(["curl", "-sf", "-w", "%{time_total}\n", "-K", str(urls)])
    return sum(map(float, out.split()))


def bench(url: str, requests: int, *more: str) -> float:
    """The seconds that a number of requests take over four connections."""
    out = run(["ab", "-q", "-k", "-c", "4", "-n", str(requests), *more, url])
    found = TAKEN.search(out)
    if found is None or FAILED.search(out):
        raise SystemExit(f"ab {url} failed:\n{out.decode()}")
    return float(found[1])


def run(command: list[str]) -> bytes:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.decode()}")
    return done.stdout


class Rows:
    """Measures and prints: a rate for each server, and what ours is of the others'."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        print(f"{'median of ' + str(rounds):18}{'ours':>9}{'nginx':>9}{'olah':>9}"
              f"{'/nginx':>9}{'bar':>6}{'/olah':>9}{'bar':>6}")  # fmt: skip

    def row(
        self,
        name: str,
        amount: float,
        runs: dict[str, Callable[[], float]],
        *,
        nginx: float = 0,
        olah: float = 0,
    ) -> None:
        """One row; ``nginx`` and ``olah`` are the bars."""
        found = {server: amount / seconds for server, seconds in interleaved(runs, self._rounds).items()}
        rates = "".join(
            f"{found[s]:9.{2 if amount < 10 else 0}f}" if s in found else f"{'-':>9}"
            for s in ("ours", "nginx", "olah")
        )
        ratios = "".join(
            f"{found['ours'] / found[s]:8.2f}x{f'{bar}x' if bar else '':>6}"
            if s in found
            else f"{'-':>9}{'':6}"
            for s, bar in (("nginx", nginx), ("olah", olah))
        )
        print(f"{name:18}{rates}{ratios}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: does it run at all")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where to work")
    options = parser.parse_args()
    if are_lacking("curl", "nginx", "ab"):
        return
    sizes = QUICK if options.quick else FULL
    with scratch(options.folder / f"weighbridge-bench-{os.getpid()}") as work, ExitStack() as servers:
        model = work / "repos" / "bench" / "model"
        make_files(model, 1, sizes.large)
        for number in range(sizes.small_files):
            (model / SMALL.format(number)).write_bytes(os.urandom(20_000))
        ours = servers.enter_context(_servers.weighbridge(work / "repos"))
        nginx = servers.enter_context(_servers.nginx(work, work))
        kept = options.folder / "weighbridge-bench-olah-0.5.4"
        olah = servers.enter_context(_servers.olah(ours, work, kept))
        if olah is None:
            print("olah could not be installed: it is left out")
        measure(sizes, Rows(options.rounds or sizes.rounds), work, ours, nginx, olah)


def measure(sizes: Sizes, rows: Rows, work: Path, ours: str, nginx: str, olah: str | None) -> None:
    """Every row of the table."""
    hubs = {"ours": ours} | ({"olah": olah} if olah else {})
    bases = {name: f"{address}/bench/model/resolve/main" for name, address in hubs.items()}
    bases["nginx"] = f"{nginx}/repos/bench/model"

    first, last = sizes.large // 10, sizes.large * 9 // 10
    span = ("-H", f"Range: bytes={first}-{last - 1}")
    whole = {name: (lambda base=base: curl_large(f"{base}/{LARGE}")) for name, base in bases.items()}
    rows.row("whole file, GB/s", sizes.large / 1e9, whole, nginx=0.55, olah=2)
    part = {name: (lambda base=base: curl_large(f"{base}/{LARGE}", *span)) for name, base in bases.items()}
    rows.row("range of it, GB/s", (last - first) / 1e9, part, nginx=0.55, olah=2)

    lists = {name: work / f"urls-{name}" for name in bases}
    for name, base in bases.items():
        urls = (
            f'url = "{base}/{SMALL.format(n)}"\noutput = "{os.devnull}"\n' for n in range(sizes.small_files)
        )
        lists[name].write_text("".join(urls))
    small = {name: (lambda path=path: curl_small(path)) for name, path in lists.items()}
    rows.row("20 KB files, 1/s", sizes.small_files, small, olah=50)

    count = sizes.requests
    heads = {n: (lambda base=bases[n]: bench(f"{base}/{LARGE}", count, "-i")) for n in ("ours", "nginx")}
    rows.row("HEAD resolve, 1/s", count, heads, nginx=0.2)
    for title, path in (
        ("tree, 1/s", "/api/models/bench/model/tree/main"),
        ("info, 1/s", "/api/models/bench/model"),
    ):
        static = work / f"{path.rpartition('/')[2]}.json"
        with urllib.request.urlopen(ours + path) as answer:
            static.write_bytes(answer.read())
        urls = {"ours": ours + path, "nginx": f"{nginx}/{static.name}"}
        runs = {name: (lambda url=url: bench(url, count)) for name, url in urls.items()}
        rows.row(title, count, runs, nginx=0.2)


if __name__ == "__main__":
    main()
