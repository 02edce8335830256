"""Scans the names of a tree, and its shard indexes, which name further files."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from weighbridge.domain.paths import collisions, path_faults
from weighbridge.domain.scan import Finding, Severity
from weighbridge.scanners.notes import LIMIT, Notes, shown

INDEX_ENDINGS = (".safetensors.index.json", ".bin.index.json")
MAX_INDEX_BYTES = 32 << 20
_MAX_BRACKETS = 10_000
_MAX_NAMED = 20


def scan_names(paths: Iterable[str]) -> dict[str, tuple[Finding, ...]]:
    """Findings by path: names that some platform reads as another place, and names that clash."""
    listed = list(paths)
    notes = {path: Notes(path) for path in listed}
    for path in notes:
        for fault in path_faults(path):
            notes[path].block(fault.rule, f"the path {fault.why}", subject=path)
    for clash in collisions(listed):
        message = f"{shown(clash.second)} {clash.why} {shown(clash.first)}"
        for path in (clash.first, clash.second):
            notes[path].block("path.collision", message, subject=clash.second)
    return {path: found.findings for path, found in notes.items() if found.findings}


def scan_index(path: str, file: Path, paths: Collection[str]) -> tuple[Finding, ...]:
    """Findings on a shard index: shards outside the repository, shards that are missing."""
    notes = Notes(path)
    size = file.stat().st_size
    if size > MAX_INDEX_BYTES:
        notes.review(LIMIT, f"a shard index of {size} bytes")
        return notes.findings
    shards = _shards(file.read_bytes())
    if shards is None:
        notes.block("index.malformed", "the shard index does not map tensors to file names")
        return notes.findings
    folder = posixpath.dirname(path)
    missing = []
    for shard in sorted(shards):
        faults = path_faults(shard)
        if faults:
            why = f"names {shown(shard)}, which {faults[0].why}"
            notes.block("index.outside", f"the shard index {why}", "weight_map", shard)
        elif posixpath.join(folder, shard) not in paths:
            missing.append(shard)
    for shard in missing[:_MAX_NAMED]:
        notes.add(
            Severity.REVIEW, "index.missing", f"the shard {shown(shard)} is missing", "weight_map", shard
        )
    return notes.findings


def _shards(raw: bytes) -> set[str] | None:
    if raw.count(b"[") + raw.count(b"{") > _MAX_BRACKETS:
        return None
    maps: list[object] = []

    def keep_every_map(pairs: list[tuple[str, object]]) -> dict[str, object]:
        maps.extend(value for key, value in pairs if key == "weight_map")
        return dict(pairs)

    try:
        index = json.loads(raw, object_pairs_hook=keep_every_map)
    except (ValueError, RecursionError):
        return None
    if not isinstance(index, Mapping) or not maps:
        return None
    names: set[str] = set()
    for shards in maps:
        if not isinstance(shards, Mapping) or not all(isinstance(name, str) for name in shards.values()):
            return None
        names.update(shards.values())
    return names


def scan_links(root: Path, paths: Iterable[str]) -> dict[str, tuple[Finding, ...]]:
    """Findings by path: files of the folder ``root`` that lead out of it through a symbolic link."""
    inside = root.resolve()
    found: dict[str, tuple[Finding, ...]] = {}
    for path in paths:
        try:
            why = (
                "" if (root / path).resolve().is_relative_to(inside) else "is a symbolic link out of its tree"
            )
        except (OSError, RuntimeError):
            why = "is a symbolic link that runs in a circle"
        if why:
            notes = Notes(path)
            notes.block("path.link", why, subject=path)
            found[path] = notes.findings
    return found
