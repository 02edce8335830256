"""A bundle as a file: written in one pass and one rename, read in one pass.

What is read is compared with the one spelling that the index allows, byte by byte: headers, contents,
padding and end (see ``domain.bundle``). Memory holds the index and one piece.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from weighbridge.adapters.part_file import part_of, sync_folder
from weighbridge.domain.bundle import (
    BLOCK,
    END,
    Index,
    Member,
    header,
    index_in,
    index_name,
    is_like_a_bundle,
    padded,
)
from weighbridge.domain.invalid import Invalid
from weighbridge.errors import BadBundle, BadInput, NotFound, StoreDown

_PIECE_BYTES = 1 << 20
_INDEX = "the index"
Open = Callable[[Member], BinaryIO]
Moved = Callable[[int], None]


def write_bundle(place: Path, index: Index, open_content: Open, moved: Moved) -> str:
    """Write a bundle and give the sha256 of the whole file; each content is hashed on its way in.

    Whatever stood at ``place`` stays until the last byte is written, and then is replaced.

    Raises:
        BadInput: a folder stands there.
        BadBundle: a content is not what the index says; nothing is left behind.
        StoreDown: the folder cannot be written, or has no room.
        What ``open_content`` raises.
    """
    if place.is_dir():
        raise BadInput(f"'{place}' is a folder", hint="name the file that the bundle should be")
    try:
        with part_of(place, index.total_bytes) as (part, file):
            digest = _written(file, place, index, open_content, moved)
            file.flush()
            os.fsync(file.fileno())
            part.replace(place)
            sync_folder(place.parent)
            return digest
    except OSError as error:
        raise StoreDown(f"cannot write '{place}': {error.strerror or error}") from error


def _written(file: BinaryIO, place: Path, index: Index, open_content: Open, moved: Moved) -> str:
    whole, spelled = hashlib.sha256(), index.dumps()

    def write(content: bytes) -> None:
        whole.update(content)
        file.write(content)
        moved(len(content))

    write(header(index_name(spelled), len(spelled)) + spelled + bytes(padded(len(spelled)) - len(spelled)))
    for member in index.members:
        write(header(member.name, member.size_bytes))
        content, left = hashlib.sha256(), member.size_bytes
        with open_content(member) as opened:
            while left and (piece := opened.read(min(left, _PIECE_BYTES))):
                content.update(piece)
                write(piece)
                left -= len(piece)
        if left or content.hexdigest() != member.sha256:
            raise BadBundle(
                str(place),
                index.labels[member.sha256],
                "is held with other bytes than it should have",
                hint="'weighbridge sync' or another ingestion brings it back",
            )
        write(bytes(padded(member.size_bytes) - member.size_bytes))
    write(END)
    return whole.hexdigest()


@contextmanager
def open_bundle(place: Path) -> Iterator[Reading]:
    """Read the index of a bundle; its contents follow by ``Reading.contents``.

    Raises:
        NotFound: there is no such file.
        BadInput: it is no bundle, or one of another format.
        BadBundle: its index is damaged or contradicts itself.
    """
    try:
        file = place.open("rb")
    except OSError as error:
        raise NotFound(f"'{place}' cannot be read: {error.strerror}") from error
    with file:
        yield Reading(place, file)


class Reading:
    """A bundle that is being read, once and in order."""

    def __init__(self, place: Path, file: BinaryIO) -> None:
        self.place, self._file = place, file
        self._whole = hashlib.sha256()
        self.index = self._index()

    def contents(self) -> Iterator[tuple[Member, Iterator[bytes]]]:
        """Every member with its pieces, all of which must be taken; then the end of the file.

        The pieces are as many bytes as the index says; whether they are the right ones is to be found
        out by whoever takes them.

        Raises:
            BadBundle: the file is shorter or longer than the index says, or differs from it.
            StoreDown: the medium cannot be read.
        """
        for member in self.index.members:
            label = self.index.labels[member.sha256]
            self._expect(header(member.name, member.size_bytes), label, "has a damaged header")
            yield member, self._pieces(member.size_bytes, label)
            self._expect(bytes(padded(member.size_bytes) - member.size_bytes), label, "is followed by damage")
        self._expect(END, "the end", "is damaged")
        if self._read(1):
            raise BadBundle(str(self.place), "the end", "is followed by more")

    @property
    def sha256(self) -> str:
        """Of all that was read; of the whole file after ``contents`` ended."""
        return self._whole.hexdigest()

    def _index(self) -> Index:
        block = self._read(BLOCK)
        try:
            wanted, size = index_in(block)
        except Invalid as error:
            if is_like_a_bundle(block):
                raise BadBundle(str(self.place), _INDEX, f"cannot be read: {error}") from error
            raise BadInput(
                f"'{self.place}' is no bundle", hint="'weighbridge bundle export' writes one"
            ) from error
        spelled = b"".join(self._pieces(size, _INDEX))
        got = hashlib.sha256(spelled).hexdigest()
        if got != wanted:
            raise BadBundle(str(self.place), _INDEX, f"should be sha256:{wanted} but is sha256:{got}")
        self._expect(bytes(padded(size) - size), _INDEX, "is followed by damage")
        try:
            return Index.loads(spelled)
        except Invalid as error:
            if error.what in ("bundle_format", "lock_format"):
                raise BadInput(f"'{self.place}': {error}", hint=error.hint) from error
            raise BadBundle(
                str(self.place), _INDEX, f"contradicts itself: {error}", hint="ask its maker for another"
            ) from error

    def _pieces(self, size_bytes: int, label: str) -> Iterator[bytes]:
        left = size_bytes
        while left:
            piece = self._read(min(left, _PIECE_BYTES))
            if not piece:
                raise BadBundle(str(self.place), label, f"is cut off, {left} bytes before its end")
            left -= len(piece)
            yield piece

    def _expect(self, wanted: bytes, label: str, why: str) -> None:
        got = b"".join(self._pieces(len(wanted), label))
        if got != wanted:
            raise BadBundle(str(self.place), label, why)

    def _read(self, count: int) -> bytes:
        try:
            piece = self._file.read(count)
        except OSError as error:
            raise StoreDown(f"'{self.place}' cannot be read: {error.strerror or error}") from error
        self._whole.update(piece)
        return piece
