"""The safety verdict of a folder, before anybody uploads or ingests it."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from weighbridge.adapters.scan_cache import ScanCache
from weighbridge.domain.scan import FileScan, Finding, ScanReport, ScanState, Severity
from weighbridge.errors import NotFound
from weighbridge.scanners import scan_tree
from weighbridge.scanners.paths import scan_links


class _Found(NamedTuple):
    """A file as it was hashed: its digest, and what ``stat`` said of it before; None for what is no file."""

    file: Path
    sha256: str
    status: tuple[int, int, int] | None


def scan_path(path: Path, home: Path | None = None) -> ScanReport:
    """Scan one file, or every file of a folder but those below ``.git``.

    A symbolic link within the folder is read as the file that it leads to, as in a Hugging Face
    cache; one that leads out of it is reported and not followed. What is known in ``home`` of a content
    is not found out again. What cannot be read, vanishes or changes meanwhile is for review.

    Raises:
        NotFound: there is no such file or folder, or it cannot be reached.
    """
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except OSError as error:
        raise NotFound(f"there is no file or folder '{path}' to be read: {error.strerror}") from error
    cache = ScanCache(home) if home else None
    names, broken = _files(path) if is_folder else ({path.name: path}, {})
    outside = scan_links(path, names) if is_folder else {}
    found: dict[str, _Found] = {}
    for name, file in names.items():
        if name not in outside:
            try:
                found[name] = _hashed(file)
            except OSError as error:
                broken[name] = error.strerror or type(error).__name__
    report = scan_tree([(name, kept.file, kept.sha256) for name, kept in found.items()], cache, keep=False)
    scanned = (_unless_changed(scan, found[scan.path]) for scan in report.files)
    links = (
        FileScan(path=name, sha256="", format="link", state=ScanState.UNSUPPORTED, findings=findings)
        for name, findings in outside.items()
    )
    unread = (_unread(name, why) for name, why in broken.items())
    return replace(report, files=(*scanned, *links, *unread))


def _files(folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Everything that is no folder, pipes and sockets too, for the scanners to refuse; and by path, which
    folders could not be looked into, and why.
    """
    found: list[Path] = []
    closed: dict[str, str] = {}

    def note(error: OSError) -> None:
        name = Path(error.filename).relative_to(folder).as_posix()
        closed[name] = error.strerror or type(error).__name__

    for place, folders, files in os.walk(folder, onerror=note):
        here = Path(place)
        if here == folder and ".git" in folders:
            folders.remove(".git")
        found += (here / name for name in files if here != folder or name != ".git")
        found += (here / name for name in folders if (here / name).is_symlink())
    return {file.relative_to(folder).as_posix(): file for file in sorted(found)}, closed


def _hashed(file: Path) -> _Found:
    """A regular file with its digest; anything else with none.

    Raises:
        OSError: it cannot be read to its end.
    """
    status = _status(file)
    if status is None:
        return _Found(file, "", None)
    with file.open("rb") as opened:
        return _Found(file, hashlib.file_digest(opened, "sha256").hexdigest(), status)


def _status(file: Path) -> tuple[int, int, int] | None:
    status = file.stat()
    regular = stat.S_ISREG(status.st_mode)
    return (status.st_ino, status.st_size, status.st_mtime_ns) if regular else None


def _unless_changed(scan: FileScan, found: _Found) -> FileScan:
    """The scan, if the file is still the one that was hashed: else nobody knows which bytes it speaks of."""
    try:
        now = _status(found.file)
    except OSError:
        return _not_read(scan, "vanished while it was scanned")
    return scan if now == found.status else _not_read(scan, "changed while it was scanned")


def _unread(path: str, why: str) -> FileScan:
    scan = FileScan(path=path, sha256="", format="unknown", state=ScanState.ERROR)
    return _not_read(scan, f"cannot be read: {why}")


def _not_read(scan: FileScan, why: str) -> FileScan:
    finding = Finding(rule="scan.unreadable", severity=Severity.REVIEW, path=scan.path, message=why)
    return replace(scan, state=ScanState.ERROR, findings=(*scan.findings, finding))
