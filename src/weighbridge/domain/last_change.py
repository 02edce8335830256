"""Which commit last changed each file and folder, told from the files of each commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from weighbridge.domain.manifest import FileEntry, Manifest, Storage
from weighbridge.domain.repo import Commit


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A commit of a line and its files; ``told`` is what ``last_changes`` said of it before."""

    commit: Commit
    manifest: Manifest
    told: Mapping[str, Commit] | None = None


def last_changes(line: Iterable[Step]) -> Mapping[str, Commit]:
    """For each file and folder (the root is ``""``) of the newest commit the one that made it so.

    ``line`` comes newest first and is read only as far as it must be. What was the same in all of
    it was changed by its last commit. A folder is changed by whatever changes, comes or goes below
    it.
    """
    found: dict[str, Commit] = {}
    waiting: set[str] = set()
    newer: Commit | None = None
    newer_files: set[tuple[str, str]] = set()
    for step in line:
        files = {(entry.path, _content(entry)) for entry in step.manifest.files}
        if newer is None:
            waiting = {"", *_with_folders(path for path, _ in files)}
        else:
            changed = _with_folders(path for path, _ in newer_files ^ files) & waiting
            found.update(dict.fromkeys(changed, newer))
            waiting -= changed
        if not waiting:
            return found
        if step.told is not None:
            return {**found, **{path: step.told[path] for path in waiting}}
        newer, newer_files = step.commit, files
    return {**found, **{path: newer for path in waiting if newer}}


def _content(entry: FileEntry) -> str:
    """What git would hold differently if the file were another one."""
    held = entry.sha256 if entry.storage is Storage.LFS else entry.git_sha1
    return f"{entry.storage}:{held or entry.strongest}"


def _with_folders(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        at = path
        while at not in found:
            found.add(at)
            at = at.rpartition("/")[0]
    return found
