"""Orders of folders on this disk, for the programs."""

from __future__ import annotations

from pathlib import Path

from weighbridge.domain.loading import LoadOrder, Prompt, Snapshot
from weighbridge.domain.manifest import FileEntry, Manifest, digests_of
from weighbridge.domain.ref import RepoId
from weighbridge.domain.scan import ScanReport

GREETING = Prompt(text="weigh", max_tokens=8, temperature=0, seed=1)
SAMPLED = Prompt(text="weigh", max_tokens=8, temperature=0.9, seed=7)


def snapshot(folder: Path) -> Snapshot:
    """A folder as something that was checked."""
    files = [
        FileEntry(path=file.name, size_bytes=file.stat().st_size, digests=digests_of(file.read_bytes()))
        for file in sorted(folder.iterdir())
    ]
    manifest = Manifest(repo=RepoId.parse(f"acme/{folder.name}"), commit="0" * 40, files=tuple(files))
    return Snapshot(folder=folder, manifest=manifest)


def order(folder: Path, file: str = "", base: Path | None = None, context: int = 0) -> LoadOrder:
    """What to load, scanned and found clean."""
    return LoadOrder(
        snapshot=snapshot(folder),
        scanned=ScanReport(rules="0", files=()),
        file=file,
        base=snapshot(base) if base else None,
        threads=1,
        context=context,
    )
