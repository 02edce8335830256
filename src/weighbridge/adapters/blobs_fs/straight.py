"""A file of a few MiB: read, hash and write in one go, over one connection."""

from __future__ import annotations

from collections.abc import Callable

from weighbridge.adapters.blobs_fs.hashing import Digesting, digest_file
from weighbridge.adapters.blobs_fs.partial import BLOCK_BYTES, Partial
from weighbridge.errors import SizeMismatch
from weighbridge.ports import ByteStream, Source

PIECE_BYTES = 1 << 18
"""Small enough to stay in a core's cache between the socket, the hash and the file."""


def fill(stream: ByteStream, buffer: memoryview, path: str, *, at: int, size: int) -> None:
    """Fill the whole buffer, the bytes of ``path`` from ``at``.

    Raises:
        SizeMismatch: the stream ends before.
    """
    filled = 0
    while filled < len(buffer):
        count = stream.readinto(buffer[filled:])
        if not count:
            raise SizeMismatch(path, wanted=size, got=at + filled)
        filled += count


def check_end(stream: ByteStream, path: str, size: int) -> None:
    """The stream must have ended with the file.

    Raises:
        SizeMismatch: it goes on.
    """
    more = stream.readinto(memoryview(bytearray(1)))
    if more:
        raise SizeMismatch(path, wanted=size, got=size + more)


def fetch_straight(
    partial: Partial, source: Source, digesting: Digesting, moved: Callable[[int], None], path: str
) -> None:
    """Bring in what is missing after the finished prefix."""
    at = partial.prefix
    digest_file(digesting, partial.file, 0, at)
    moved(at)
    if at == partial.size:
        return
    buffer = memoryview(bytearray(PIECE_BYTES))
    with source(at, None) as stream:
        while at < partial.size:
            piece = buffer[: min(PIECE_BYTES, partial.size - at)]
            fill(stream, piece, path, at=at, size=partial.size)
            digesting.update(piece)
            partial.write(piece, at)
            at += len(piece)
            moved(len(piece))
            if at % BLOCK_BYTES == 0 or at == partial.size:
                partial.mark((at - 1) // BLOCK_BYTES)
        check_end(stream, path, partial.size)
