"""How a Hugging Face cache spells its names, and how its users take turns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from weighbridge.adapters.flocks import take_flock
from weighbridge.domain.manifest import FileEntry, Storage
from weighbridge.domain.ref import RepoId

_REF_BYTES = 200
"""No ref is longer; what is has been written by nobody that we know."""


def repo_folder(repo: RepoId) -> str:
    """``models--org--name``."""
    return "--".join([repo.kind.plural, *repo.full_name.split("/")])


def snapshot_folder(repo: RepoId, commit: str) -> str:
    """``models--org--name/snapshots/<commit>``."""
    return f"{repo_folder(repo)}/snapshots/{commit}"


def blob_name(entry: FileEntry) -> str:
    """The ETag that the Hub gives for a file: its sha256 if it is large, else its git blob id."""
    small = entry.git_sha1 if entry.storage is Storage.REGULAR else None
    return small or entry.strongest.value


def link_text(entry: FileEntry) -> str:
    """What the link at the path of a file says: where its content is, from there."""
    return "../" * (entry.path.count("/") + 2) + f"blobs/{blob_name(entry)}"


def read_ref(path: Path) -> str:
    """The commit that a ref means; nothing where there is none."""
    try:
        with path.open("rb") as file:
            return file.read(_REF_BYTES).decode("ascii", "replace").strip()
    except OSError:
        return ""


@contextmanager
def their_turn(cache: Path, repo: str, blob: str) -> Iterator[bool]:
    """Hold huggingface_hub's own lock of a content, so that it waits for ours instead of fetching it.

    Not waited for: every step is a rename, so that both may go on at once. Gives whether it is held.
    """
    path = cache / ".locks" / repo / f"{blob}.lock"
    file, held = -1, False
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o664)
        held = take_flock(file, wait=False)
    try:
        yield held
    finally:
        if file >= 0:
            os.close(file)
