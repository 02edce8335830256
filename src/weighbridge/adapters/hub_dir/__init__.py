"""A folder of repositories as a Hub.

    FOLDER/org/name/...            a model (a repository may itself be a link to a folder)
    FOLDER/name/...                a model without a namespace, if it directly holds a file
    FOLDER/datasets/org/name/...   a data set; spaces/ likewise
    FOLDER/org/name.hub.json       optional: what the files cannot say (downloads, history ...)
    FOLDER/.weighbridge-hub/       digests that were computed, so that nothing is hashed twice

A commit is computed from the content: the same files have the same commit in every folder, and a
changed file makes a new one. Once a folder was left alone for a second, a change may go unnoticed
for as long as ten looks at it take (a few milliseconds; see ``glance``). Only the content that lies
there now can be had; an older commit is NoSuchRevision. Links out of the folder and names that no
listing may hold are BadListing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from weighbridge.adapters.file_stream import file_stream
from weighbridge.adapters.hub_dir.card import (
    last_modified,
    raw_info,
    read_sidecar,
    said_discussions,
    said_owner,
)
from weighbridge.adapters.hub_dir.digests import DigestIndex, Stamp
from weighbridge.adapters.hub_dir.glance import Glance
from weighbridge.adapters.hub_dir.tree import (
    Found,
    files_of,
    is_large,
    kind_folder,
    large_patterns,
    repositories,
    sidecar_of,
)
from weighbridge.domain.git_objects import commit_id, tree_ids
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, digest_of, objects, text, texts
from weighbridge.domain.manifest import FileEntry, Manifest, Storage
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind, is_commit
from weighbridge.domain.repo import DETAILS, Commit, DiscussionHead, ModelInfo, Owner, Refs
from weighbridge.errors import BadListing, NoSuchFile, NoSuchOwner, NoSuchRepo, NoSuchRevision
from weighbridge.ports import ByteStream

_AUTHOR, _MESSAGE = "Weighbridge <>", "The folder as it is"
_WATCHED_LIMIT = 2000
"""More files and folders than this take too long to look at for every answer."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """A repository as it was found: what it holds, and by which signs it is known again."""

    root: Path
    files: tuple[Found, ...]
    by_path: Mapping[str, Found]
    sidecar_stamp: Stamp | None
    settled: bool
    glance: Glance | None
    manifest: Manifest
    sidecar: JsonObject
    info: ModelInfo
    refs: Refs


class FolderHub:
    """Implements ``ports.Hub`` over the folder; safe for threads. What is ``left_out`` is not listed."""

    def __init__(self, folder: Path, left_out: Callable[[RepoId], bool] = lambda _: False) -> None:
        self._folder, self._left_out = folder.resolve(), left_out
        self._index = DigestIndex(self._folder)
        self._heads: dict[RepoId, _Head] = {}
        self._locks: dict[RepoId, threading.Lock] = {}
        self._guard = threading.Lock()

    def info(self, ref: ModelRef) -> ModelInfo:
        """See ``ports.Hub.info``; ``raw`` is built from the files and the sidecar."""
        return self._at(ref.repo, ref.revision).info

    def manifest(self, repo: RepoId, commit: str) -> Manifest:
        """See ``ports.Hub.manifest``."""
        return self._at(repo, commit).manifest

    def refs(self, repo: RepoId) -> Refs:
        """See ``ports.Hub.refs``: main, and what the sidecar names, all at the one commit."""
        return self._now(repo).refs

    def commits(self, repo: RepoId, revision: str, limit: int = 50) -> Sequence[Commit]:
        """See ``ports.Hub.commits``: the sidecar's history, whose newest entry is this content."""
        head = self._at(repo, revision)
        history = objects(head.sidecar, "history") or ({},)
        return tuple(_commit(head, entry, first=not age) for age, entry in enumerate(history[:limit]))

    def repos(self, kind: RepoKind) -> Iterator[ModelInfo]:
        """See ``ports.Hub.repos``; a repository that cannot be read is logged and left out."""
        found = []
        for repo, _ in repositories(self._folder, kind):
            if self._left_out(repo):
                continue
            try:
                found.append(self._now(repo).info)
            except (BadListing, NoSuchRepo) as error:
                log.warning("%s is not listed: %s", repo.full_name, error.message)
        self._index.save()
        return iter(sorted(found, key=lambda info: (-info.downloads, info.repo)))

    def details(self, ref: ModelRef) -> JsonObject:
        """See ``ports.Hub.details``: what the sidecar says of them."""
        sidecar = self._at(ref.repo, ref.revision).sidecar
        return {name: sidecar[name] for name in DETAILS if name in sidecar}

    def discussions(self, repo: RepoId, limit: int = 50) -> Sequence[DiscussionHead]:
        """See ``ports.Hub.discussions``: those of the sidecar."""
        return tuple(said_discussions(self._now(repo).sidecar))[:limit]

    def owner(self, repo: RepoId) -> Owner:
        """See ``ports.Hub.owner``: whom the sidecar names."""
        owner = said_owner(self._now(repo).sidecar, repo.namespace)
        if owner is None:
            raise NoSuchOwner(repo.namespace)
        return owner

    def locate(self, repo: RepoId, commit: str, entry: FileEntry) -> Path:
        """See ``ports.Hub.locate``.

        Raises:
            NoSuchRevision: the file is no longer what the commit says.
        """
        head = self._at(repo, commit)
        found = head.by_path.get(entry.path)
        if found is None:
            raise NoSuchFile(repo.full_name, commit, entry.path)
        try:
            same = Stamp.of(found.file.stat()) == found.stamp
        except OSError:
            same = False
        if not same:
            raise NoSuchRevision(repo.full_name, commit, hint=f"'{entry.path}' has changed since")
        return found.file

    def open(
        self, repo: RepoId, commit: str, entry: FileEntry, start: int = 0, stop: int | None = None
    ) -> AbstractContextManager[ByteStream]:
        """See ``ports.Hub.open``."""
        file = self.locate(repo, commit, entry).open("rb")
        return file_stream(file, entry.path, start, entry.size_bytes if stop is None else stop)

    def watch(self, repo: RepoId) -> Callable[[], bool] | None:
        """Tells, each time it is called, whether all that was said of ``repo`` still holds.

        It may say so for up to ten times as long as looking takes (0.1 s at the most). None where
        nothing was said yet, where something changed in the last second, and for a large folder.
        """
        head = self._heads.get(repo)
        glance = head.glance if head else None
        if glance is None or len(glance.marks) > _WATCHED_LIMIT:
            return None
        return lambda: self._heads.get(repo) is head and glance.held_lately()

    def _at(self, repo: RepoId, revision: str) -> _Head:
        """The head, if ``revision`` means it. A commit that is known is not looked up again."""
        known = self._heads.get(repo)
        if (
            known
            and known.manifest.commit == revision
            and known.root.is_dir()
            and _stamp(sidecar_of(known.root)) == known.sidecar_stamp
        ):
            return known
        head = self._now(repo)
        self._index.save()
        if head.refs.commit_of(revision) != head.manifest.commit:
            raise NoSuchRevision(repo.full_name, revision)
        return head

    def _now(self, asked: RepoId) -> _Head:
        repo, root = self._find(asked)
        with self._guard:
            lock = self._locks.setdefault(repo, threading.Lock())
        with lock:
            known = self._heads.get(repo)
            if known and known.glance and known.root == root and known.glance.held_lately():
                return known
            looked = Glance.take(root, sidecar_of(root))  # before the listing: what changes after it shows
            files, stamp = files_of(root, self._folder), _stamp(sidecar_of(root))
            if known and known.settled and known.files == files and known.sidecar_stamp == stamp:
                head = known
            else:
                head = self._read(repo, root, files, stamp)
            head = replace(head, glance=looked if head.settled and looked.settled else None)
            self._heads[repo] = head
        return head

    def _find(self, repo: RepoId) -> tuple[RepoId, Path]:
        """The repository in its true spelling; ids do not mind upper and lower case."""
        base = kind_folder(self._folder, repo.kind)
        exact = base / repo.namespace / repo.name
        if repo in self._heads and exact.is_dir():
            return repo, exact
        same = [
            (found, path)
            for found, path in repositories(self._folder, repo.kind)
            if found.full_name.lower() == repo.full_name.lower()
        ]
        if not same:
            raise NoSuchRepo(repo.full_name)
        return next((pair for pair in same if pair[0] == repo), same[0])

    def _read(self, repo: RepoId, root: Path, files: tuple[Found, ...], stamp: Stamp | None) -> _Head:
        manifest, settled = self._manifest(repo, root, files)
        sidecar = read_sidecar(sidecar_of(root))
        names = child(sidecar, "refs")
        refs = Refs(
            branches=dict.fromkeys(("main", *texts(names, "branches")), manifest.commit),
            tags=dict.fromkeys(texts(names, "tags"), manifest.commit),
        )
        raw = raw_info(manifest, files, sidecar)
        return _Head(
            root=root,
            files=files,
            by_path={found.path: found for found in files},
            sidecar_stamp=stamp,
            settled=settled,
            glance=None,
            manifest=manifest,
            sidecar=sidecar,
            info=ModelInfo(repo=repo, commit=manifest.commit, raw=raw),
            refs=refs,
        )

    def _manifest(self, repo: RepoId, root: Path, files: Sequence[Found]) -> tuple[Manifest, bool]:
        patterns, settled, entries = large_patterns(root), True, []
        for found in files:
            large = is_large(found, patterns)
            known = self._index.digests(found.file, found.stamp, large=large)
            settled = settled and known.settled
            digests = known.digests[-1:] if large else known.digests
            storage = Storage.LFS if large else Storage.REGULAR
            try:
                entries.append(
                    FileEntry(
                        path=found.path, size_bytes=found.stamp.size_bytes, digests=digests, storage=storage
                    )
                )
            except Invalid as error:
                raise BadListing(f"in '{root}': {error}") from error
        try:
            draft = Manifest(repo=repo, commit="0" * 40, files=tuple(entries))
        except Invalid as error:  # two names that collide
            raise BadListing(f"in '{root}': {error}") from error
        commit = commit_id(tree_ids(draft)[""], author=_AUTHOR, epoch_s=0, message=_MESSAGE)
        return Manifest(repo=repo, commit=commit, files=draft.files), settled


def _stamp(path: Path) -> Stamp | None:
    try:
        return Stamp.of(path.stat())
    except OSError:
        return None


def _commit(head: _Head, entry: JsonObject, *, first: bool) -> Commit:
    stated = text(entry, "id")
    older = stated if stated and is_commit(stated) else digest_of(entry)[:40]
    return Commit(
        id=head.manifest.commit if first else older,
        title=text(entry, "title") or _MESSAGE,
        message=text(entry, "message") or "",
        authors=texts(entry, "authors") or ("weighbridge",),
        created_at=text(entry, "date") or last_modified(head.files, head.sidecar),
    )
