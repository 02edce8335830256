"""Interpreters that have the libraries of the loaders: ``make test-all`` sets them up."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_CLIENTS = ROOT / ".venv" / "clients"


def interpreter(name: str) -> Path:
    """The Python of one environment; the test is skipped, and says so, where it is not there."""
    if not (_CLIENTS / name / ".had").exists():
        pytest.skip(f"there is no {_CLIENTS / name}: make test-all makes it")
    return _CLIENTS / name / "bin" / "python"


def clean(changes: Mapping[str, str]) -> dict[str, str]:
    """An environment that names no Hub, no token and no home but those of ``changes``."""
    ours = ("WEIGHBRIDGE_", "HF_", "MODEL_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **changes}


def alone() -> list[str]:
    """What binds a command to one processor: llama.cpp's threads spin while they wait for each other, which
    on a busy machine takes a hundred times as long."""
    return ["taskset", "-c", str(min(os.sched_getaffinity(0)))]


def run_in(name: str, program: str, *arguments: str, **changes: str) -> dict[str, object]:
    """The JSON that a program of ``tests/loaders/programs`` prints as its last line."""
    ran = subprocess.run(
        [*alone(), interpreter(name), "-m", f"tests.loaders.programs.{program}", *arguments],
        env=clean(changes), cwd=ROOT, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    said = json.loads(ran.stdout.splitlines()[-1])
    assert isinstance(said, dict)
    return said
