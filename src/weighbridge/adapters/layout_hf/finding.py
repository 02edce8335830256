"""Contents that the user's own tools have brought into a Hugging Face cache already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from weighbridge.adapters.layout_hf.spelling import blob_name, repo_folder
from weighbridge.domain.manifest import FileEntry
from weighbridge.domain.ref import RepoId


class CachedContents:
    """Looks for a file by its name among ``blobs``: first of its own repository, then of all others.

    A copy or a new version of a model often has most of its files in common with the other one.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = str(cache)

    def __call__(self, repo: RepoId, entry: FileEntry) -> Iterator[Path]:
        """Files that bear the name and have the size; only reading them can tell the rest."""
        own = repo_folder(repo)
        names = dict.fromkeys((blob_name(entry), *(digest.value for digest in entry.digests)))
        for folder in (own, *(other for other in self._repos if other != own)):
            for name in names:
                place = f"{self._cache}/{folder}/blobs/{name}"
                with suppress(OSError):
                    if os.stat(place).st_size == entry.size_bytes:  # noqa: PTH116
                        yield Path(place)

    @cached_property
    def _repos(self) -> list[str]:
        with suppress(OSError), os.scandir(self._cache) as found:
            return sorted(item.name for item in found if "--" in item.name)
        return []
