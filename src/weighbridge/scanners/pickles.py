"""The scanner for everything that a loader would unpickle; the work is done in the sandbox."""

from __future__ import annotations

from pathlib import Path

from weighbridge.domain.scan import Finding
from weighbridge.scanners.content import PICKLE_ENDINGS, ending_of
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.sniff import PACKINGS, kind_of, may_be_pickle

_OTHER_ZIPS = frozenset(".keras .nemo .mlpackage .docx .xlsx .pptx".split())  # noqa: SIM905
"""Containers of formats that no scanner here reads yet; they stay unsupported."""
_CONTAINERS = frozenset({"pickle", "zip", "tar", "npy", *PACKINGS})


class PickleScanner:
    """Takes pickles, whatever they are called and packed in: torch, numpy, joblib, ZIP, tar, plain.

    Without a ``sandbox`` each file gets a process of its own.
    """

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self._sandbox = sandbox

    def takes(self, path: str, head: bytes) -> bool:
        """By content; by name where the name makes a loader unpickle; by a try where neither says."""
        kind, ending = kind_of(head), ending_of(path)
        if kind in ("safetensors", "empty") and ending not in PICKLE_ENDINGS:
            return False
        if ending in _OTHER_ZIPS:
            return kind == "pickle"
        return ending in PICKLE_ENDINGS or kind in _CONTAINERS or may_be_pickle(head)

    def scan(self, path: str, file: Path) -> tuple[Finding, ...]:
        """One finding per global that is not allowed, and one for everything that cannot be read."""
        if self._sandbox is not None:
            return self._sandbox.run("container", path, file)
        with Sandbox() as sandbox:
            return sandbox.run("container", path, file)
