"""The warm check: how long to make sure that 50 models of 10 files are there, and what is noticed.

    python benchmarks/warm_check.py [--models 50] [--files 10] [--rounds 9] [--quick]

Everything is held already. `weighbridge sync --frozen` is set beside a loop of huggingface_hub's
`snapshot_download` at pinned commits, offline in its two ways: by `HF_HUB_OFFLINE=1`, and by
`local_files_only=True`, which only asks whether each file exists. As whole processes, and inside
one process that has imported both libraries and asks again and again. Then one file is truncated
and one rewritten in place, and both are asked once more.

The bars (2x, 5x) are held against the first, the Hub client's offline mode. The second is shown
beside it; inside one process it leaves no room for a factor of five, for 500 bare `os.lstat` calls
(the last column) take a fifth of its time already.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from _bench import hub_process, interleaved, make_files, scratch, timed

PEER = """
import json, sys
from huggingface_hub import snapshot_download
for repo, commit in json.load(open(sys.argv[1])).items():
    snapshot_download(repo, revision=commit, local_files_only=sys.argv[2] == "offline")
"""
INSIDE = """
import json, os, sys, time
from pathlib import Path
from huggingface_hub import snapshot_download
from weighbridge.bridge.models import open_models
from weighbridge.settings import load_settings

pins = json.load(open(sys.argv[1]))
config = Path(sys.argv[2])

models = open_models(load_settings())

def ours():
    done = models.sync(models.read(config), frozen=True)
    assert all(line.state == "held" and line.error is None for line in done)

def peer(existing=False):
    for repo, commit in pins.items():
        snapshot_download(repo, revision=commit, local_files_only=existing)

files = [str(path) for path in config.with_name("models").glob("m*/*.bin")]

def floor():
    for path in files:
        os.lstat(path)

def seconds(run):
    started = time.perf_counter()
    run()
    return time.perf_counter() - started

runs = (ours, peer, lambda: peer(existing=True), floor)
print(json.dumps([[seconds(run) for run in runs] for _ in range(int(sys.argv[3]) + 1)][1:]))
"""


def main() -> None:
    """Measure, print, and fail where the bars are not reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="a smoke run; bars are not asked for")
    options = parser.parse_args()
    if options.quick:
        options.models, options.rounds = 5, 1
    with scratch(Path.cwd() / ".bench-warm") as place:
        for number in range(options.models):
            make_files(place / "hub" / f"m{number}", options.files, 20_000)
        with hub_process(place / "hub") as url:
            environ = _environ(place, url)
            pins, config = _fill(place, options.models, environ)
        whole = _whole(pins, config, environ, options.rounds)
        inside = _inside(pins, config, environ, options.rounds)
        print(f"{options.models} models, {options.models * options.files} files, all held; median ms")
        print(f"{'':20}{'weighbridge':>12}{'HF_HUB_OFFLINE=1':>24}{'local_files_only':>24}{'bare lstat':>12}")
        print(_row("whole process", whole))
        print(_row("inside one process", inside))
        noticed = _noticing(place, pins, config, environ)
        for name, (ours, peer) in noticed.items():
            print(f"{name:20}{_said(ours):>12}{_said(peer):>24}")
    assert all(ours for ours, _ in noticed.values()), "a changed file was not noticed"
    if not options.quick:
        assert whole[1] / whole[0] >= 2, "whole process: the bar is 2x"
        assert inside[1] / inside[0] >= 5, "inside one process: the bar is 5x"


def _row(name: str, seconds: Sequence[float]) -> str:
    ours, *others = seconds
    cells = [f"{other * 1e3:.1f} ({other / ours:.1f}x)" for other in others[:2]]
    floor = f"{others[2] * 1e3:12.1f}" if len(others) > 2 else ""
    return f"{name:20}{ours * 1e3:12.1f}" + "".join(f"{cell:>24}" for cell in cells) + floor


def _environ(place: Path, url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(place),
        "HF_HOME": str(place / "hf"),
        "HF_ENDPOINT": url,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "WEIGHBRIDGE_HOME": str(place / "home"),
    }


def _fill(place: Path, count: int, environ: dict[str, str]) -> tuple[Path, Path]:
    """Fetch everything with both; gives the file of pins and the model list."""
    config, pins = place / "models.yaml", place / "pins.json"
    rows = [f"  - id: m{n}\n    repo_id: bench/m{n}\n    revision: main\n" for n in range(count)]
    config.write_text("models:\n" + "".join(rows))
    timed([_ours(), "sync", "--config", str(config)], environ)
    locked = json.loads((place / "models.lock").read_text())["models"]
    pins.write_text(json.dumps({entry["repo"]: entry["commit"] for entry in locked.values()}))
    timed([sys.executable, "-c", PEER, str(pins), "online"], environ)
    return pins, config


def _whole(pins: Path, config: Path, environ: dict[str, str], rounds: int) -> list[float]:
    sync = [_ours(), "sync", "--frozen", "--config", str(config)]
    peer = [sys.executable, "-c", PEER, str(pins)]
    contenders: dict[str, Callable[[], float]] = {
        "ours": lambda: timed(sync, environ),
        "offline": lambda: timed([*peer, "online"], {**environ, "HF_HUB_OFFLINE": "1"}),
        "existing": lambda: timed([*peer, "offline"], environ),
    }
    return list(interleaved(contenders, rounds).values())


def _inside(pins: Path, config: Path, environ: dict[str, str], rounds: int) -> list[float]:
    command = [sys.executable, "-c", INSIDE, str(pins), str(config), str(rounds)]
    offline = {**environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=offline, capture_output=True, text=True, check=True)
    return [statistics.median(run) for run in zip(*json.loads(done.stdout), strict=True)]


def _noticing(place: Path, pins: Path, config: Path, environ: dict[str, str]) -> dict[str, tuple[bool, bool]]:
    """Damage one file each way on both sides, and ask whether it was noticed (offline: an error)."""
    commits = json.loads(pins.read_text())
    name = "model-00000-of-%05d.bin"
    count = len(list((place / "hub" / "m0").iterdir()))
    found = {}
    for model, (what, damage) in enumerate(
        {"a truncated file": _truncate, "a rewritten file": _rewrite}.items()
    ):
        snapshot = (
            place / "hf" / "hub" / f"models--bench--m{model}" / "snapshots" / commits[f"bench/m{model}"]
        )
        damage(place / "models" / f"m{model}" / (name % count))
        damage((snapshot / (name % count)).resolve())
        ours = subprocess.run(
            [_ours(), "sync", "--frozen", "--offline", f"m{model}", "--config", str(config)],
            env=environ,
            capture_output=True,
        )
        peer = subprocess.run(
            [sys.executable, "-c", PEER, str(pins), "offline"], env=environ, capture_output=True
        )
        found[what] = (ours.returncode != 0, peer.returncode != 0)
    return found


def _truncate(path: Path) -> None:
    path.chmod(0o644)
    os.truncate(path, 10)


def _rewrite(path: Path) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(b"other bytes")


def _ours() -> str:
    return str(Path(sys.executable).with_name("weighbridge"))


def _said(noticed: bool) -> str:
    return "noticed" if noticed else "not noticed"


if __name__ == "__main__":
    main()
