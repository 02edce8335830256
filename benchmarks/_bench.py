"""What the benchmarks share: files to serve, a server process, whole-process runs, a table."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent


def make_files(folder: Path, count: int, size: int) -> None:
    """Random files, named as the shards of a model."""
    folder.mkdir(parents=True)
    for number in range(count):
        with (folder / f"model-{number:05}-of-{count:05}.bin").open("wb") as file:
            left = size
            while left:
                left -= file.write(os.urandom(min(left, 1 << 24)))


@contextmanager
def hub_process(folder: Path, bytes_per_s: int = 0) -> Iterator[str]:
    """The benchmarks' Hub over ``folder`` as a process of its own; its address."""
    command = [sys.executable, str(HERE / "_hub_server.py"), str(folder), "--bytes-per-s", str(bytes_per_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate("")


def timed(command: Sequence[str], environ: dict[str, str]) -> float:
    """The wall seconds of a whole process, which must succeed."""
    started = time.perf_counter()
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return seconds


def interleaved(
    contenders: dict[str, Callable[[], float]], rounds: int, *, warm: bool = True
) -> dict[str, float]:
    """The median of each contender, all of them once in every round; ``warm``: after one more."""
    runs: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + warm):
        for name, run in contenders.items():
            seconds = run()
            if number >= warm:
                runs[name].append(seconds)
    return {name: statistics.median(seconds) for name, seconds in runs.items()}


def are_lacking(*programs: str) -> bool:
    """Whether one of the programs is not installed; if so that is said, and nothing can be measured."""
    os.environ["PATH"] += ":/usr/sbin"
    lacking = [program for program in programs if not shutil.which(program)]
    if lacking:
        print(f"not measured: {', '.join(lacking)} is not installed")
    return bool(lacking)


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """A fresh folder, removed at the end."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
