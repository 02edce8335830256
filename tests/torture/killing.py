"""Kill a command at a random moment, and look at what it left behind."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.warm import Warm, run_warm

Process = Warm | subprocess.Popen[bytes]
COMMAND = (sys.executable, "-m", "weighbridge")


def seed() -> int:
    """The seed of this run: WEIGHBRIDGE_TORTURE_SEED, else a new one; printed so that it can be repeated."""
    chosen = int(os.environ.get("WEIGHBRIDGE_TORTURE_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {chosen}: repeat with WEIGHBRIDGE_TORTURE_SEED={chosen}")
    return chosen


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment that knows this home and nothing of the user's own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WEIGHBRIDGE_", "HF_"))}
    return {
        **kept,
        "WEIGHBRIDGE_HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "NO_PROXY": "127.0.0.1",
        **more,
    }


def start(arguments: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> Warm:
    """A command of ours, in a session of its own."""
    with log.open("ab") as out:
        return Warm(arguments, env=env, cwd=cwd, stdout=out, stderr=out)


def killed_after(process: Process, seconds: float) -> bool:
    """SIGKILL the process itself (not its children) after a while; False if it had ended by itself."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


class Moments:
    """Random moments in the life of a command, however long it lives on this machine today.

    One that had ended by itself teaches how long they live, one that was caught that they may live longer:
    of a handful some are caught, also where the first one was slow.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng, self._within_s, self.caught = rng, 0.5, 0

    def kill(self, process: Process) -> None:
        """SIGKILL it at such a moment."""
        began = time.monotonic()
        if killed_after(process, self._rng.uniform(0.0, self._within_s)):
            self.caught += 1
            self._within_s *= 1.2
        else:
            self._within_s = 0.8 * (time.monotonic() - began)


def killed_when(process: Process, seen: Callable[[], bool]) -> bool:
    """SIGKILL the process once something is seen; False if it had ended by itself."""
    while process.poll() is None:
        if seen():
            process.send_signal(signal.SIGKILL)
            return process.wait() == -signal.SIGKILL
        time.sleep(0.0002)
    return False


def run(arguments: Sequence[str], env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command of ours, to its end."""
    return run_warm(arguments, env=env, cwd=cwd)


def left_of(process: Process, patience_s: float = 120.0) -> list[str]:
    """Command lines of processes that still live in the session that ``process`` led."""
    deadline = time.monotonic() + patience_s
    while True:
        left = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                # proc(5): after the name in brackets come state, ppid, pgrp and session.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == process.pid and fields[0] != "Z":
                    left.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def broken_blobs(home: Path) -> list[str]:
    """Blobs whose content is not what their name says; must be empty at any moment."""
    return [
        blob.name
        for blob in (home / "blobs-v1").glob("sha256/*/*")
        if hashlib.sha256(blob.read_bytes()).hexdigest() != blob.name
    ]


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its relative path."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and ".weighbridge" not in file.parts
    }
