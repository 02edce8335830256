"""What goes when a snapshot is removed: what we put there, and nothing that anybody else shows."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from weighbridge.adapters.layout_files import walk
from weighbridge.adapters.layout_hf.spelling import read_ref, their_turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """Links below the snapshot, contents below ``blobs``, and the bytes of the contents."""

    links: tuple[str, ...]
    blobs: tuple[str, ...]
    size_bytes: int


def going(repo: Path, snapshot: Path, owned: Collection[str], wanted: Collection[str]) -> Going:
    """What of ``owned`` (links by their path, contents as ``blobs/<etag>``) nobody else needs."""
    links = tuple(path for path in walk(snapshot) if path in owned and path not in wanted)
    leaving = {f"{snapshot}/{path}" for path in links}
    needed = {
        target
        for other in _folders(repo / "snapshots")
        for path in walk(other)
        if f"{other}/{path}" not in leaving and (target := _target(other / path)) is not None
    }
    ours = (name.removeprefix("blobs/") for name in owned if name.startswith("blobs/"))
    blobs = tuple(sorted(name for name in ours if name not in needed and (repo / "blobs" / name).is_file()))
    size = 0
    for name in blobs:
        with suppress(FileNotFoundError):
            size += (repo / "blobs" / name).stat().st_size
    return Going(links=links, blobs=blobs, size_bytes=size)


def remove_going(cache: Path, repo: Path, snapshot: Path, leaving: Going) -> None:
    """Remove it: links first, so that no link ever leads nowhere; then folders that became empty."""
    for path in leaving.links:
        (snapshot / path).unlink(missing_ok=True)
    _remove_empty(snapshot)
    if not snapshot.exists():
        for ref in walk(repo / "refs"):
            if read_ref(repo / "refs" / ref) == snapshot.name:
                (repo / "refs" / ref).unlink(missing_ok=True)
    for name in leaving.blobs:
        with their_turn(cache, repo.name, name) as is_ours:
            if is_ours:  # else somebody is about to link it
                (repo / "blobs" / name).unlink(missing_ok=True)
    _remove_if_bare(repo)


def _remove_if_bare(repo: Path) -> None:
    """Take the repository's folder away where only empty folders are left of it."""
    if any(True for _ in walk(repo)):
        return
    for name in ("refs", "snapshots", "blobs"):
        _remove_empty(repo / name)
    with suppress(OSError):
        repo.rmdir()
    if repo.exists():  # a repository without this folder is a damaged one to huggingface_hub
        (repo / "snapshots").mkdir(exist_ok=True)


def _remove_empty(folder: Path) -> None:
    """Remove the folders below, and this one, that hold no file."""
    for base, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):
            Path(base).rmdir()


def _folders(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        yield from [Path(item.path) for item in found if item.is_dir(follow_symlinks=False)]


def _target(path: Path) -> str | None:
    """The name of the content that a link leads to."""
    try:
        return path.readlink().name
    except OSError:
        return None
