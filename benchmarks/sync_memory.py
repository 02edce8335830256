"""The question: does the memory of ``weighbridge sync`` grow with the size of a file.

    python benchmarks/sync_memory.py [--quick]

The peak of the whole process (``ru_maxrss``) when it fetches, hashes and lays out one file of 1 MiB, and
one of 1 GiB, with ``hf download`` beside it; then of exporting and importing both as a bundle. The
bar is 100 MB for the large one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from _bench import hub_process, make_files, scratch

BIN = Path(sys.executable).parent
BAR_BYTES = 100_000_000
SIZES = {"1 MiB": 1 << 20, "1 GiB": 1 << 30}
QUICK = {"1 MiB": 1 << 20, "64 MiB": 1 << 26}
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(done.returncode)
"""


def main() -> None:
    """Measure, print, and fail where the bar is not reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a smaller file")
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help="where the files go")
    options = parser.parse_args()
    peaks: dict[str, list[int]] = {}
    with scratch(options.folder / ".bench-memory") as place:
        for name, size in (QUICK if options.quick else SIZES).items():
            make_files(place / "hub" / name.replace(" ", ""), 1, size)
            with hub_process(place / "hub") as url:
                for what, peak in _peaks(place / name.replace(" ", ""), name.replace(" ", ""), url).items():
                    peaks.setdefault(what, []).append(peak)
            shutil.rmtree(place / "hub")
    sizes = list(QUICK if options.quick else SIZES)
    print(f"{'peak, MB':20}" + "".join(f"{name:>10}" for name in sizes))
    for what, row in peaks.items():
        print(f"{what:20}" + "".join(f"{peak / 1e6:10.1f}" for peak in row))
    for what, row in peaks.items():
        if what != "hf download":
            assert row[-1] <= BAR_BYTES, f"{what}: the bar is {BAR_BYTES / 1e6:.0f} MB"


def _peaks(place: Path, name: str, url: str) -> dict[str, int]:
    there = place / "there"
    there.mkdir(parents=True)
    for folder in (place, there):
        (folder / "models.yaml").write_text(f"models:\n  - id: m\n    repo_id: bench/{name}\n")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(place),
        "HF_HOME": str(place / "hf"),
        "HF_ENDPOINT": url,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "WEIGHBRIDGE_HOME": str(place / "home"),
    }
    ours, bundle = str(BIN / "weighbridge"), str(place / "a.bundle")
    behind = {**environ, "WEIGHBRIDGE_HOME": str(there / "home"), "HF_HUB_OFFLINE": "1"}
    return {
        "weighbridge sync": _peak([ours, "sync"], environ, place),
        "hf download": _peak([str(BIN / "hf"), "download", f"bench/{name}"], environ, place),
        "bundle export": _peak([ours, "bundle", "export", bundle], environ, place),
        "bundle import": _peak([ours, "bundle", "import", bundle], behind, there),
        "sync from bundle": _peak([ours, "sync", "--frozen", "--offline"], behind, there),
    }


def _peak(command: Sequence[str], environ: dict[str, str], cwd: Path) -> int:
    """The largest resident set of a command, in bytes, as the kernel counted it."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], env=environ, cwd=cwd, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return int(done.stdout)


if __name__ == "__main__":
    main()
