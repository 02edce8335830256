"""Held models as plain folders: what a model list's ``cache_dir`` looks like.

    <cache_dir>/
      <folder>/...                       just the files of one manifest
      .weighbridge/
        index.json                       what lies where: the manifest and a receipt per file
        tmp/                             folders being built or being removed

A receipt is (size in bytes, mtime in ns, inode, sha256), taken when the content was known to be
right. One ``stat`` per file tells whether anybody truncated, rewrote or replaced it since. ctime
is not part of it: linking a blob into a second folder changes ctime.

A folder is built aside and put in place by renames; the index is written before (so that every
name we own is known) and after. A kill in between leaves a folder that does not match its
receipts, which the next run repairs, or garbage in ``tmp``.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
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
    walk,
    was_edited,
)
from weighbridge.adapters.layout_index import Index, Receipt, Record, record_of
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.errors import Conflict, IntegrityError, StoreDown, WeighbridgeError

_TRIES = 10
"""How often a folder is put in place, where another process puts there its own at the same time."""


class DirLayout:
    """Lays manifests out below one folder; ``blob_path`` says where the content of a sha256 would lie.

    ``user`` is the lock for which that is done. With ``editable`` the files are writable copies;
    such a folder stays one until it is removed, and what its owner wrote into it is not replaced.
    """

    def __init__(
        self, cache_dir: Path, blob_path: Callable[[str], Path], *, user: str = "", editable: bool = False
    ) -> None:
        self._root, self._own = cache_dir, cache_dir / ".weighbridge"
        self._blob_path, self._user, self._editable = blob_path, user, editable
        self._index = Index(cache_dir, self._own)
        self._plans: dict[str, tuple[Manifest, Plan]] = {}
        self._paths: dict[str, Path] = {}

    def path(self, folder: str) -> Path:
        """Where a model is, or will be."""
        known = self._paths.get(folder)
        if known is None:
            known = self._paths[folder] = self._root / folder
        return known

    def state(self, folder: str, manifest: Manifest) -> str:
        """``held``, ``partial``, ``missing``, ``stale`` or ``tampered``, by one stat per file.

        Receipts that were read before are asked first: whoever changed the folder since also
        changed what the files show, so only a mismatch is a reason to read the index again.
        """
        known = self._plans.get(folder)
        if known is not None and known[0] is manifest and compared(known[1], os.lstat) == "held":
            return "held"
        if not self.path(folder).is_dir():
            return "missing"
        record = self._index.records().get(folder)
        plan = _plan_of(f"{self._root}/{folder}", record, manifest) if record else None
        if plan is None or record is None or not self._suits(record):
            return "stale"
        self._plans[folder] = (manifest, plan)
        return compared(plan, os.lstat)

    def renew(self, folder: str, manifest: Manifest) -> str:
        """Write receipts for a folder whose files are all right, reading those without a receipt.

        A folder that came out of a backup, an image layer or another tool is taken over like this
        instead of being fetched again. Gives the state after it. Where no receipts can be written
        (the layer of an image) it is held by its bytes, which are read again each time.
        """
        base, record = self.path(folder), self._index.records().get(folder)
        if self._editable and not (record and record.editable):
            return self.state(folder, manifest)  # its files may be links
        known = record.files if record else {}
        if not all(may_be_right(base / e.path, e, known.get(e.path)) for e in manifest.files):
            return self.state(folder, manifest)
        receipts: dict[str, Receipt] = {}
        for entry in manifest.files:
            receipt = right_receipt(base / entry.path, entry, known.get(entry.path))
            if receipt is None:
                return self.state(folder, manifest)
            receipts[entry.path] = receipt
        if not self.unlisted(folder, manifest):
            try:
                with self._index.changing() as records:
                    records[folder] = self._record(manifest, receipts, records.get(folder))
            except StoreDown:
                return "held"
        return self.state(folder, manifest)

    def lacking(self, folder: str, manifest: Manifest) -> tuple[FileEntry, ...]:
        """The files whose content must be held to lay out: all of them, as the folder is made anew."""
        return manifest.files

    def faults(self, folder: str, manifest: Manifest, level: str) -> tuple[WeighbridgeError, ...]:
        """Everything that is wrong with a folder; every file is looked at.

        ``level``: ``none`` asks whether the files are there, ``size`` compares sizes as well,
        ``sha256`` reads every byte.
        """
        return faults_of(self.path(folder), folder, manifest, level)

    def unlisted(self, folder: str, manifest: Manifest) -> tuple[str, ...]:
        """Files in the folder that the manifest does not name."""
        return tuple(path for path in walk(self.path(folder)) if path not in manifest.by_path)

    def lay_out(self, folder: str, manifest: Manifest, confirm: Callable[[FileEntry], None]) -> Path:
        """Make the folder show just this manifest, in one rename; every blob is held.

        What another process laid out since we looked stays: somebody may be reading there by now.

        ``confirm`` reads again what may have been changed through another name of its inode; it
        drops a wrong blob and raises.

        Raises:
            IntegrityError: ``confirm`` dropped a blob; the folder is as it was.
            Conflict: the folder holds files that somebody else put there.
            StoreDown: the medium fails.
        """
        with self._index.changing() as records:
            record = records.get(folder)
            if record is not None and self._shows(folder, record, manifest):
                records[folder] = self._record(manifest, record.files, record)
                return self.path(folder)
            self._require_ours(folder, record, manifest)
            self._require_unedited(folder, record)
            fresh = self._own / "tmp" / os.urandom(8).hex()
            try:
                receipts = self._build(fresh, manifest, records, confirm, record)
                old = record or record_of(manifest, {})
                records[folder] = replace(old, owned=old.names.union(receipts))
                self._index.write(records)
                self._swap(folder, fresh)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
            records[folder] = self._record(manifest, receipts, record)
        return self.path(folder)

    def users(self, folder: str) -> frozenset[str]:
        """The locks for which the folder was laid out."""
        record = self._index.records().get(folder)
        return record.users if record else frozenset()

    def remove(self, folder: str, wanted: Collection[str] = (), *, dry_run: bool = False) -> int:
        """Take a laid out folder away; gives the bytes that its files had.

        Where others want any of its files (``wanted``) it stays, and is theirs from then on. A
        folder that nothing is known of holds somebody else's files.

        Raises:
            Conflict: the folder holds files that somebody else put there.
            StoreDown: the medium fails.
        """
        record = self._index.records().get(folder)
        if record is None:
            self._require_ours(folder, None, None)
            return 0
        if wanted:
            if not dry_run:
                with self._index.changing() as records:
                    records[folder] = replace(record, users=record.users - {self._user})
            return 0
        self._require_ours(folder, record, None)
        if not dry_run:
            with self._index.changing() as records:
                self._swap(folder, None)
                records.pop(folder, None)
        return sum(receipt[0] for receipt in record.files.values())

    def sweep(self) -> None:
        """Remove what a kill left aside."""
        self._index.sweep()

    def _shows(self, folder: str, record: Record, manifest: Manifest) -> bool:
        plan = _plan_of(f"{self._root}/{folder}", record, manifest)
        is_held = plan is not None and compared(plan, os.lstat) == "held"
        return is_held and record.editable >= self._editable

    def _suits(self, record: Record) -> bool:
        """Whether the folder is known to be ours to use, and may be edited where that is wished."""
        return (not self._user or self._user in record.users) and record.editable >= self._editable

    def _record(self, manifest: Manifest, receipts: Mapping[str, Receipt], old: Record | None) -> Record:
        users = (old.users if old else frozenset()) | ({self._user} if self._user else set())
        return replace(record_of(manifest, receipts, users), editable=self._is_editable(old))

    def _is_editable(self, record: Record | None) -> bool:
        return self._editable or (record is not None and record.editable)

    def _require_unedited(self, folder: str, record: Record | None) -> None:
        """Refuse to replace what the owner of an editable folder wrote into it."""
        if record is None or not record.editable:
            return
        edited = [p for p, receipt in record.files.items() if was_edited(self.path(folder) / p, receipt)]
        if edited:
            raise Conflict(
                f"{self.path(folder)} was laid out to be edited, and was: {_some(edited)}",
                hint="move it elsewhere to keep the changes, or drop them with 'weighbridge clean'",
            )

    def _require_ours(self, folder: str, record: Record | None, manifest: Manifest | None) -> None:
        """Refuse to replace files that are neither ours nor, by name and size, wanted there."""
        base = self.path(folder)
        if base.is_symlink():
            raise Conflict(f"{base} is a symbolic link", hint="remove it, or make cache_dir the other place")
        if base.exists() and not base.is_dir():
            raise Conflict(f"{base} is a file that Weighbridge did not put there", hint="move it elsewhere")
        ours = record.names if record else frozenset()
        wanted = manifest.by_path if manifest else {}
        foreign = [
            path
            for path in walk(base)
            if path not in ours
            and (path not in wanted or (base / path).lstat().st_size != wanted[path].size_bytes)
        ]
        if foreign:
            raise Conflict(
                f"{base} holds files that Weighbridge did not put there: {_some(foreign)}",
                hint="move them elsewhere, or give the model another local_dir",
            )

    def _build(
        self,
        fresh: Path,
        manifest: Manifest,
        records: Mapping[str, Record],
        confirm: Callable[[FileEntry], None],
        record: Record | None,
    ) -> dict[str, Receipt]:
        sharer = Sharer(links=not self._is_editable(record))
        known = {r[2]: r for record in records.values() for r in record.files.values()}
        receipts: dict[str, Receipt] = {}
        made: set[str] = set()
        wrong: list[IntegrityError] = []
        for entry in manifest.files:
            if entry.sha256 is None:
                raise Invalid("file", entry.path, "has no sha256, so it cannot be held")
            folder, _, name = entry.path.rpartition("/")
            if folder not in made:
                (fresh / folder).mkdir(parents=True, exist_ok=True)
                made.add(folder)
            target = f"{fresh}/{folder}/{name}" if folder else f"{fresh}/{name}"
            blob = self._blob_path(entry.sha256)
            sharer.share(blob, target)
            found = os.lstat(target)
            receipts[entry.path] = receipt_of(found, entry.sha256)
            if is_doubtful(blob, found, entry, known):
                try:
                    confirm(entry)
                except IntegrityError as error:
                    wrong.append(error)
        if wrong:
            raise wrong[0]
        return receipts

    def _swap(self, folder: str, fresh: Path | None) -> None:
        """Put ``fresh`` where the folder is; what was there goes aside and is removed."""
        target, aside = self.path(folder), self._own / "tmp"
        aside.mkdir(exist_ok=True)
        for attempt in range(_TRIES):
            leaving = aside / os.urandom(8).hex()
            with suppress(FileNotFoundError):
                target.rename(leaving)
            try:
                if fresh is not None:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    fresh.rename(target)
                return
            except OSError as error:  # where nobody can lock, somebody may have been faster
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or attempt == _TRIES - 1:
                    raise
            finally:
                shutil.rmtree(leaving, ignore_errors=True)


def _plan_of(base: str, record: Record, manifest: Manifest) -> Plan | None:
    if not record.is_of(manifest):
        return None
    plan = []
    for entry in manifest.files:
        receipt = record.files.get(entry.path)
        if receipt is None or receipt[3] != entry.sha256 or receipt[0] != entry.size_bytes:
            return None
        plan.append((f"{base}/{entry.path}", *receipt[:3]))
    return plan


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
