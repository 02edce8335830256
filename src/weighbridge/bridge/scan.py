"""The safety verdict of a folder, before anybody uploads or ingests it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from weighbridge.domain.scan import FileScan, Finding, ScanReport, ScanState, Severity
from weighbridge.errors import BadName
from weighbridge.scanners import scan_tree


def scan_path(path: Path) -> ScanReport:
    """Scan one file, or every file of a folder; a link is never followed, but reported.

    Raises:
        BadName: there is no such file or folder.
    """
    if not path.exists():
        raise BadName(f"there is no file or folder '{path}'")
    if path.is_file():
        return scan_tree([(path.name, path, _sha256(path))])
    files = dict(_files(path))
    report = scan_tree([(name, file, _sha256(file)) for name, file in files.items() if not file.is_symlink()])
    links = tuple(_link(name) for name, file in files.items() if file.is_symlink())
    return ScanReport(rules=report.rules, files=(*report.files, *links))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if inside.parts[0] != ".git" and (file.is_symlink() or file.is_file()):
            yield inside.as_posix(), file


def _link(name: str) -> FileScan:
    finding = Finding(
        rule="path.symlink",
        severity=Severity.BLOCK,
        path=name,
        message="is a symbolic link; its target was not looked at",
    )
    return FileScan(path=name, sha256="", format="link", state=ScanState.UNSUPPORTED, findings=(finding,))


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
