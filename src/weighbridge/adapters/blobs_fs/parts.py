"""What somebody sends in parts, in any order, at once and again: one file, written in place.

    tmp/parts-<upload>          the content, and behind its end 8 bytes for each part:
                                how often it was begun, and which of these times was completed
    tmp/parts-<upload>.right    empty: the parts made what they should; who asks again hears the same

Who begins a part takes it over from whoever was still sending it. Cutting the 8 bytes off, under
the lock, ends the sending: after that nobody writes, what was not hashed while it came is hashed,
and one rename makes it visible. The lock is a flock on the file itself, so threads and processes are the
same here.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from weighbridge.adapters.blobs_fs.places import Places, medium
from weighbridge.adapters.blobs_fs.running import Running, RunningDigests
from weighbridge.adapters.direct import PIECE_BYTES, DirectReader, DirectWriter
from weighbridge.domain.parts import PartedContent
from weighbridge.errors import Conflict, DigestMismatch, IncompleteUpload, NotFound, SizeMismatch

_MARK = struct.Struct("<II")


class Parts:
    """Contents that come in parts, below ``places``; ``require_room`` is asked before a file is made."""

    def __init__(self, places: Places, require_room: Callable[[int, Path], None]) -> None:
        self._places, self._require_room = places, require_room
        self._running = RunningDigests()

    def take(self, content: PartedContent, number: int, pieces: Iterable[bytes | memoryview]) -> str:
        """See ``ports.BlobStore.take_part``."""
        content.span(number)
        with medium(self._places.home):
            place = self._place(content)
            if not place.exists():
                self._require_room(content.size_bytes, place)
            file = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            sent = _Sent(content, place, file)
            with medium(self._places.home):
                begun = sent.begin(number)
                data = sent.opened_again(number)
            try:
                self._write(sent, data, number, begun, pieces)
            finally:
                os.close(data)
            return _tag(content, number, begun)
        finally:
            os.close(file)

    def _write(
        self, sent: _Sent, data: int, number: int, begun: int, pieces: Iterable[bytes | memoryview]
    ) -> None:
        # The medium is ours, the pieces are not: an error of a connection must not read as one of a disk.
        start, stop = sent.content.span(number)
        running = self._running.before(sent.content.upload, number)
        writer, at = DirectWriter(data, start), start
        for piece in pieces:
            at += len(piece)
            if at > stop:
                raise SizeMismatch(_called(sent.content, number), wanted=stop - start, got=at - start)
            if running is not None:
                running.digest.update(piece)
            with medium(self._places.home), sent.locked(fcntl.LOCK_SH):
                sent.require_turn(number, begun)
                writer.write(piece)
        if at != stop:
            raise SizeMismatch(_called(sent.content, number), wanted=stop - start, got=at - start)
        with medium(self._places.home), sent.locked(fcntl.LOCK_EX):
            sent.require_turn(number, begun)
            writer.finish()
            sent.complete(number, begun)
        if running is not None:
            self._running.add(sent.content.upload, begun, running)

    def join(self, content: PartedContent, tags: Sequence[str]) -> None:
        """See ``ports.BlobStore.join_parts``."""
        place = self._place(content)
        with medium(self._places.home):
            try:
                file = os.open(place, os.O_RDWR)
            except FileNotFoundError:
                self._require_joined(content)
                return
        try:
            sent = _Sent(content, place, file)
            with medium(self._places.home), sent.locked(fcntl.LOCK_EX):
                if not sent.is_at(file):  # whoever had the lock before us has ended it
                    self._require_joined(content)
                    return
                running = self._running.take(content.upload, sent.end(tags))
                self._publish(sent, _sha256(sent, running))
        finally:
            os.close(file)

    def _publish(self, sent: _Sent, got: str) -> None:
        wanted = sent.content.sha256
        if got != wanted:
            sent.place.unlink()
            raise DigestMismatch(wanted, wanted=f"sha256:{wanted}", got=f"sha256:{got}")
        _right(sent.place).touch(mode=0o600)
        self._places.publish(sent.file, str(sent.place), wanted)

    def _place(self, content: PartedContent) -> Path:
        return self._places.tmp / f"parts-{content.upload}"

    def _require_joined(self, content: PartedContent) -> None:
        is_right = _right(self._place(content)).exists()
        if not is_right or not Path(self._places.blob(content.sha256)).exists():
            raise NotFound(
                f"no part of this upload of sha256:{content.sha256[:12]}... is here",
                hint="it was given up: begin the upload again",
            )


class _Sent:
    """The file of an upload, open: its lock, and the marks behind the content.

    Every method raises OSError where the disk fails.
    """

    def __init__(self, content: PartedContent, place: Path, file: int) -> None:
        self.content, self.place, self.file = content, place, file

    @contextmanager
    def locked(self, how: int) -> Iterator[None]:
        """Hold the lock: shared to write a part, alone to change the marks."""
        fcntl.flock(self.file, how)
        try:
            yield
        finally:
            fcntl.flock(self.file, fcntl.LOCK_UN)

    def is_at(self, file: int) -> bool:
        """Whether an open file is what has the name now."""
        try:
            return os.path.samestat(self.place.stat(), os.fstat(file))
        except FileNotFoundError:
            return False

    def begin(self, number: int) -> int:
        """Take a part over; gives how often it was begun by now."""
        with self.locked(fcntl.LOCK_EX):
            if not os.fstat(self.file).st_size:
                os.ftruncate(self.file, self.content.size_bytes + self.content.count * _MARK.size)
            begun, _ = self._mark(number)
            os.pwrite(self.file, _MARK.pack(begun + 1, 0), self._mark_at(number))
            return begun + 1

    def opened_again(self, number: int) -> int:
        """The same file for the bytes alone: the marks are too short for direct I/O."""
        with suppress(FileNotFoundError):
            data = os.open(self.place, os.O_WRONLY)
            if os.path.samestat(os.fstat(data), os.fstat(self.file)):
                return data
            os.close(data)
        raise _too_late(self.content, number)

    def require_turn(self, number: int, begun: int) -> None:
        """Nothing, if nobody began this part after us.

        Raises:
            Conflict: somebody did, or the sending has ended.
        """
        if self._mark(number)[0] != begun:
            called = _called(self.content, number)
            raise Conflict(f"{called} is being sent again: this sending of it has ended")

    def complete(self, number: int, begun: int) -> None:
        """All of a part is written."""
        os.pwrite(self.file, _MARK.pack(begun, begun), self._mark_at(number))

    def end(self, tags: Sequence[str]) -> list[int]:
        """Cut the marks off, if all parts are there; a kill after that leaves a content to be hashed.

        Gives how often each part was begun; nothing where the marks were cut off before.

        Raises:
            IncompleteUpload: a part is not there, or not the one of its tag.
        """
        content = self.content
        if os.fstat(self.file).st_size == content.size_bytes:
            return []
        marks = dict(enumerate(map(self._mark, range(1, content.count + 1)), 1))
        missing = [number for number, (begun, completed) in marks.items() if not begun or begun != completed]
        if missing:
            raise IncompleteUpload(content.sha256, missing, "was not sent whole")
        wanted = [_tag(content, number, begun) for number, (begun, _) in marks.items()]
        other = [n for n, tag in enumerate(wanted, 1) if n > len(tags) or tags[n - 1] != tag]
        if other:
            raise IncompleteUpload(content.sha256, other, "is not the one of this ETag")
        os.ftruncate(self.file, content.size_bytes)
        return [begun for begun, _ in marks.values()]

    def _mark(self, number: int) -> tuple[int, int]:
        """How often a part was begun, and which of these times was completed.

        Raises:
            Conflict: the sending has ended.
        """
        if os.fstat(self.file).st_size == self.content.size_bytes:
            raise _too_late(self.content, number)
        mark = os.pread(self.file, _MARK.size, self._mark_at(number))
        begun, completed = _MARK.unpack(mark.ljust(_MARK.size, b"\0"))
        return begun, completed

    def _mark_at(self, number: int) -> int:
        return self.content.size_bytes + (number - 1) * _MARK.size


def _sha256(sent: _Sent, running: Running) -> str:
    """The digest of the whole; what is not in ``running`` is read."""
    size = sent.content.size_bytes
    start = sent.content.span(len(running.begun))[1] if running.begun else 0
    if start < size:
        reader = DirectReader(sent.file)
        for at in range(start, size, PIECE_BYTES):
            running.digest.update(reader.read(at, min(at + PIECE_BYTES, size)))
    return running.digest.hexdigest()


def _tag(content: PartedContent, number: int, begun: int) -> str:
    return f"{content.upload}-{number}-{begun}"


def _called(content: PartedContent, number: int) -> str:
    return f"part {number} of {content.count} of sha256:{content.sha256[:12]}..."


def _right(place: Path) -> Path:
    return place.with_name(f"{place.name}.right")


def _too_late(content: PartedContent, number: int) -> Conflict:
    return Conflict(f"{_called(content, number)} comes too late: the upload was completed")
