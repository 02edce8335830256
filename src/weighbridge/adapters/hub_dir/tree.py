"""Which folders are repositories, and which of their files are served."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from weighbridge.adapters.hub_dir.digests import Stamp
from weighbridge.domain.evidence import WEIGHT_FORMATS
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.paths import path_faults
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import BadListing

SIDECAR_SUFFIX = ".hub.json"
LARGE_BYTES = 10 * 1000 * 1000
"""A larger file is stored as the Hub stores it: outside of git, known by its sha256."""

_LARGE_SUFFIXES = frozenset(
    {
        *(suffix.removeprefix(".") for suffix in WEIGHT_FORMATS),
        *("7z", "arrow", "bz2", "ftz", "gz", "model", "npy", "parquet", "rar", "tar", "tgz", "wasm"),
        *("xz", "zip", "zst"),
    }
)
_KIND_FOLDERS = {RepoKind.DATASET: "datasets", RepoKind.SPACE: "spaces"}
UNSERVED = (".git", ".cache/huggingface")
"""What git and the Hub's client keep inside a downloaded repository: not a part of it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a repository: its path in it, where it lies, and its stamp."""

    path: str
    file: Path
    stamp: Stamp


def kind_folder(folder: Path, kind: RepoKind) -> Path:
    """Where the repositories of one kind lie."""
    return folder / _KIND_FOLDERS[kind] if kind in _KIND_FOLDERS else folder


def sidecar_of(root: Path) -> Path:
    """Where its operator says what the files of the repository in ``root`` cannot say."""
    return root.with_name(root.name + SIDECAR_SUFFIX)


def repositories(folder: Path, kind: RepoKind) -> Iterator[tuple[RepoId, Path]]:
    """Every repository of a kind, sorted by name.

    A folder that directly holds a file (hidden ones and ``*.hub.json`` do not count) is the
    repository ``name``; any other folder is a namespace, and each folder in it a repository.
    """
    base = kind_folder(folder, kind)
    reserved = set(_KIND_FOLDERS.values()) if kind is RepoKind.MODEL else set()
    for outer in _folders(base):
        if outer.name in reserved:
            continue
        inside = [outer] if _holds_a_file(outer) else _folders(outer)
        for path in inside:
            name = path.name if path is outer else f"{outer.name}/{path.name}"
            try:
                yield RepoId.parse(name, kind), path
            except Invalid:
                continue  # no client could ask for it


def _folders(base: Path) -> list[Path]:
    try:
        with os.scandir(base) as listing:
            names = [item.name for item in listing if not item.name.startswith(".") and item.is_dir()]
    except OSError:
        return []
    return [base / name for name in sorted(names)]


def _holds_a_file(folder: Path) -> bool:
    with os.scandir(folder) as listing:
        return any(
            item.is_file() and not item.name.startswith(".") and not item.name.endswith(SIDECAR_SUFFIX)
            for item in listing
        )


def files_of(root: Path, folder: Path) -> tuple[Found, ...]:
    """Every file of the repository in ``root``, sorted by path.

    A link is followed if it leads to a file in ``folder`` or in the repository itself.

    Raises:
        BadListing: a name that no listing may hold, a link that leads elsewhere, or something
            that is neither file nor folder; the message names the path.
    """
    homes = (root.resolve(), folder.resolve())
    found: list[Found] = []
    pending = [""]
    while pending:
        below = pending.pop()
        with os.scandir(root / below) as listing:
            for item in listing:
                path = f"{below}/{item.name}" if below else item.name
                if path in UNSERVED:
                    continue
                if item.is_dir(follow_symlinks=False):
                    pending.append(path)
                else:
                    found.append(_found(root, path, item, homes))
    return tuple(sorted(found, key=lambda f: f.path))


def _found(root: Path, path: str, item: os.DirEntry[str], homes: Sequence[Path]) -> Found:
    faults = path_faults(path)
    if faults:
        raise BadListing(f"{path!a} in '{root}' {faults[0].why}")
    file = Path(item.path)
    if item.is_symlink():
        file = file.resolve()
        if not any(file.is_relative_to(home) for home in homes):
            raise BadListing(f"'{path}' in '{root}' is a link that leads out of the folder")
    try:
        status = file.stat()
    except OSError as error:
        raise BadListing(f"'{path}' in '{root}' cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise BadListing(f"'{path}' in '{root}' is neither a file nor a folder of its own")
    return Found(path, file, Stamp.of(status))


def large_patterns(root: Path) -> tuple[str, ...] | None:
    """The patterns that the repository's ``.gitattributes`` gives to LFS; None without the file."""
    try:
        lines = (root / ".gitattributes").read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    words = [line.split() for line in lines if not line.lstrip().startswith("#")]
    return tuple(w[0] for w in words if len(w) > 1 and "filter=lfs" in w[1:])


def is_large(found: Found, patterns: Sequence[str] | None) -> bool:
    """Whether the Hub would keep the file outside of git."""
    name = found.path.rpartition("/")[2]
    if found.stamp.size_bytes > LARGE_BYTES:
        return True
    if not found.stamp.size_bytes:
        return False
    if patterns is None:
        return name.rpartition(".")[2].lower() in _LARGE_SUFFIXES
    return any(fnmatchcase(found.path if "/" in pattern else name, pattern) for pattern in patterns)
