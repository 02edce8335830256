"""Bounded, seekable byte streams: a stretch of a file, and what a compressed stretch unpacks to.

Nothing here allocates what a header claims: every read gives what is there, in pieces.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from weighbridge.scanners.lz4 import lz4_frames
from weighbridge.scanners.notes import LimitExceeded, Malformed

MAX_RATIO = 50
RATIO_FLOOR_BYTES = 64 << 20
"""A ratio over ``MAX_RATIO`` is a bomb only above this many unpacked bytes: zeros pack well."""
_PIECE = 1 << 18


class Section(io.RawIOBase):
    """The bytes ``[start, stop)`` of a file; several sections may share one file in one thread."""

    def __init__(self, file: BinaryIO, start: int, stop: int) -> None:
        self._file, self._start, self._stop = file, start, max(start, stop)
        self._at = start

    def readable(self) -> bool:  # noqa: D102
        return True

    def seekable(self) -> bool:  # noqa: D102
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:  # noqa: D102
        base = (self._start, self._at, self._stop)[whence]
        self._at = max(self._start, min(base + offset, self._stop))
        return self._at - self._start

    def tell(self) -> int:  # noqa: D102
        return self._at - self._start

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # noqa: D102
        wanted = min(len(buffer), self._stop - self._at)
        if wanted <= 0:
            return 0
        self._file.seek(self._at)
        got = self._file.read(wanted)
        buffer[: len(got)] = got
        self._at += len(got)
        return len(got)


def section(file: BinaryIO, start: int, stop: int) -> io.BufferedReader:
    """A buffered, seekable view of ``[start, stop)``."""
    return io.BufferedReader(Section(file, start, stop), _PIECE)


class Unpacked(io.RawIOBase):
    """What a stretch of compressed bytes unpacks to. Seeking back starts the unpacking again."""

    def __init__(self, pieces: Callable[[], Iterator[bytes]]) -> None:
        self._pieces = pieces
        self._source = pieces()
        self._rest = memoryview(b"")
        self._at = 0

    def readable(self) -> bool:  # noqa: D102
        return True

    def seekable(self) -> bool:  # noqa: D102
        return True

    def tell(self) -> int:  # noqa: D102
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:  # noqa: D102
        if whence == 2:
            raise io.UnsupportedOperation("the unpacked size is not known")
        target = max(0, offset + (self._at if whence == 1 else 0))
        if target < self._at:
            self._source, self._rest, self._at = self._pieces(), memoryview(b""), 0
        scratch = memoryview(bytearray(_PIECE))
        while self._at < target:
            if not self.readinto(scratch[: target - self._at]):
                break
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # noqa: D102
        while not self._rest:
            piece = next(self._source, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._at += count
        return count


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = ...) -> bytes: ...


def _coded(make: Callable[[], _Decoder], file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    """Unpack one stream of zlib, gzip, bzip2, xz or lzma; bytes behind its end are refused."""
    decoder, at = make(), start
    waiting = b""
    while not decoder.eof:
        if not waiting and at < stop:
            file.seek(at)
            waiting = file.read(min(_PIECE, stop - at))
            at += len(waiting)
        starved = not waiting
        piece = decoder.decompress(waiting, _PIECE)
        waiting = getattr(decoder, "unconsumed_tail", b"")
        if piece:
            yield piece
        elif starved and not decoder.eof:
            raise Malformed("the compressed stream is cut off", at)
    unused = len(getattr(decoder, "unused_data", b"")) + len(waiting)
    if unused or at < stop:
        raise Malformed("bytes follow the end of the compressed stream", at - unused)


def _guarded(pieces: Iterator[bytes], packed_bytes: int) -> Iterator[bytes]:
    total = 0
    try:
        for piece in pieces:
            total += len(piece)
            if total > RATIO_FLOOR_BYTES and total > MAX_RATIO * packed_bytes:
                raise LimitExceeded(f"unpacks to more than {MAX_RATIO} times its size", "archive.ratio")
            yield piece
    except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as error:
        raise Malformed(f"cannot be unpacked: {error}") from error


def _lzma(format: int) -> _Decoder:
    return lzma.LZMADecompressor(format=format, memlimit=256 << 20)


DECODERS: dict[str, Callable[[], _Decoder]] = {
    "deflate": lambda: zlib.decompressobj(-15),
    "zlib": lambda: zlib.decompressobj(15),
    "gzip": lambda: zlib.decompressobj(31),
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: _lzma(lzma.FORMAT_XZ),
    "lzma": lambda: _lzma(lzma.FORMAT_ALONE),
}
"""How each packing that we read is unpacked; ``lz4`` has its own reader."""


def unpacked(packing: str, file: BinaryIO, start: int, stop: int) -> io.BufferedReader:
    """The bytes that ``[start, stop)`` of ``file`` unpacks to.

    Reading raises:
        Malformed: the stream is broken, cut off, or followed by other bytes.
        LimitExceeded: it unpacks to more than ``MAX_RATIO`` times its size above 64 MiB.
    """

    def pieces() -> Iterator[bytes]:
        if packing == "lz4":
            source: Iterator[bytes] = lz4_frames(section(file, start, stop))
        else:
            source = _coded(DECODERS[packing], file, start, stop)
        return _guarded(source, stop - start)

    return io.BufferedReader(Unpacked(pieces), _PIECE)


def skip(source: BinaryIO, count: int) -> None:
    """Move ``count`` bytes on.

    Raises:
        Malformed: there are not so many.
    """
    while count:
        piece = len(source.read(min(count, 1 << 20))) if count < 1 << 20 else _jump(source, count)
        if not piece:
            raise Malformed("ends inside a long value", source.tell())
        count -= piece


def _jump(source: BinaryIO, count: int) -> int:
    # The last byte is read, because seeking past the end says nothing.
    start = source.tell()
    source.seek(start + count - 1)
    if source.tell() != start + count - 1 or not source.read(1):
        raise Malformed("ends inside a long value", source.tell())
    return count
