"""Where the repositories of a written folder lie, and how whole ones are moved and taken away.

FOLDER/[datasets/|spaces/]org/name/            a repository, and org/name.hub.json beside it
FOLDER/.weighbridge-hub/deleted/<key>/         one that is being deleted
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from weighbridge.adapters.hub_dir.tree import kind_folder, sidecar_of
from weighbridge.domain.ref import RepoId
from weighbridge.errors import StoreDown


class Grounds:
    """The folder and its home; every method that changes something raises StoreDown where the disk fails."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self._deleted = folder, home / "deleted"

    def place(self, repo: RepoId) -> Path:
        """Where the files of a repository lie."""
        return kind_folder(self.folder, repo.kind) / repo.namespace / repo.name

    def is_there(self, repo: RepoId) -> bool:
        """Whether a folder lies there. A link to one is none: nothing is written through it."""
        place = self.place(repo)
        return place.is_dir() and place.resolve() == place

    def move(self, before: RepoId, after: RepoId) -> None:
        """Let a repository lie under another name, unless it does or something else is there."""
        old, new = self.place(before), self.place(after)
        with _medium(new):
            if not self.is_there(before) or new.exists():
                return
            new.parent.mkdir(parents=True, exist_ok=True)
            old.rename(new)
            if sidecar_of(old).is_file() and not sidecar_of(new).exists():
                sidecar_of(old).rename(sidecar_of(new))
            with suppress(OSError):
                old.parent.rmdir()

    @contextmanager
    def taken_away(self, repo: RepoId, key: str) -> Iterator[None]:
        """The folder is put aside, and dropped at the end; put back if what is done meanwhile fails."""
        place, aside = self.place(repo), self._deleted / key
        was_there = self.is_there(repo)
        with _medium(place):
            if was_there:
                aside.parent.mkdir(mode=0o700, exist_ok=True)
                place.rename(aside)
        try:
            yield
        except BaseException:
            if was_there:
                aside.rename(place)
            raise
        with suppress(OSError):
            sidecar_of(place).unlink(missing_ok=True)
            place.parent.rmdir()
        shutil.rmtree(aside, ignore_errors=True)

    def finish(self, repositories: Mapping[str, RepoId]) -> None:
        """After a kill: drop what was deleted, and put back what was not; the names are by key."""
        for aside in list(self._deleted.iterdir()) if self._deleted.is_dir() else ():
            repo = repositories.get(aside.name)
            if repo is None or self.place(repo).exists():
                shutil.rmtree(aside, ignore_errors=True)
                continue
            with _medium(self.place(repo)):  # nobody was told that it was deleted
                self.place(repo).parent.mkdir(parents=True, exist_ok=True)
                aside.rename(self.place(repo))


@contextmanager
def _medium(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreDown(f"'{place}' cannot be moved: {error.strerror or error}") from error
