"""The question: how long does ``weighbridge sync`` take where everything is held, beside ``hf download``.

    python benchmarks/sync_held.py [--rounds 15] [--quick]

One model, held by both, offline, each as a whole process: ``weighbridge sync --frozen --offline`` and
``hf download REPO --revision COMMIT`` with HF_HUB_OFFLINE=1. Ours compares size, time and inode of each
file with what they were when the file was right; the other looks whether names exist. Medians of
interleaved runs after one to warm up. The bar is 0.6 of the other's time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from _bench import hub_process, interleaved, make_files, scratch, timed

BIN = Path(sys.executable).parent
BAR = 0.6
SHAPES = {"10 files": (10, 2_000_000), "200 files": (200, 100_000)}


def main() -> None:
    """Measure, print, and fail where the bar is not reached."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="a smoke run; the bar is not asked for")
    options = parser.parse_args()
    rounds = 2 if options.quick else options.rounds
    ratios = []
    with scratch(Path.cwd() / ".bench-held") as place:
        for name, (count, size) in SHAPES.items():
            make_files(place / "hub" / name.replace(" ", "-"), count, size)
        print(f"{'':12}{'weighbridge':>12}{'hf':>10}{'ours / hf':>12}   ms, medians of {rounds}")
        for name in SHAPES:
            ours, peer = _measured(place, name.replace(" ", "-"), rounds)
            ratios.append(ours / peer)
            print(f"{name:12}{ours * 1e3:12.0f}{peer * 1e3:10.0f}{ours / peer:12.2f}")
    if not options.quick:
        assert max(ratios) <= BAR, f"the bar is {BAR}"


def _measured(place: Path, name: str, rounds: int) -> tuple[float, float]:
    config = place / name / "models.yaml"
    config.parent.mkdir()
    config.write_text(f"models:\n  - id: m\n    repo_id: bench/{name}\n")
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(place),
        "HF_HOME": str(place / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "WEIGHBRIDGE_HOME": str(place / "home"),
    }
    sync = [str(BIN / "weighbridge"), "sync", "--config", str(config)]
    download = [str(BIN / "hf"), "download", f"bench/{name}"]
    with hub_process(place / "hub") as url:
        timed(sync, {**environ, "HF_ENDPOINT": url})
        commit = json.loads(config.with_name("models.lock").read_text())["models"]["m"]["commit"]
        pinned = [*download, "--revision", commit]
        timed(pinned, {**environ, "HF_ENDPOINT": url})
    offline = {**environ, "HF_ENDPOINT": url, "HF_HUB_OFFLINE": "1"}
    contenders = {
        "ours": lambda: timed([*sync, "--frozen", "--offline"], offline),
        "hf": lambda: timed(pinned, offline),
    }
    ours, peer = interleaved(contenders, rounds).values()
    return ours, peer


if __name__ == "__main__":
    main()
