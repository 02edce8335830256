"""Held models in a Hugging Face cache, as ``huggingface_hub`` itself would have put them there.

    <cache>/                             HF_HUB_CACHE, else hub in HF_HOME
      .locks/models--org--name/          flock files of huggingface_hub, one per content
      models--org--name/
        blobs/<etag>                     the content: sha256 of large files, git blob id of small ones
        snapshots/<commit>/<path>        relative links to blobs
        refs/<branch or tag>             40 hex digits: the commit that it means
        .weighbridge-<hex>/              what is being built; only while a command runs, or after a kill
    <home>/hf-caches-v1/<sha256 of the cache's path>/
      index.json                         what we put there, and receipts of what was right

(The layout is described in the guide "Understand caching" of huggingface_hub.)

The cache belongs to the user's own tools. What is right is used as it is, whoever brought it; what is
wrong under its name, and only that, is replaced, by a rename. A snapshot that is not there appears by
one rename; one that is there gets the links that it lacks, each at once. Only what we put there is
ever removed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from weighbridge.adapters.layout_files import (
    Plan,
    Sharer,
    compared,
    faults_of,
    is_doubtful,
    may_be_right,
    receipt_of,
    right_receipt,
)
from weighbridge.adapters.layout_hf.removal import going, remove_going
from weighbridge.adapters.layout_hf.spelling import (
    blob_name,
    link_text,
    read_ref,
    repo_folder,
    snapshot_folder,
    their_turn,
)
from weighbridge.adapters.layout_index import Index, Receipt, Record, record_of
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import is_commit
from weighbridge.errors import Conflict, IntegrityError, StoreDown, WeighbridgeError

__all__ = ["HfCache", "HfLayout", "blob_name", "repo_folder", "snapshot_folder"]


class HfCache:
    """One Hugging Face cache, and our index of it below the home."""

    def __init__(self, cache: Path, home: Path, blob_path: Callable[[str], Path]) -> None:
        self.cache, self.blob_path, self.sharer = cache, blob_path, Sharer()
        name = sha256(str(cache.absolute()).encode("utf-8", "surrogateescape")).hexdigest()
        self.index = Index(cache, home / "hf-caches-v1" / name)
        self.building = f".weighbridge-{sha256(str(self.index.own).encode()).hexdigest()[:8]}"
        self.known: dict[str, Receipt] = {}

    def layout(self, revision: str, user: str = "") -> HfLayout:
        """The layout for what was asked for as ``revision``, on behalf of a lock."""
        return HfLayout(self, revision, user)

    def sweep(self) -> None:
        """Remove what a kill left aside."""
        self.index.sweep()
        with self.index.locked():
            for left in self.cache.glob(f"*/{self.building}"):
                shutil.rmtree(left, ignore_errors=True)


class HfLayout:
    """Shows manifests in a Hugging Face cache; its folders are those of ``snapshot_folder``.

    A branch or tag (``revision``) leads to what was laid out last. ``moved_from`` is the commit that
    it meant before, where that was another one.
    """

    def __init__(self, cache: HfCache, revision: str, user: str) -> None:
        self._cache, self._index, self._user = cache, cache.index, user
        self._ref = "" if is_commit(revision) else revision
        self.moved_from = ""

    def path(self, folder: str) -> Path:
        """Where a snapshot is, or will be."""
        return self._cache.cache / folder

    def state(self, folder: str, manifest: Manifest) -> str:
        """``held``, ``partial``, ``missing``, ``stale`` or ``tampered``, by one stat per file."""
        if not self.path(folder).is_dir():
            return "missing"
        record = self._index.records().get(folder)
        plan = self._plan(folder, record, manifest) if record else None
        if plan is None or record is None or (self._user and self._user not in record.users):
            return "stale"
        found = compared(plan, os.stat)
        return "stale" if found == "held" and not self._leads(folder, record) else found

    def renew(self, folder: str, manifest: Manifest) -> str:
        """Take over what is right already, reading what has no receipt; gives the state after it.

        Raises:
            StoreDown: the medium fails.
        """
        base = self.path(folder)
        known = self._known(folder)
        if not all(may_be_right(base / e.path, e, known.get(e.path), os.stat) for e in manifest.files):
            return self.state(folder, manifest)
        receipts: dict[str, Receipt] = {}
        for entry in manifest.files:
            receipt = self._right(base / entry.path, entry, known.get(entry.path))
            if receipt is None:
                return self.state(folder, manifest)
            receipts[entry.path] = receipt
        with self._index.changing() as records:
            records[folder] = self._record(folder, manifest, receipts, records.get(folder))
        return self.state(folder, manifest)

    def lacking(self, folder: str, manifest: Manifest) -> tuple[FileEntry, ...]:
        """The files that are right neither in the snapshot nor among the contents of the repository."""
        known, repo = self._known(folder), self._repo(folder)
        return tuple(
            entry
            for entry in manifest.files
            if not self._right(self.path(folder) / entry.path, entry, known.get(entry.path))
            and not self._right(repo / "blobs" / blob_name(entry), entry, None)
        )

    def faults(self, folder: str, manifest: Manifest, level: str) -> tuple[WeighbridgeError, ...]:
        """Everything that is wrong with the files of a snapshot, at a level; see ``DirLayout.faults``."""
        return faults_of(self.path(folder), folder, manifest, level, os.stat)

    def unlisted(self, folder: str, manifest: Manifest) -> tuple[str, ...]:
        """Nothing: other files of a snapshot are other tools' affair."""
        return ()

    def lay_out(self, folder: str, manifest: Manifest, confirm: Callable[[FileEntry], None]) -> Path:
        """Make the snapshot show the manifest; what ``lacking`` named is held. See ``ports.Layout``.

        Raises:
            IntegrityError: ``confirm`` dropped a blob; the snapshot is as it was.
            Conflict: a folder stands where a file belongs, or the other way round.
            StoreDown: the medium fails.
        """
        with self._index.changing() as records, self._building(folder) as aside:
            known = self._known(folder)
            old = records.get(folder) or record_of(manifest, {})
            names = {f"blobs/{blob_name(entry)}": entry for entry in manifest.files}
            new = {name for name in names if not os.path.lexists(self._repo(folder) / name)}
            new |= {e.path for e in manifest.files if not os.path.lexists(self.path(folder) / e.path)}
            records[folder] = replace(old, owned=old.owned | new)
            self._index.write(records)
            inodes = {r[2]: r for record in records.values() for r in record.files.values()}
            wrong: list[IntegrityError] = []
            for entry in manifest.files:
                if self._right(self.path(folder) / entry.path, entry, known.get(entry.path)):
                    continue
                try:
                    self._place(folder, entry, aside, inodes, confirm)
                except IntegrityError as error:
                    wrong.append(error)
            if wrong:
                raise wrong[0]
            self._show(folder, manifest, aside)
            receipts = {e.path: _shown(self.path(folder) / e.path, e) for e in manifest.files}
            records[folder] = self._record(folder, manifest, receipts, records[folder])
        return self.path(folder)

    def users(self, folder: str) -> frozenset[str]:
        """The locks for which the snapshot was laid out."""
        record = self._index.records().get(folder)
        return record.users if record else frozenset()

    def remove(self, folder: str, wanted: Collection[str] = (), *, dry_run: bool = False) -> int:
        """Remove what we put there but what others want (paths); gives the bytes that go.

        Raises:
            StoreDown: the medium fails.
        """
        record = self._index.records().get(folder)
        if record is None:
            return 0
        if dry_run:
            return going(self._repo(folder), self.path(folder), record.owned, wanted).size_bytes
        with self._index.changing() as records:
            record = records.pop(folder, record)
            leaving = going(self._repo(folder), self.path(folder), record.owned, wanted)
            remove_going(self._cache.cache, self._repo(folder), self.path(folder), leaving)
            if wanted:
                records[folder] = replace(
                    record,
                    files={path: r for path, r in record.files.items() if path in wanted},
                    owned=record.owned.difference(leaving.links, (f"blobs/{b}" for b in leaving.blobs)),
                    users=record.users - {self._user},
                )
        return leaving.size_bytes

    def sweep(self) -> None:
        """Remove what a kill left aside."""
        self._cache.sweep()

    def _repo(self, folder: str) -> Path:
        return self._cache.cache / folder.partition("/")[0]

    def _known(self, folder: str) -> dict[str, Receipt]:
        record = self._index.records().get(folder)
        return dict(record.files) if record else {}

    def _right(self, path: Path, entry: FileEntry, known: Receipt | None) -> Receipt | None:
        """``right_receipt`` of what a path shows; what this process read once is not read again."""
        remembered = self._cache.known
        for receipt in (known, remembered.get(str(path))):
            with suppress(OSError):
                if receipt and receipt == receipt_of(path.stat(), entry.sha256 or ""):
                    return receipt
        found = right_receipt(path, entry, None, os.stat)
        if found is not None:
            remembered[str(path)] = found
        return found

    def _plan(self, folder: str, record: Record, manifest: Manifest) -> Plan | None:
        base, plan = self.path(folder), []
        for entry in manifest.files:
            receipt = record.files.get(entry.path)
            if receipt is None or receipt[3] != entry.sha256:
                return None
            plan.append((f"{base}/{entry.path}", *receipt[:3]))
        return plan

    def _leads(self, folder: str, record: Record) -> bool:
        """Whether the branch or tag leads here, by one stat."""
        if not self._ref:
            return True
        receipt = record.refs.get(self._ref)
        with suppress(OSError):
            found = (self._repo(folder) / "refs" / self._ref).stat()
            return receipt is not None and receipt_of(found, record.commit) == receipt
        return False

    @contextmanager
    def _building(self, folder: str) -> Iterator[Path]:
        """A folder on the cache's own volume for what is not to be seen yet."""
        place = self._repo(folder) / self._cache.building / os.urandom(8).hex()
        try:
            for made in (place, self._repo(folder) / "blobs", self._repo(folder) / "snapshots"):
                made.mkdir(parents=True, exist_ok=True)
            yield place
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise Conflict(
                f"'{error.filename2 or error.filename}' is a file where a folder belongs, or a folder"
                " where a file does",
                hint="look at what put it there; 'hf cache ls' shows what the cache holds",
            ) from error
        finally:
            shutil.rmtree(place, ignore_errors=True)
            with suppress(OSError):
                place.parent.rmdir()

    def _place(
        self,
        folder: str,
        entry: FileEntry,
        aside: Path,
        inodes: dict[int, Receipt],
        confirm: Callable[[FileEntry], None],
    ) -> None:
        """Make the content of a file stand under its name among the repository's contents."""
        if entry.sha256 is None:
            raise Invalid("file", entry.path, "has no sha256, so it cannot be held")
        target = self._repo(folder) / "blobs" / blob_name(entry)
        if self._right(target, entry, None):
            return
        fresh = aside / os.urandom(8).hex()
        with their_turn(self._cache.cache, self._repo(folder).name, target.name):
            blob = self._cache.blob_path(entry.sha256)
            self._cache.sharer.share(blob, str(fresh))
            made = fresh.lstat()
            if is_doubtful(blob, made, entry, inodes):
                confirm(entry)
            fresh.replace(target)
        self._cache.known[str(target)] = receipt_of(made, entry.sha256)

    def _show(self, folder: str, manifest: Manifest, aside: Path) -> None:
        """Link what the snapshot does not show right; a snapshot that is not there comes whole."""
        base, whole = self.path(folder), aside / os.urandom(8).hex()
        if not base.is_dir():
            for entry in manifest.files:
                link = whole / entry.path
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(link_text(entry))
            with suppress(OSError):  # somebody else made it meanwhile
                whole.rename(base)
                return
        for entry in manifest.files:
            link = base / entry.path
            if not self._right(link, entry, None):
                fresh = aside / os.urandom(8).hex()
                fresh.symlink_to(link_text(entry))
                link.parent.mkdir(parents=True, exist_ok=True)
                fresh.replace(link)

    def _record(
        self, folder: str, manifest: Manifest, receipts: dict[str, Receipt], old: Record | None
    ) -> Record:
        """The record after what was found or put there; here the branch or tag is made to lead here."""
        old = old or record_of(manifest, {})
        refs = {name: receipt for name, receipt in old.refs.items() if name != self._ref}
        if self._ref:
            refs[self._ref] = self._refer(folder, manifest.commit)
        users = old.users | ({self._user} if self._user else set())
        return replace(old, files={**old.files, **receipts}, users=users, refs=refs)

    def _refer(self, folder: str, commit: str) -> Receipt:
        path = self._repo(folder) / "refs" / self._ref
        was = read_ref(path)
        if was != commit:
            self.moved_from = was
            with self._building(folder) as aside:
                fresh = aside / os.urandom(8).hex()
                fresh.write_text(commit, encoding="ascii")
                path.parent.mkdir(parents=True, exist_ok=True)
                fresh.replace(path)
        return receipt_of(path.stat(), commit)


def _shown(path: Path, entry: FileEntry) -> Receipt:
    """The receipt of a file that was put there.

    Raises:
        StoreDown: somebody took it away meanwhile.
    """
    try:
        return receipt_of(path.stat(), entry.sha256 or "")
    except FileNotFoundError as error:
        raise StoreDown(
            f"'{path}' was removed by somebody else while it was laid out", hint="run the command again"
        ) from error
