"""The safety verdict of a folder, before anybody uploads or ingests it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from weighbridge.adapters.scan_cache import ScanCache
from weighbridge.domain.scan import FileScan, ScanReport, ScanState
from weighbridge.errors import NotFound
from weighbridge.scanners import scan_tree
from weighbridge.scanners.paths import scan_links


def scan_path(path: Path, home: Path | None = None) -> ScanReport:
    """Scan one file, or every file of a folder but those below ``.git``.

    A symbolic link within the folder is read as the file that it leads to, as in a Hugging Face
    cache; one that leads out of it is reported and not followed. What is known in ``home`` of a content
    is not found out again.

    Raises:
        NotFound: there is no such file or folder.
    """
    if not path.exists():
        raise NotFound(f"there is no file or folder '{path}'")
    cache = ScanCache(home) if home else None
    if not path.is_dir():
        return scan_tree([(path.name, path, _sha256(path))], cache, keep=False)
    files = dict(_files(path))
    outside = scan_links(path, files)
    inside = [(name, file, _sha256(file)) for name, file in files.items() if name not in outside]
    report = scan_tree(inside, cache, keep=False)
    links = (
        FileScan(path=name, sha256="", format="link", state=ScanState.UNSUPPORTED, findings=found)
        for name, found in outside.items()
    )
    return replace(report, files=(*report.files, *links))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Everything that is no folder: pipes and sockets too, for the scanners to refuse."""
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if inside.parts[0] != ".git" and (file.is_symlink() or not file.is_dir()):
            yield inside.as_posix(), file


def _sha256(file: Path) -> str:
    """The digest of a regular file; empty for what cannot be read to its end."""
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
