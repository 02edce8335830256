"""Asks one other scanner about files; runs in that scanner's own environment, with nothing of ours.

    python peers.py picklescan|modelscan|fickling < paths, one a line

Answers with one JSON object, path to ``flagged``, ``clean`` (it read the file and found nothing) or
``unread`` (not its format, an error, a crash). A scanner that says nothing of a file lets it through too.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Callable


def picklescan() -> Callable[[str], str]:
    """Through the function that its command line calls."""
    from picklescan.scanner import scan_file_path

    def ask(path: str) -> str:
        found = scan_file_path(path)
        if found.issues_count or found.infected_files:
            return "flagged"
        return "unread" if found.scan_err or not found.scanned_files else "clean"

    return ask


def modelscan() -> Callable[[str], str]:
    """Through the class that its command line uses, with its default settings."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from modelscan.modelscan import ModelScan

    def ask(path: str) -> str:
        found = ModelScan().scan(path)
        if found.get("issues"):
            return "flagged"
        scanned = found.get("summary", {}).get("scanned", {}).get("total_scanned", 0)
        return "unread" if found.get("errors") or not scanned else "clean"

    return ask


def fickling() -> Callable[[str], str]:
    """Its scan of a file, or of the members of a ZIP; "likely safe" is what it calls clean."""
    import zipfile

    from fickling.loader import scan_file, scan_zip_archive

    def ask(path: str) -> str:
        found = list(scan_zip_archive(path).values()) if zipfile.is_zipfile(path) else [scan_file(path)]
        if any(not result.is_safe for result in found):
            return "flagged"
        return "clean" if found else "unread"

    return ask


TOOLS = {"picklescan": picklescan, "modelscan": modelscan, "fickling": fickling}


def main() -> None:
    """Ask about every path of standard input."""
    tool, answers = sys.argv[1], {}
    # What the scanners print is not the answer.
    out = os.dup(1)
    os.dup2(2, 1)
    with contextlib.redirect_stdout(sys.stderr):
        ask = TOOLS[tool]()
        for line in sys.stdin:
            path = line.rstrip("\n")
            try:
                answers[path] = ask(path)
            except Exception as error:
                answers[path] = "unread"
                print(path, type(error).__name__, file=sys.stderr)
    done = {"version": importlib.metadata.version(tool), "answers": answers}
    os.write(out, json.dumps(done).encode())


if __name__ == "__main__":
    main()
