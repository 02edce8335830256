"""Each client is driven once in a test run, however many workers pytest has."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients.live import live_registry
from tests.clients.suite import Run, run_all

Outcomes = Mapping[str, Mapping[str, str]]


def outcomes(runs: Sequence[Run], name: str, folder: pytest.TempPathFactory, workers: bool) -> Outcomes:
    """By run and case what was said; the first worker that asks does the work, the others wait for it."""
    # One folder for all workers of this test run is the parent of each worker's own.
    shared = folder.getbasetemp().parent if workers else folder.getbasetemp()
    kept = shared / f"{name}.json"
    with (shared / f"{name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(json.dumps(drive(runs, shared / name)))
    found: Outcomes = json.loads(kept.read_text())
    return found


def drive(runs: Sequence[Run], place: Path) -> Outcomes:
    """Run everything: against a registry that shows every commit, and against one with its gate shut."""
    with ExitStack() as stack:
        lives = {
            serve: stack.enter_context(live_registry(place / serve, serve=serve))
            for serve in sorted({run.serve for run in runs})
        }
        return run_all(runs, lives, place / "runs")
