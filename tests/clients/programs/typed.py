"""The ``hf`` command as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HF = str(Path(sys.executable).with_name("hf"))


def hf(*arguments: str, code: int = 0, **env: str) -> str:
    """What the command says; it ends with ``code``."""
    done = subprocess.run(
        [HF, *arguments], env={**os.environ, "NO_COLOR": "1", **env}, capture_output=True, text=True,
        check=False, timeout=600,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == code, f"exit code {done.returncode}: {said[-1500:]}"
    assert "Traceback" not in said, said[-1500:]
    return said


def has(said: str, *words: str) -> None:
    for word in words:
        assert word in said, f"{word!r} is not in {said[-1500:]!r}"
