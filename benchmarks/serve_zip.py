"""The question: how fast does a package leave as a zip that is put together, beside nginx with it as a file.

    python benchmarks/serve_zip.py [--quick] [--rounds N] [--folder DIR]

``weighbridge serve`` with a package of one large file and a hundred small ones; nginx (one worker, sendfile)
with the very bytes that the registry sent, which are compared first. Read by curl: whole, a range of it, and
by eight clients at once. Medians of interleaved runs after one to warm up. Needs curl and nginx.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the package is the one of the tests

from tests.bridge.shelved import evidence, shelve

import _servers
from _bench import are_lacking, interleaved, scratch
from weighbridge.adapters.blobs_fs import FolderBlobs

BAR = 0.3
CLIENTS = 8


@contextmanager
def registry(home: Path) -> Iterator[str]:
    """``weighbridge serve`` over a home; its address."""
    command = [sys.executable, "-m", "weighbridge", "serve", "--home", str(home), "--port", "0", "--json"]
    environ = {**os.environ, "WEIGHBRIDGE_UPSTREAM": "http://hub.invalid"}
    silent = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=silent, env=environ, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


def curl(url: str, clients: int = 1, *more: str) -> float:
    """The seconds in which as many clients have it all."""
    command = ["curl", "-sf", "-o", os.devnull, *more, url]
    started = time.perf_counter()
    running = [subprocess.Popen(command) for _ in range(clients)]
    codes = [process.wait() for process in running]  # all of them, also after one that failed
    if any(codes):
        raise SystemExit(f"curl {url} failed")
    return time.perf_counter() - started


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: does it run at all")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where to work")
    options = parser.parse_args()
    if are_lacking("curl", "nginx"):
        return
    large, rounds = (1 << 26, 1) if options.quick else (1 << 29, 5)
    with scratch(options.folder / f"weighbridge-bench-{os.getpid()}") as work, ExitStack() as servers:
        files = {"model.safetensors": os.urandom(large)}
        files |= {f"part-{n:03}.json": os.urandom(20_000) for n in range(100)}
        package = shelve(work / "home", evidence(files))
        blobs = FolderBlobs(work / "home")
        for content in files.values():
            blobs.add(content)
        ours = f"{servers.enter_context(registry(work / 'home'))}/package/{package.id}/package.zip"
        for name in ("first.zip", "package.zip"):
            subprocess.run(["curl", "-sf", "-o", str(work / name), ours], check=True)
        if not filecmp.cmp(work / "first.zip", work / "package.zip", shallow=False):
            raise SystemExit("the registry sent two different zips")
        nginx = f"{servers.enter_context(_servers.nginx(work, work))}/package.zip"
        measure(
            (work / "package.zip").stat().st_size, options.rounds or rounds, {"ours": ours, "nginx": nginx}
        )


def measure(size: int, rounds: int, urls: dict[str, str]) -> None:
    """Every row of the table."""
    first, last = size // 10, size * 9 // 10
    print(f"{'median of ' + str(rounds):22}{'ours':>9}{'nginx':>9}{'/nginx':>9}{'bar':>6}")
    for name, amount, clients, more in (
        ("whole zip, GB/s", size, 1, ()),
        ("range of it, GB/s", last - first, 1, ("-H", f"Range: bytes={first}-{last - 1}")),
        (f"{CLIENTS} clients, GB/s", size * CLIENTS, CLIENTS, ()),
    ):
        runs = {who: (lambda url=url, c=clients, m=more: curl(url, c, *m)) for who, url in urls.items()}
        found = interleaved(runs, rounds)
        rates = [amount / 1e9 / found[who] for who in ("ours", "nginx")]
        print(f"{name:22}{rates[0]:9.2f}{rates[1]:9.2f}{rates[0] / rates[1]:8.2f}x{BAR:5}x", flush=True)


if __name__ == "__main__":
    main()
