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
        place, home = _place(self._places, content), self._places.home
        with medium(home):
            if not place.exists():
                self._require_room(content.size_bytes, place)
            file = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
        data = -1
        try:
            begun = _begin(self._places, file, content, number)
            with medium(home):
                data = _opened_again(file, place, content, number)
            self._write(file, data, content, number, begun, pieces)
            return _tag(content, number, begun)
        finally:
            os.close(file)
            if data >= 0:
                os.close(data)

    def _write(
        self,
        file: int,
        data: int,
        content: PartedContent,
        number: int,
        begun: int,
        pieces: Iterable[bytes | memoryview],
    ) -> None:
        start, stop = content.span(number)
        running = self._running.before(content.upload, number)
        writer, at, home = DirectWriter(data, start), start, self._places.home
        for piece in pieces:
            if at + len(piece) > stop:
                raise SizeMismatch(_called(content, number), wanted=stop - start, got=at - start + len(piece))
            if running is not None:
                running.digest.update(piece)
            with medium(home), _locked(file, fcntl.LOCK_SH):
                _require_turn(file, content, number, begun)
                writer.write(piece)
            at += len(piece)
        if at != stop:
            raise SizeMismatch(_called(content, number), wanted=stop - start, got=at - start)
        with medium(home), _locked(file, fcntl.LOCK_EX):
            _require_turn(file, content, number, begun)
            writer.finish()
            os.pwrite(file, _MARK.pack(begun, begun), _mark_at(content, number))
        if running is not None:
            self._running.add(content.upload, begun, running)

    def join(self, content: PartedContent, tags: Sequence[str]) -> None:
        """See ``ports.BlobStore.join_parts``."""
        place, home = _place(self._places, content), self._places.home
        with medium(home):
            try:
                file = os.open(place, os.O_RDWR)
            except FileNotFoundError:
                _require_joined(self._places, content)
                return
        try:
            with medium(home), _locked(file, fcntl.LOCK_EX):
                if not _is_at(file, place):  # whoever had the lock before us has ended it
                    _require_joined(self._places, content)
                    return
                running = self._running.take(content.upload, _end_sending(file, content, tags))
                _publish(self._places, file, place, content, _sha256(file, content, running))
        finally:
            os.close(file)


def _place(places: Places, content: PartedContent) -> Path:
    return places.tmp / f"parts-{content.upload}"


def _begin(places: Places, file: int, content: PartedContent, number: int) -> int:
    """Take a part over; gives how often it was begun by now."""
    with medium(places.home), _locked(file, fcntl.LOCK_EX):
        if not os.fstat(file).st_size:
            os.ftruncate(file, content.size_bytes + content.count * _MARK.size)
        begun, _ = _mark(file, content, number)
        os.pwrite(file, _MARK.pack(begun + 1, 0), _mark_at(content, number))
        return begun + 1


def _opened_again(file: int, place: Path, content: PartedContent, number: int) -> int:
    """The same file for the bytes alone: the marks are too short for direct I/O."""
    with suppress(FileNotFoundError):
        data = os.open(place, os.O_WRONLY)
        if os.path.samestat(os.fstat(data), os.fstat(file)):
            return data
        os.close(data)
    raise _too_late(content, number)


def _require_turn(file: int, content: PartedContent, number: int, begun: int) -> None:
    if _mark(file, content, number)[0] != begun:
        raise Conflict(f"{_called(content, number)} is being sent again: this sending of it has ended")


def _mark(file: int, content: PartedContent, number: int) -> tuple[int, int]:
    """How often a part was begun, and which of these times was completed.

    Raises:
        Conflict: the sending has ended.
    """
    if os.fstat(file).st_size == content.size_bytes:
        raise _too_late(content, number)
    begun, completed = _MARK.unpack(
        os.pread(file, _MARK.size, _mark_at(content, number)).ljust(_MARK.size, b"\0")
    )
    return begun, completed


def _mark_at(content: PartedContent, number: int) -> int:
    return content.size_bytes + (number - 1) * _MARK.size


def _end_sending(file: int, content: PartedContent, tags: Sequence[str]) -> list[int]:
    """Cut the marks off, if all parts are there; a kill after that leaves a content to be hashed.

    Gives how often each part was begun; nothing where the marks were cut off before.
    """
    if os.fstat(file).st_size == content.size_bytes:
        return []
    marks = [_mark(file, content, number) for number in range(1, content.count + 1)]
    missing = [number for number, (begun, done) in enumerate(marks, 1) if not done or begun != done]
    if missing:
        raise IncompleteUpload(content.sha256, missing, "was not sent whole")
    other = [
        number
        for number, (begun, _) in enumerate(marks, 1)
        if number > len(tags) or tags[number - 1] != _tag(content, number, begun)
    ]
    if other:
        raise IncompleteUpload(content.sha256, other, "is not the one of this ETag")
    os.ftruncate(file, content.size_bytes)
    return [begun for begun, _ in marks]


def _publish(places: Places, file: int, place: Path, content: PartedContent, got: str) -> None:
    if got != content.sha256:
        place.unlink()
        raise DigestMismatch(content.sha256, wanted=f"sha256:{content.sha256}", got=f"sha256:{got}")
    _right(place).touch(mode=0o600)
    places.publish(file, str(place), content.sha256)


def _sha256(file: int, content: PartedContent, running: Running) -> str:
    """The digest of the whole; what is not in ``running`` is read."""
    start = content.span(len(running.begun))[1] if running.begun else 0
    if start < content.size_bytes:
        reader = DirectReader(file)
        for at in range(start, content.size_bytes, PIECE_BYTES):
            running.digest.update(reader.read(at, min(at + PIECE_BYTES, content.size_bytes)))
    return running.digest.hexdigest()


@contextmanager
def _locked(file: int, how: int) -> Iterator[None]:
    fcntl.flock(file, how)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _is_at(file: int, place: Path) -> bool:
    try:
        return os.path.samestat(place.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _tag(content: PartedContent, number: int, begun: int) -> str:
    return f"{content.upload}-{number}-{begun}"


def _called(content: PartedContent, number: int) -> str:
    return f"part {number} of {content.count} of sha256:{content.sha256[:12]}..."


def _too_late(content: PartedContent, number: int) -> Conflict:
    return Conflict(f"{_called(content, number)} comes too late: the upload was completed")


def _right(place: Path) -> Path:
    return place.with_name(f"{place.name}.right")


def _require_joined(places: Places, content: PartedContent) -> None:
    if not _right(_place(places, content)).exists() or not Path(places.blob(content.sha256)).exists():
        raise NotFound(
            f"no part of this upload of sha256:{content.sha256[:12]}... is here",
            hint="it was given up: begin the upload again",
        )
