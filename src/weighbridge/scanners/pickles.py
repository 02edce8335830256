"""The scanner for everything that a loader would unpickle; the work is done in the sandbox."""

from __future__ import annotations

from pathlib import Path

from weighbridge.domain.scan import Finding
from weighbridge.scanners.content import PICKLE_ENDINGS, ending_of
from weighbridge.scanners.formats import is_unmarked
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.sniff import PACKINGS, kind_of, may_be_pickle

_CONTAINERS = frozenset({"pickle", "zip", "tar", "npy", *PACKINGS})
_PLAIN = frozenset({"safetensors", "empty"})


class PickleScanner:
    """Takes pickles and what they are packed in: torch, numpy, joblib, ZIP, tar, plain.

    Without a ``sandbox`` each file gets a process of its own.
    """

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self._sandbox = sandbox

    def takes(self, path: str, head: bytes) -> bool:
        """By content; by name where the name makes a loader unpickle."""
        if ending_of(path) in PICKLE_ENDINGS:
            return True
        kind = kind_of(head)
        return kind in _CONTAINERS and not is_unmarked(path, kind)

    def scan(self, path: str, file: Path) -> tuple[Finding, ...]:
        """One finding per global that is not allowed, and one for everything that cannot be read."""
        return _run(self._sandbox, "container", path, file)


class HiddenPickleScanner:
    """Has a look at what may be a pickle under any other name; it vouches for nothing."""

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self._sandbox = sandbox

    def takes(self, path: str, head: bytes) -> bool:
        """By a try of the first opcodes."""
        kind = kind_of(head)
        if kind in _PLAIN or ending_of(path) in PICKLE_ENDINGS:
            return False
        return (kind not in _CONTAINERS or is_unmarked(path, kind)) and may_be_pickle(head)

    def scan(self, path: str, file: Path) -> tuple[Finding, ...]:
        """What a pickle in it would name; nothing where there is none."""
        return _run(self._sandbox, "hidden", path, file)


def _run(shared: Sandbox | None, task: str, path: str, file: Path) -> tuple[Finding, ...]:
    if shared is not None:
        return shared.run(task, path, file)
    with Sandbox() as sandbox:
        return sandbox.run(task, path, file)
