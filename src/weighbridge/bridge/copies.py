"""Plain files that show the ``main`` of each repository that is written in a folder.

    FOLDER/[datasets/|spaces/]org/name/     as main is
    FOLDER/.weighbridge-hub/                commits, contents, and the record of what each folder shows

Clients read the store, people read the files. ``look`` compares them: what somebody changed by
hand becomes a commit on ``main``, then the files are brought to ``main``. All of it can be cut
short at any moment and is taken up by the next look; the record says where it was.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from weighbridge.adapters.blobs_fs import FolderBlobs
from weighbridge.adapters.hub_dir.digests import DigestIndex
from weighbridge.adapters.hub_dir.glance import Glance
from weighbridge.adapters.hub_dir.grounds import Grounds
from weighbridge.adapters.hub_dir.record import Receipt, Record, Records
from weighbridge.adapters.hub_dir.tree import sidecar_of
from weighbridge.adapters.hub_dir.working import Look, Lying, WorkingCopy, shown
from weighbridge.domain.access import LOCAL, AuditLine
from weighbridge.domain.hosted import (
    DEFAULT_BRANCH,
    DeleteFile,
    PutFile,
    Repository,
    Revision,
    Step,
    apply,
    make_revision,
)
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import FileEntry
from weighbridge.domain.repo import Refs
from weighbridge.domain.working_copy import Difference, by_hand, lacking
from weighbridge.errors import (
    BadListing,
    IntegrityError,
    NoSuchRevision,
    StaleParent,
    StoreDown,
    WeighbridgeError,
)

BY_HAND = "Changed in the folder"
_AT_ONCE = 8
log = logging.getLogger(__name__)


class Commits(Protocol):
    """What is read of the catalogue, and the one thing that is written."""

    def hosted_refs(self, key: str) -> Refs:
        """Branches and tags."""

    def revision(self, repository: Repository, commit: str) -> Revision | None:
        """A commit with its files."""

    def add_revision(self, repository: Repository, branch: str, revision: Revision, audit: AuditLine) -> None:
        """Move a branch from the commit's parent to the commit. Raises StaleParent."""


@dataclass(slots=True)
class _Held:
    """What is known of one folder; ``lock`` belongs to whoever changes the folder or this."""

    record: Record | None
    glance: Glance | None = None
    head: Revision | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Copies:
    """The folders of written repositories; safe for threads, for one process at a time.

    ``now`` gives aware UTC.
    """

    def __init__(
        self, catalog: Commits, blobs: FolderBlobs, grounds: Grounds, home: Path, now: Callable[[], datetime]
    ) -> None:
        self._catalog, self._blobs, self._now = catalog, blobs, now
        self.grounds, self._home = grounds, home
        self._records, self._index = Records(home), DigestIndex(grounds.folder)
        self._held: dict[str, _Held] = {}
        self._guard = threading.Lock()

    def look(self, repository: Repository) -> bool:
        """Take in what was changed by hand; False if the folder was taken away.

        A look that is under way is not waited for, and a disk that fails is no reason not to serve
        what is in the store.

        Raises:
            BadListing: something lies there that cannot be in a repository; it names the path.
        """
        held = self._of(repository)
        if self._is_as_known(repository, held):
            return True
        if not held.lock.acquire(blocking=False):
            return held.record is None or self.grounds.is_there(repository.id)
        try:
            return self._settle(repository, held)
        except StoreDown as error:
            log.warning("%s: %s", repository.id, error.message)
            return True
        finally:
            held.lock.release()

    def follow(self, repository: Repository) -> None:
        """Bring the files to ``main``, after a look that may be under way.

        The commit is made already: what fails here is logged, and is tried again by the next look.
        """
        held = self._of(repository)
        with held.lock:
            try:
                self._settle(repository, held)
            except WeighbridgeError as error:
                log.warning("the folder of %s is behind: %s", repository.id, error.message)

    def watch(self, repository: Repository) -> Callable[[], bool] | None:
        """Tells, each time it is called, whether the files look as they did; None: not known."""
        held = self._of(repository)
        glance = held.glance
        if glance is None or not glance.left_alone:
            return None
        return lambda: held.glance is glance and glance.held_lately()

    @contextmanager
    def taken_away(self, repository: Repository) -> Iterator[None]:
        """See ``Grounds.taken_away``; nobody looks meanwhile."""
        held = self._of(repository)
        with held.lock, self.grounds.taken_away(repository.id, repository.key):
            yield
            self.forget(repository.key)

    def forget(self, key: str) -> None:
        """Drop what is known of a repository that is no more."""
        self._records.drop(key)
        with self._guard:
            self._held.pop(key, None)

    def resume(self, repositories: Mapping[str, Repository]) -> None:
        """Finish what a kill has cut short; ``repositories`` are all that there are, by their keys."""
        self.grounds.finish({key: each.id for key, each in repositories.items()})
        for key in self._records.every():
            if key not in repositories:
                self._records.drop(key)
        for repository in repositories.values():
            self.follow(repository)

    def _of(self, repository: Repository) -> _Held:
        with self._guard:
            held = self._held.get(repository.key)
            if held is None:
                held = self._held[repository.key] = _Held(self._records.load(repository.key))
            return held

    def _is_as_known(self, repository: Repository, held: _Held) -> bool:
        record, glance = held.record, held.glance
        if record is None or glance is None or record.repo != repository.id:
            return False
        if not self.grounds.is_there(repository.id):
            return False
        if record.commit != self._main(repository):
            return False
        return glance.held_lately() if glance.left_alone else glance.holds()

    def _main(self, repository: Repository) -> str:
        return self._catalog.hosted_refs(repository.key).branches.get(DEFAULT_BRANCH, "")

    def _settle(self, repository: Repository, held: _Held) -> bool:
        """See ``look``; the caller holds the lock."""
        if not self._main(repository):  # it was deleted meanwhile
            return False
        record = held.record
        if record is not None and record.repo != repository.id:
            self.grounds.move(record.repo, repository.id)
            record = replace(record, repo=repository.id)
            self._keep(repository, held, record)
        if record is not None and not self.grounds.is_there(repository.id):
            held.glance = None
            return False
        root = self.grounds.place(repository.id)
        copy = WorkingCopy(root, self.grounds.folder, self._home / "tmp", self._index)
        copy.make()
        # Without a record nothing was ever put there to the end, so what main holds may be our own work.
        record = record or Record(repo=repository.id, commit="", bringing=self._main(repository))
        looked = Glance.take(root, sidecar_of(root))  # before the listing: what changes after it shows
        unfinished = self._contents(repository, record.bringing) if record.bringing else None
        seen, changes = self._taken_in(copy, record, unfinished)
        lies = seen.lies
        contents = {path: each.sha256 for path, each in lies.items()}
        head = self._with_changes(repository, held, changes, lies)
        receipts = {path: each.receipt for path, each in lies.items()}
        lack = lacking(contents, _contents(head))
        if lack.put or lack.gone:
            begun = Record(repo=repository.id, commit=record.commit, bringing=head.commit.id, files=receipts)
            self._keep(repository, held, begun)
            receipts = self._brought(copy, head, lack, receipts)
        self._keep(repository, held, Record(repo=repository.id, commit=head.commit.id, files=receipts))
        # what we put there was put after the glance, and what is in doubt must be read again
        in_doubt = seen.busy or any(each.is_in_doubt for each in receipts.values())
        sure = looked.quiet and not (lack.put or lack.gone or in_doubt)
        held.glance = looked if sure else None
        return True

    def _keep(self, repository: Repository, held: _Held, record: Record) -> None:
        if record != held.record:
            self._records.save(repository.key, record)
            held.record = record

    def _head(self, repository: Repository, held: _Held) -> Revision:
        commit = self._main(repository)
        if held.head is None or held.head.commit.id != commit:
            held.head = self._catalog.revision(repository, commit)
        if held.head is None:
            raise NoSuchRevision(repository.id.full_name, DEFAULT_BRANCH)
        return held.head

    def _contents(self, repository: Repository, commit: str) -> Mapping[str, str]:
        found = self._catalog.revision(repository, commit)
        return _contents(found) if found else {}

    def _taken_in(
        self, copy: WorkingCopy, record: Record, unfinished: Mapping[str, str] | None
    ) -> tuple[Look, Difference]:
        """What lies there and what was changed by hand, whose contents are in the store then."""
        busy = frozenset[str]()
        while True:
            seen = copy.look(record, busy)
            contents = {path: each.sha256 for path, each in seen.lies.items()}
            changes = by_hand(contents, record.contents, unfinished)
            files = [(seen.lies[path].file, seen.lies[path].entry) for path in changes.put]
            failed = copy_in(self._blobs, files)
            if not failed:
                gone = changes.gone - seen.busy
                return seen, replace(changes, gone=gone)
            busy = seen.busy | failed

    def _with_changes(
        self, repository: Repository, held: _Held, changes: Difference, lies: Mapping[str, Lying]
    ) -> Revision:
        """Main, with what was changed by hand as one commit more.

        Raises:
            BadListing: it cannot be committed.
        """
        while True:
            head = self._head(repository, held)
            steps = _steps(changes, lies, head)
            if not steps:
                return head
            try:
                made = make_revision(
                    repository.id,
                    apply(head.manifest.files, steps),
                    parents=(head.commit.id,),
                    author=LOCAL.name,
                    title=BY_HAND,
                    description="",
                    at=self._now(),
                )
                line = AuditLine(
                    at=self._now(),
                    by=LOCAL.name,
                    verb="repo.commit",
                    target=f"{repository.id}@{made.commit.id}",
                    detail=BY_HAND,
                )
                self._catalog.add_revision(repository, DEFAULT_BRANCH, made, line)
            except Invalid as error:
                raise BadListing(f"in '{self.grounds.place(repository.id)}': {error}") from error
            except StaleParent:
                continue  # somebody pushed in between
            return made

    def _brought(
        self, copy: WorkingCopy, head: Revision, lack: Difference, receipts: Mapping[str, Receipt]
    ) -> dict[str, Receipt]:
        """Receipts of the files after they were brought to a commit."""
        kept, entries = dict(receipts), shown(head.manifest)
        for path in sorted(lack.gone):
            if copy.take_away(path, receipts[path]):
                del kept[path]
        for path in sorted(lack.put):
            entry = entries[path]
            put = copy.put(entry, self._blobs.path(entry.sha256 or ""), receipts.get(path))
            if put is not None:
                kept[path] = put
        return kept


def copy_in(blobs: FolderBlobs, files: Sequence[tuple[Path, FileEntry]]) -> frozenset[str]:
    """Take contents into the store, several at once: each waits for the disk.

    Gives the paths of files that are not what their entries say (any more).

    Raises:
        StoreDown: the disk fails.
    """

    def is_other(file: tuple[Path, FileEntry]) -> bool:
        path, entry = file
        try:
            blobs.copy_in(path, entry.sha256 or "", entry.size_bytes)
        except IntegrityError:
            return True
        except StoreDown:
            if path.is_file():
                raise
            return True
        return False

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="copy-in") as pool:
        others = list(pool.map(is_other, files))
    return frozenset(entry.path for (_, entry), other in zip(files, others, strict=True) if other)


def _contents(revision: Revision) -> Mapping[str, str]:
    return {path: entry.sha256 for path, entry in shown(revision.manifest).items() if entry.sha256}


def _steps(changes: Difference, lies: Mapping[str, Lying], head: Revision) -> list[Step]:
    there = head.manifest.by_path
    gone: list[Step] = [DeleteFile(path=path) for path in sorted(changes.gone) if path in there]
    put = [lies[path].entry for path in sorted(changes.put)]
    known = {path: there[path].sha256 for path in changes.put if path in there}
    return [*gone, *(PutFile(entry=each) for each in put if known.get(each.path) != each.sha256)]
