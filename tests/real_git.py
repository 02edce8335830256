"""The real git, where it is installed, with no configuration of the user's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

GIT = shutil.which("git") or ""


def git(
    folder: Path, *arguments: str, stdin: bytes = b"", codes: tuple[int, ...] = (0,), **env: str
) -> bytes:
    """What git prints."""
    ran = subprocess.run(
        [GIT, *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
            **env,
        },
        check=False,
    )
    assert ran.returncode in codes, ran.stderr.decode()
    return ran.stdout
