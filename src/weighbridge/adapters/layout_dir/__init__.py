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

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from weighbridge.adapters.layout_dir.files import (
    Sharer,
    fault_of,
    may_be_right,
    receipt_of,
    right_receipt,
    walk,
)
from weighbridge.adapters.layout_dir.index import Receipt, Record, read_index, record_of, write_index
from weighbridge.adapters.unchanged import Unchanged
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.errors import Conflict, IntegrityError, StoreDown, WeighbridgeError

_Plan: TypeAlias = list[tuple[str, int, int, int]]
"""Path, size in bytes, mtime in ns, inode."""


class DirLayout:
    """Lays manifests out below one folder; ``blob_path`` says where the content of a sha256 would lie."""

    def __init__(self, cache_dir: Path, blob_path: Callable[[str], Path]) -> None:
        self._root, self._own = cache_dir, cache_dir / ".weighbridge"
        self._blob_path = blob_path
        self._sharer = Sharer()
        self._read_index = Unchanged(read_index)
        self._plans: dict[str, tuple[Manifest, _Plan]] = {}
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
        if known is not None and known[0] is manifest and _compared(known[1]) == "held":
            return "held"
        if not self.path(folder).is_dir():
            return "missing"
        record = self._records().get(folder)
        plan = _plan_of(f"{self._root}/{folder}", record, manifest) if record else None
        if plan is None:
            return "stale"
        self._plans[folder] = (manifest, plan)
        return _compared(plan)

    def renew(self, folder: str, manifest: Manifest) -> str:
        """Write receipts for a folder whose files are all right, reading those without a receipt.

        A folder that came out of a backup, an image layer or another tool is taken over like this
        instead of being fetched again. Gives the state after it.

        Raises:
            StoreDown: the medium fails.
        """
        base, record = self.path(folder), self._records().get(folder)
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
            with self._changing() as records:
                records[folder] = record_of(manifest, receipts)
        return self.state(folder, manifest)

    def faults(self, folder: str, manifest: Manifest, level: str) -> tuple[WeighbridgeError, ...]:
        """Everything that is wrong with a folder; every file is looked at.

        ``level``: ``none`` asks whether the files are there, ``size`` compares sizes as well,
        ``sha256`` reads every byte.
        """
        from concurrent.futures import ThreadPoolExecutor

        base = self.path(folder)

        def fault(entry: FileEntry) -> WeighbridgeError | None:
            return fault_of(base / entry.path, f"{folder}/{entry.path}", entry, level)

        # Hashing gives the interpreter's lock up; the largest goes first so that it is not last.
        largest_first = sorted(manifest.files, key=lambda entry: -entry.size_bytes)
        with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
            found = dict(zip((e.path for e in largest_first), pool.map(fault, largest_first), strict=True))
        return tuple(error for path in manifest.by_path if (error := found[path]) is not None)

    def unlisted(self, folder: str, manifest: Manifest) -> tuple[str, ...]:
        """Files in the folder that the manifest does not name."""
        return tuple(path for path in walk(self.path(folder)) if path not in manifest.by_path)

    def lay_out(self, folder: str, manifest: Manifest, confirm: Callable[[FileEntry], None]) -> Path:
        """Make the folder show just this manifest, in one rename; every blob is held.

        ``confirm`` reads again what may have been changed through another name of its inode; it
        drops a wrong blob and raises.

        Raises:
            IntegrityError: ``confirm`` dropped a blob; the folder is as it was.
            Conflict: the folder holds files that somebody else put there.
            StoreDown: the medium fails.
        """
        with self._changing() as records:
            self._require_ours(folder, records.get(folder), manifest)
            fresh = self._own / "tmp" / os.urandom(8).hex()
            try:
                receipts = self._build(fresh, manifest, records, confirm)
                old = records.get(folder) or record_of(manifest, {})
                records[folder] = replace(old, owned=old.names.union(receipts))
                write_index(self._own, records)
                self._swap(folder, fresh)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
            records[folder] = record_of(manifest, receipts)
        return self.path(folder)

    def remove(self, folder: str, *, dry_run: bool = False) -> int:
        """Take a laid out folder away; gives the bytes that its files had.

        Raises:
            Conflict: the folder holds files that somebody else put there.
            StoreDown: the medium fails.
        """
        record = self._records().get(folder)
        if record is None:
            return 0
        self._require_ours(folder, record, None)
        if not dry_run:
            with self._changing() as records:
                self._swap(folder, None)
                records.pop(folder, None)
        return sum(receipt[0] for receipt in record.files.values())

    def sweep(self) -> None:
        """Remove what a kill left aside."""
        if self._own.is_dir():
            with self._locked():
                shutil.rmtree(self._own / "tmp", ignore_errors=True)

    def _require_ours(self, folder: str, record: Record | None, manifest: Manifest | None) -> None:
        """Refuse to replace files that are neither ours nor, by name and size, wanted there."""
        base = self.path(folder)
        if base.is_symlink():
            raise Conflict(f"{base} is a symbolic link", hint="remove it, or make cache_dir the other place")
        ours = record.names if record else frozenset()
        wanted = manifest.by_path if manifest else {}
        foreign = [
            path
            for path in walk(base)
            if path not in ours
            and (path not in wanted or (base / path).lstat().st_size != wanted[path].size_bytes)
        ]
        if foreign:
            shown = ", ".join(foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
            raise Conflict(
                f"{base} holds files that Weighbridge did not put there: {shown}",
                hint="move them elsewhere, or give the model another local_dir",
            )

    def _build(
        self,
        fresh: Path,
        manifest: Manifest,
        records: Mapping[str, Record],
        confirm: Callable[[FileEntry], None],
    ) -> dict[str, Receipt]:
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
            self._sharer.share(self._blob_path(entry.sha256), target)
            found = os.lstat(target)
            receipt = receipts[entry.path] = receipt_of(found, entry.sha256)
            # Two names are the blob's and this one. A third may have been written through, unless
            # the receipt that was taken of the inode still holds.
            other = known.get(found.st_ino, receipt if found.st_nlink <= 2 else None)
            if found.st_size != entry.size_bytes or other != receipt:
                try:
                    confirm(entry)
                except IntegrityError as error:
                    wrong.append(error)
        if wrong:
            raise wrong[0]
        return receipts

    def _swap(self, folder: str, fresh: Path | None) -> None:
        """Put ``fresh`` where the folder is; what was there goes aside and is removed."""
        target, leaving = self.path(folder), self._own / "tmp" / os.urandom(8).hex()
        leaving.parent.mkdir(exist_ok=True)
        if target.exists():
            target.rename(leaving)
        if fresh is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh.rename(target)
        shutil.rmtree(leaving, ignore_errors=True)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Record]]:
        """The records as they are now, with nobody else at them; then they are written."""
        try:
            with self._locked():
                records = read_index(self._own / "index.json")
                yield records
                write_index(self._own, records)
        except OSError as error:
            raise StoreDown(f"cannot write below {self._root}: {error.strerror or error}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time, by a lock on the folder itself: no lock file is left behind."""
        self._own.mkdir(parents=True, exist_ok=True)
        if sys.platform == "win32":
            yield
            return
        import fcntl

        descriptor = os.open(self._own, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _records(self) -> Mapping[str, Record]:
        return self._read_index(self._own / "index.json")


def _plan_of(base: str, record: Record, manifest: Manifest) -> _Plan | None:
    if not record.is_of(manifest):
        return None
    plan = []
    for entry in manifest.files:
        receipt = record.files.get(entry.path)
        if receipt is None or receipt[3] != entry.sha256:
            return None
        plan.append((f"{base}/{entry.path}", *receipt[:3]))
    return plan


def _compared(plan: _Plan) -> str:
    absent = tampered = False
    for path, size, mtime, inode in plan:
        try:
            # By text and not by Path: this line is the whole cost of a warm check.
            found = os.lstat(path)
        except OSError:
            absent = True
            continue
        if found.st_mtime_ns != mtime or found.st_size != size or found.st_ino != inode:
            tampered = True
    return "tampered" if tampered else "partial" if absent else "held"
