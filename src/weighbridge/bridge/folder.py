"""A folder of repositories that Hugging Face clients write: ``weighbridge hub FOLDER --write``.

The registry's own verbs over a catalogue and a store in FOLDER/.weighbridge-hub, without accounts
and without a gate. A repository that lies in the folder as plain files is served as ``FolderHub``
serves it, and becomes a written one with its first change: its files are the first commit, under
the id that they had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.folder_claim import claim
from weighbridge.adapters.hub_dir import FolderHub
from weighbridge.adapters.hub_dir.card import read_sidecar, told
from weighbridge.adapters.hub_dir.digests import INDEX_FOLDER
from weighbridge.adapters.hub_dir.grounds import Grounds
from weighbridge.adapters.hub_dir.tree import repositories, sidecar_of
from weighbridge.adapters.hub_either import EitherHub
from weighbridge.adapters.hub_hosted import HostedHub
from weighbridge.adapters.receipts import Receipts
from weighbridge.adapters.signing_key import signing_key
from weighbridge.adapters.xorb_files import XorbFiles
from weighbridge.bridge import now
from weighbridge.bridge.callers import Everyone
from weighbridge.bridge.copies import Copies
from weighbridge.bridge.folder_repos import Adoption, FolderCatalog, FolderRepos
from weighbridge.bridge.hub import HubDesk, Unchanged
from weighbridge.bridge.repos import Repos
from weighbridge.bridge.xet import XetDesk
from weighbridge.domain.access import LOCAL, Principal, Role, User
from weighbridge.domain.hosted import Repository
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import ModelInfo
from weighbridge.errors import BadName
from weighbridge.ports import Hub
from weighbridge.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderBridge:
    """A written folder, wired: what the Hub door calls."""

    hub: HubDesk
    repos: Repos
    xet: XetDesk
    close: Callable[[], None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_written_folder(folder: Path, settings: Settings, user: str = LOCAL.name) -> FolderBridge:
    """A folder whose repositories are written through the Hub, by one process at a time.

    ``user`` is what everybody is called who writes. Of the settings count those about single files.

    Raises:
        BadName: nobody can be called that.
        Conflict: another process has it.
        StoreDown: the folder cannot be written.
    """
    writer = _writer(user)
    folder = folder.resolve()
    home = folder / INDEX_FOLDER
    release = claim(home)
    try:
        catalog = FolderCatalog.open(home / "catalog.sqlite3")
        blobs = FolderBlobs(home, durable=True)
        copies = Copies(catalog, blobs, Grounds(folder, home), home, now)
        plain = FolderHub(folder, left_out=lambda repo: catalog.known(repo) is not None)
        catalog.begin(copies)
        catalog.enrol(writer)
        hosted = HostedHub(catalog, blobs, serve_all=True)
        repos = FolderRepos(
            catalog=catalog,
            blobs=blobs,
            hub=hosted,
            judging=Followed(copies),
            receipts=Receipts(home),
            now=now,
            signing_key=signing_key(home),
            max_file_bytes=settings.max_file_bytes,
            part_bytes=settings.lfs_part_bytes,
            forbidden=settings.forbidden_kinds,
        )
        repos.adoption = Adoption(catalog, blobs, plain, copies, now)
        copies.resume({each.key: each for each in catalog.all_repos()})
    except BaseException:
        release()
        raise

    def close() -> None:
        catalog.close()
        release()

    return FolderBridge(
        hub=_desk(Writers(replace(LOCAL, name=user)), folder, catalog, copies, plain, hosted),
        repos=repos,
        xet=XetDesk(XorbFiles(home), repos),
        close=close,
    )


def _writer(name: str) -> User:
    try:
        RepoId.parse(f"{name}/any", RepoKind.MODEL)  # bare names of repositories are in this namespace
        return User(name=name, permissions=LOCAL.permissions, created_at=now())
    except Invalid as error:
        raise BadName(f"'{name}' cannot be a user's name: {error}", hint=error.hint) from error


def _desk(
    writers: Writers,
    folder: Path,
    catalog: FolderCatalog,
    copies: Copies,
    plain: FolderHub,
    hosted: HostedHub,
) -> HubDesk:
    def is_written(repo: RepoId) -> bool:
        return catalog.known(repo) is not None

    def seen_by(principal: Principal) -> Hub:
        return WithSidecars(is_written, hosted.seen_by(principal), plain, copies.grounds)

    def let_in(principal: Principal, repo: RepoId) -> None:
        hosted.seen_by(principal).require_open(repo)

    def watch(repo: RepoId) -> Unchanged | None:
        commits, there = catalog.watch(), catalog.known(repo)
        files = copies.watch(there) if there else plain.watch(repo)
        return None if commits is None or files is None else partial(_both, commits, files)

    desk = FolderDesk(plain, writers, seen_by, let_in, watch, takes_xet=True)
    desk.folder = folder
    return desk


def _both(one: Unchanged, other: Unchanged) -> bool:
    return one() and other()


class Writers(Everyone):
    """For a folder: all may read, and whoever sends a token, whatever it is, is the one ``writer``.

    A token is asked for because no web page can make a browser send one to this machine.
    """

    def __init__(self, writer: Principal) -> None:
        self._writer = writer

    def principal(self, secret: str | None) -> Principal:
        """A reader without a token, else somebody who may do everything."""
        return super().principal(None) if secret is None else self._writer


class FolderDesk(HubDesk):
    """Of a written folder: its namespaces are the caller's organizations."""

    folder: Path

    def whoami(self, principal: Principal) -> Principal:
        """See ``HubDesk.whoami``."""
        every = (repo for kind in RepoKind for repo, _ in repositories(self.folder, kind))
        spaces = {repo.namespace.lower() for repo in every if repo.namespace} - {principal.name}
        roles = frozenset((name, Role.ADMIN) for name in spaces)
        return replace(super().whoami(principal), roles=roles)


class WithSidecars(EitherHub):
    """Written repositories and plain ones; of both, what their operator says beside the files."""

    def __init__(
        self, is_written: Callable[[RepoId], bool], hosted: Hub, plain: FolderHub, grounds: Grounds
    ) -> None:
        super().__init__(is_written, hosted, plain)
        self._is_written, self._grounds = is_written, grounds

    def info(self, ref: ModelRef) -> ModelInfo:
        """See ``ports.Hub.info``."""
        return self._told(super().info(ref))

    def repos(self, kind: RepoKind) -> Iterator[ModelInfo]:
        """See ``ports.Hub.repos``."""
        every = map(self._told, super().repos(kind))
        return iter(sorted(every, key=lambda info: (-info.downloads, info.repo)))

    def _told(self, info: ModelInfo) -> ModelInfo:
        if not self._is_written(info.repo):
            return info
        return told(info, read_sidecar(sidecar_of(self._grounds.place(info.repo))))


class Followed:
    """Nothing is judged here; the plain files follow each commit."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies

    def submit(self, repository: Repository, commit: str) -> None:
        """Bring the files to ``main``, which may be this commit."""
        self._copies.follow(repository)

    def resume(self) -> None:
        """Nothing: ``Copies.resume`` was called before anybody could ask."""
