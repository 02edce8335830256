"""The question: how long does a whole process take to fetch a model, beside ``hf download`` and curl.

    python benchmarks/fetch_against_hf.py [--quick] [--rounds N] [--folder DIR]

Every contender runs as a process of its own, from a cold start, against one local server, into a
fresh folder; ``weighbridge sync`` resolves, fetches, hashes every byte, writes a lock and lays the
model out. ``hf download`` and curl verify nothing. Medians of interleaved runs after one to warm up.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from itertools import count
from pathlib import Path

from _bench import hub_process, interleaved, make_files, scratch, timed

BIN = Path(sys.executable).parent
FULL = {"one 1 GiB file": (1, 1 << 30), "200 x 5 MB": (200, 5_000_000), "2000 x 20 KB": (2000, 20_000)}
QUICK = {"one 64 MiB file": (1, 1 << 26), "20 x 5 MB": (20, 5_000_000), "200 x 20 KB": (200, 20_000)}
BARS = (1.6, 2.0, 7.0)
MANY = 1000
"""ext4 is slow to give out the numbers of files that were just removed, so many stay to the end."""


class Runs:
    """The contenders' runs, each in a folder that was never there."""

    def __init__(self, address: str, name: str, files: int, root: Path) -> None:
        self._address, self._name, self._files, self._root = address, name, files, root
        self._numbers = count()

    def weighbridge(self) -> float:
        """Seconds of ``weighbridge sync`` with an empty home and no lock."""
        home = self._fresh()
        models = home / "models.yaml"
        models.write_text(f"cache_dir: models\nmodels:\n  - id: m\n    repo_id: bench/{self._name}\n")
        environ = {"WEIGHBRIDGE_HOME": str(home / "home"), "WEIGHBRIDGE_UPSTREAM": self._address}
        return self._run([str(BIN / "weighbridge"), "sync", "--config", str(models)], environ, home)

    def hf(self) -> float:
        """Seconds of ``hf download`` with an empty cache."""
        home = self._fresh()
        environ = {"HF_HOME": str(home), "HF_ENDPOINT": self._address, "HF_HUB_DISABLE_TELEMETRY": "1"}
        return self._run([str(BIN / "hf"), "download", f"bench/{self._name}"], environ, home)

    def curl(self) -> float:
        """Seconds of one curl for all files over one connection, without any check."""
        home = self._fresh()
        names = [f"model-{n:05}-of-{self._files:05}.bin" for n in range(self._files)]
        rows = (
            f'url = "{self._address}/bench/{self._name}/resolve/main/{name}"\noutput = "{home / name}"\n'
            for name in names
        )
        (home / "urls").write_text("".join(rows))
        return self._run(["curl", "-sf", "-K", str(home / "urls")], {}, home)

    def _fresh(self) -> Path:
        home = self._root / f"run-{next(self._numbers)}"
        home.mkdir()
        return home

    def _run(self, command: list[str], environ: dict[str, str], home: Path) -> float:
        plain = {
            name: value for name, value in os.environ.items() if not name.startswith(("HF_", "WEIGHBRIDGE_"))
        }
        seconds = timed(command, {**plain, **environ})
        if self._files < MANY:
            shutil.rmtree(home)
        return seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: does it run at all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where to work")
    options = parser.parse_args()
    shapes = QUICK if options.quick else FULL
    rounds = 1 if options.quick else options.rounds
    title = f"seconds, median of {rounds}"
    print(f"{title:24}{'weighbridge':>12}{'hf':>8}{'curl':>8}{'hf / ours':>11}{'bar':>6}")
    for (title, (files, size)), bar in zip(shapes.items(), BARS, strict=True):
        with scratch(options.folder / f"weighbridge-bench-{os.getpid()}") as root:
            make_files(root / "repos" / "model", files, size)
            with hub_process(root / "repos") as address:
                runs = Runs(address, "model", files, root)
                contenders = {"weighbridge": runs.weighbridge, "hf": runs.hf}
                if shutil.which("curl"):
                    contenders["curl"] = runs.curl
                found = interleaved(contenders, rounds)
        curl = f"{found['curl']:8.2f}" if "curl" in found else f"{'-':>8}"
        ratio = found["hf"] / found["weighbridge"]
        print(
            f"{title:24}{found['weighbridge']:12.2f}{found['hf']:8.2f}{curl}{ratio:10.1f}x{bar:5.1f}x",
            flush=True,
        )


if __name__ == "__main__":
    main()
