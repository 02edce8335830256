"""What the scanners said of a content under a rule set, kept between processes.

    <home>/scans-v1/<ab>/<sha256 of the key>.json

A memory and not a source of truth: what cannot be read or written is simply not there. The key
holds rule set, content and file name, so nothing that is kept is ever out of date.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from weighbridge.domain.json_values import canonical, child, text
from weighbridge.domain.scan import FileScan, ScanReport

MOST_IN_A_FOLDER = 512
"""Of 256 folders: 131 072 files in all, some 60 MB; then the oldest quarter of a folder goes."""
_MOST_BYTES = 64 * 1024
"""A longer entry is not kept: few files have so many findings, and these are scanned again."""


class ScanCache(MutableMapping[str, FileScan]):
    """The scans below one home, by the key of ``scanners.scan_tree``; safe for threads and processes."""

    def __init__(self, home: Path) -> None:
        self._root, self._tmp = home / "scans-v1", home / "tmp"

    def __getitem__(self, key: str) -> FileScan:
        found = self._read(self._place(key), key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: str, value: FileScan) -> None:
        written = canonical({"key": key, "scan": value.to_json()})
        if len(written) > _MOST_BYTES:
            return
        place, fresh = self._place(key), self._tmp / f"scan-{os.urandom(8).hex()}"
        with suppress(OSError):
            for folder in (place.parent, self._tmp):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                fresh.write_bytes(written)
                fresh.replace(place)
            finally:
                fresh.unlink(missing_ok=True)
            _trim(place.parent)

    def __delitem__(self, key: str) -> None:
        try:
            self._place(key).unlink()
        except OSError as error:
            raise KeyError(key) from error

    def __iter__(self) -> Iterator[str]:
        for place in sorted(self._root.glob("*/*.json")):
            with suppress(OSError, ValueError, RecursionError):
                document = json.loads(place.read_bytes())
                key = text(document, "key") if isinstance(document, dict) else None
                if key is not None and self._read(place, key) is not None:
                    yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _place(self, key: str) -> Path:
        name = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self._root / name[:2] / f"{name}.json"

    def _read(self, place: Path, key: str) -> FileScan | None:
        try:
            document = json.loads(place.read_bytes())
            if not isinstance(document, dict) or text(document, "key") != key:
                return None
            (found,) = ScanReport.from_json({"files": [child(document, "scan")]}).files
        except (OSError, ValueError, RecursionError):
            return None
        return found if found.sha256 and f":{found.sha256}:" in key else None


def _trim(folder: Path) -> None:
    """Drop the oldest quarter of a folder that is full."""
    kept = list(folder.glob("*.json"))
    if len(kept) <= MOST_IN_A_FOLDER:
        return
    for place in sorted(kept, key=lambda place: place.stat().st_mtime_ns)[: MOST_IN_A_FOLDER // 4]:
        place.unlink(missing_ok=True)
