"""The question: how much faster comes a large file where a connection gets only 20 MB/s.

    python benchmarks/fetch_slow_connections.py [--quick] [--rounds N] [--folder DIR]

The same fetch, whole processes, all hashes checked: once with one connection only, once with as
many as it finds useful. A second row gives every connection all there is: there, more must not cost.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from _bench import HERE, hub_process, interleaved, make_files, scratch, timed


def fetch(address: str, root: Path, helpers: int) -> float:
    """Seconds of one fetch with up to ``helpers`` connections beside the first."""
    home = root / "home"
    command = [sys.executable, str(HERE / "_fetch_one.py"), address, "bench/model", str(home), str(helpers)]
    seconds = timed(command, dict(os.environ))
    shutil.rmtree(home)
    return seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="64 MiB, one round: does it run at all")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where to work")
    options = parser.parse_args()
    size = 1 << 26 if options.quick else 1 << 30
    print(f"{f'{size >> 20} MiB, seconds':24}{'one':>8}{'several':>9}{'ratio':>8}{'bar':>7}")
    with scratch(options.folder / f"weighbridge-bench-{os.getpid()}") as root:
        make_files(root / "repos" / "model", 1, size)
        for title, rate, bar in (("20 MB/s a connection", 20_000_000, "5.0x"), ("full speed", 0, "1.0x")):
            with hub_process(root / "repos", rate) as address:
                contenders = {str(n): partial(fetch, address, root, n) for n in (0, 15)}
                # A throttled minute needs no warming up; a second at full speed does.
                found = interleaved(
                    contenders, options.rounds if rate else max(3, options.rounds), warm=not rate
                )
            one, several = found["0"], found["15"]
            print(f"{title:24}{one:8.2f}{several:9.2f}{one / several:7.1f}x{bar:>7}", flush=True)


if __name__ == "__main__":
    main()
