"""A back-up as a file: written in one pass and one rename, read in one pass, every byte checked.

The file is its owner's alone (mode 0600): it holds hashes of passwords, and maybe keys. See
``domain.backup`` for what is in it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from weighbridge.adapters.part_file import part_of, sync_folder
from weighbridge.domain.backup import BackupIndex, Part, backup_head, content_in, index_of
from weighbridge.domain.bundle import BLOCK, END, blob_name, header, padded
from weighbridge.domain.invalid import Invalid
from weighbridge.errors import BadBundle, BadInput, NotFound, StoreDown

_PIECE_BYTES = 1 << 20
_LINE_LIMIT = 100
_HINT = "nothing was restored; take another back-up"


def write_backup(
    place: Path,
    index: BackupIndex,
    parts: Mapping[str, BinaryIO],
    contents: Iterable[tuple[str, int]],
    open_content: Callable[[str], BinaryIO],
    moved: Callable[[int], None],
) -> str:
    """Write a back-up and give the sha256 of the whole file.

    Whatever stood at ``place`` stays until the last byte is written, and then is replaced.

    Raises:
        BadInput: a folder stands there.
        BadBundle: a stored content is not what its name says; nothing is left behind.
        StoreDown: the folder cannot be written, or has no room.
        What ``open_content`` raises.
    """
    if place.is_dir():
        raise BadInput(f"'{place}' is a folder", hint="name the file that the back-up should be")
    try:
        with part_of(place, index.most_bytes, mode=0o600) as (part, file):
            out = _Out(place, file, moved)
            spelled = index.dumps()
            out.write(backup_head(spelled) + spelled + bytes(padded(len(spelled)) - len(spelled)))
            for each in index.parts:
                parts[each.name].seek(0)
                out.member(each.name, each.size_bytes, each.sha256, parts[each.name])
            for sha256, size_bytes in contents:
                with open_content(sha256) as opened:
                    out.member(blob_name(sha256), size_bytes, sha256, opened)
            out.write(END)
            file.flush()
            os.fsync(file.fileno())
            part.replace(place)
            sync_folder(place.parent)
            return out.whole.hexdigest()
    except OSError as error:
        raise StoreDown(f"cannot write '{place}': {error.strerror or error}") from error


class _Out:
    """Members, written one behind the other."""

    def __init__(self, place: Path, file: BinaryIO, moved: Callable[[int], None]) -> None:
        self._place, self._file, self._moved = place, file, moved
        self.whole = hashlib.sha256()

    def write(self, content: bytes) -> None:
        self.whole.update(content)
        self._file.write(content)
        self._moved(len(content))

    def member(self, name: str, size_bytes: int, sha256: str, opened: BinaryIO) -> None:
        self.write(header(name, size_bytes))
        digest, left = hashlib.sha256(), size_bytes
        while left and (piece := opened.read(min(left, _PIECE_BYTES))):
            digest.update(piece)
            self.write(piece)
            left -= len(piece)
        if left or digest.hexdigest() != sha256:
            raise BadBundle(
                str(self._place),
                name,
                "is held with other bytes than it should have",
                hint="remove it from the store and ingest or push what names it again",
            )
        self.write(bytes(padded(size_bytes) - size_bytes))


@contextmanager
def open_backup(place: Path) -> Iterator[BackupReading]:
    """Read the index of a back-up; its members follow, in order.

    Raises:
        NotFound: there is no such file.
        BadInput: it is no back-up, or one of another format.
        BadBundle: its index is damaged or contradicts itself.
    """
    try:
        file = place.open("rb")
    except OSError as error:
        raise NotFound(f"'{place}' cannot be read: {error.strerror}") from error
    with file:
        yield BackupReading(place, file)


class BackupReading:
    """A back-up that is being read, once and in order: ``part`` for each part, then ``contents``."""

    def __init__(self, place: Path, file: BinaryIO) -> None:
        self.place, self._file = place, file
        self.index = self._index()

    def part(self, part: Part, out: BinaryIO) -> None:
        """Copy the next member to ``out``; what was copied counts only when this returns.

        Raises:
            BadBundle: it is damaged.
        """
        self._expect(header(part.name, part.size_bytes), part.name, "has a damaged header")
        digest = hashlib.sha256()
        for piece in self._pieces(part.size_bytes, part.name):
            digest.update(piece)
            out.write(piece)
        if digest.hexdigest() != part.sha256:
            raise self._bad(part.name, "is damaged")
        self._expect(bytes(padded(part.size_bytes) - part.size_bytes), part.name, "is followed by damage")
        out.flush()
        out.seek(0)

    def contents(self, listed: BinaryIO) -> Iterator[tuple[str, int, Iterator[bytes]]]:
        """Every stored content: sha256, size, and pieces, all of which must be taken; then the end.

        Whether the pieces are right is found out by whoever takes them.

        Raises:
            BadBundle: the file is shorter or longer than it says, or damaged.
        """
        while line := listed.readline(_LINE_LIMIT):
            try:
                sha256, size = content_in(line)
            except Invalid as error:
                raise self._bad("the list of contents", f"cannot be read: {error}") from error
            name = blob_name(sha256)
            self._expect(header(name, size), name, "has a damaged header")
            yield sha256, size, self._pieces(size, name)
            self._expect(bytes(padded(size) - size), name, "is followed by damage")
        self._expect(END, "the end", "is damaged")
        if self._read(1):
            raise self._bad("the end", "is followed by more")

    def _index(self) -> BackupIndex:
        try:
            wanted, size = index_of(self._read(BLOCK))
        except Invalid as error:
            raise BadInput(
                f"'{self.place}' is no back-up: {error}", hint="'weighbridge backup FILE' writes one"
            ) from error
        spelled = b"".join(self._pieces(size, "the index"))
        if hashlib.sha256(spelled).hexdigest() != wanted:
            raise self._bad("the index", "is damaged")
        self._expect(bytes(padded(size) - size), "the index", "is followed by damage")
        try:
            return BackupIndex.loads(spelled)
        except Invalid as error:
            raise BadInput(f"'{self.place}': {error}", hint=error.hint) from error

    def _pieces(self, size_bytes: int, label: str) -> Iterator[bytes]:
        left = size_bytes
        while left:
            piece = self._read(min(left, _PIECE_BYTES))
            if not piece:
                raise self._bad(label, f"is cut off, {left} bytes before its end")
            left -= len(piece)
            yield piece

    def _expect(self, wanted: bytes, label: str, why: str) -> None:
        if b"".join(self._pieces(len(wanted), label)) != wanted:
            raise self._bad(label, why)

    def _read(self, count: int) -> bytes:
        try:
            return self._file.read(count)
        except OSError as error:
            raise StoreDown(f"'{self.place}' cannot be read: {error.strerror or error}") from error

    def _bad(self, label: str, why: str) -> BadBundle:
        return BadBundle(str(self.place), label, why, hint=_HINT)
