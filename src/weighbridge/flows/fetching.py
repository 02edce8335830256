"""Taking files into the store: from this machine where they lie on it already, else from a Hub."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TypeAlias

from weighbridge.context import carried
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import RepoId
from weighbridge.ports import BlobStore, Hub, Reporter

_FIRST_HANDS, _SMALL_BYTES, _WAITED_S, _SURE = 2, 1 << 20, 0.005, 3
"""How many threads begin, which files are small, and how often in a row a file is waited for (s)."""

Elsewhere: TypeAlias = Callable[[RepoId, FileEntry], Iterable[Path]]
"""Files of this machine that may hold the content of a file, the likeliest first; none is trusted."""


def nowhere(repo: RepoId, entry: FileEntry) -> Iterable[Path]:
    """No file: everything comes from the Hub."""
    return ()


@dataclass(slots=True, kw_only=True)
class TakenIn:
    """The files that were taken in, by their path, and how many bytes of them came out of this machine."""

    files: dict[str, FileEntry] = field(default_factory=dict)
    adopted_bytes: int = 0

    def completed(self, manifest: Manifest) -> Manifest:
        """The manifest with what is known now of these files."""
        return part_of(manifest, tuple(self.files.get(entry.path, entry) for entry in manifest.files))


def missing(manifest: Manifest, blobs: BlobStore) -> tuple[FileEntry, ...]:
    """The files whose content is not held, largest first."""
    absent = [entry for entry in manifest.files if not entry.sha256 or not blobs.holds(entry.sha256)]
    return tuple(sorted(absent, key=lambda entry: -entry.size_bytes))


def fetch(
    manifest: Manifest,
    hub: Hub,
    blobs: BlobStore,
    reporter: Reporter,
    connections: int,
    elsewhere: Elsewhere = nowhere,
    found: Callable[[FileEntry], None] | None = None,
) -> Manifest:
    """Take every missing file in, several at once, and give the manifest with every sha256.

    ``found`` is told of each small file as it comes in: a kill must not lose what its sha256 is.

    The first error stops the others; what is whole by then stays, what is not is gone on with
    by the next call.

    Raises:
        IntegrityError: the Hub gave other bytes than it listed.
        NotFound, Denied, Unreachable: as the Hub or the store says.
    """
    wanted = missing(manifest, blobs)
    got = take_in(manifest, wanted, hub, blobs, reporter, connections, elsewhere, found)
    return got.completed(manifest)


def take_in(
    manifest: Manifest,
    wanted: Sequence[FileEntry],
    hub: Hub,
    blobs: BlobStore,
    reporter: Reporter,
    connections: int,
    elsewhere: Elsewhere = nowhere,
    found: Callable[[FileEntry], None] | None = None,
) -> TakenIn:
    """Take some files of a manifest in; see ``fetch``."""
    if not wanted:
        return TakenIn()
    reporter.begin(manifest.repo.full_name, sum(entry.size_bytes for entry in wanted))
    try:
        hands = _Hands(wanted, manifest, hub, blobs, reporter, elsewhere, found)
        return _take_all(hands, wanted, connections)
    finally:
        reporter.end()


def part_of(manifest: Manifest, files: Sequence[FileEntry]) -> Manifest:
    """The manifest with these files only."""
    return Manifest(repo=manifest.repo, commit=manifest.commit, files=tuple(files))


class _Stopped(Exception):
    """Another file failed, or the user interrupted: this one is given up where it is."""


def _take_all(hands: _Hands, wanted: Sequence[FileEntry], connections: int) -> TakenIn:
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

    workers = min(connections, len(wanted))
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="fetch", initializer=carried())
    try:
        running = [pool.submit(hands.work, number) for number in range(workers)]
        wait(running, return_when=FIRST_EXCEPTION)
        hands.stop()
        pool.shutdown(wait=True)
    except BaseException:
        # Interrupted: whoever hangs in a read is left behind; the store survives even a kill.
        hands.stop()
        pool.shutdown(wait=False)
        raise
    errors = [error for future in running if (error := future.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, _Stopped)):
        raise error
    return hands.got


class _Hands:
    """Threads that take files off one list; a future for each would cost as much as a small file.

    On a fast line eight threads that take turns at the interpreter fetch 2000 small files slower
    than two; where each file is waited for, eight are faster. So two begin, and all of them go to
    work once one of the two has waited for a few files in a row, or at once where files are large.
    """

    def __init__(
        self,
        wanted: Sequence[FileEntry],
        manifest: Manifest,
        hub: Hub,
        blobs: BlobStore,
        reporter: Reporter,
        elsewhere: Elsewhere,
        found: Callable[[FileEntry], None] | None,
    ) -> None:
        self._waiting, self._manifest = deque(wanted), manifest
        self._hub, self._blobs, self._reporter = hub, blobs, reporter
        self._elsewhere, self._found = elsewhere, found
        self._halt, self._all = Event(), Event()
        self.got = TakenIn()
        if sum(entry.size_bytes > _SMALL_BYTES for entry in wanted) > _FIRST_HANDS:
            self._all.set()

    def stop(self) -> None:
        """Let everybody go home; who is in the middle of a file gives it up."""
        self._halt.set()
        self._all.set()

    def work(self, number: int) -> None:
        """Take files until none is left."""
        if number >= _FIRST_HANDS:
            self._all.wait()
        slow_in_a_row = 0
        while not self._halt.is_set():
            try:
                entry = self._waiting.popleft()
            except IndexError:
                self._all.set()
                return
            began = monotonic()
            source = partial(self._hub.open, self._manifest.repo, self._manifest.commit, entry)
            known = self._adopted(entry) or self._blobs.fetch(entry, source, self._moved)
            self.got.files[entry.path] = known
            if self._found is not None and not entry.sha256:
                self._found(known)
            slow_in_a_row = slow_in_a_row + 1 if monotonic() - began > _WAITED_S else 0
            if slow_in_a_row == _SURE:
                self._all.set()

    def _adopted(self, entry: FileEntry) -> FileEntry | None:
        """The entry, where another file of this machine has its content; that file stays as it is."""
        for file in self._elsewhere(self._manifest.repo, entry):
            known = self._blobs.adopt(entry, file)
            if known is not None:
                self.got.adopted_bytes += entry.size_bytes
                self._moved(entry.size_bytes)
                return known
        return None

    def _moved(self, count: int) -> None:
        if self._halt.is_set():
            raise _Stopped
        self._reporter.moved(count)
