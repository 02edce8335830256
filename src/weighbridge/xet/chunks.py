"""Chunks: the packed bytes of a xorb that a client cut by content, and what they unpack to.

How a chunk is packed is said by its header in the xorb (``weighbridge.xet.xorbs``): as it is, as one
LZ4 frame, or as one LZ4 frame of its bytes in four groups (Xet specification, "Chunk Compression").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import lz4.frame  # type: ignore[import-untyped]

from weighbridge.domain.invalid import Invalid
from weighbridge.xet.hashes import Buffer, XetHash

MAX_CHUNK_BYTES = 128 << 10
"""Unpacked; the client's chunker cuts here at the latest."""
STRETCH_BYTES = 2_000_000
"""What is read at once of a xorb that is kept."""


class Scheme(IntEnum):
    """How a chunk is packed. GROUPED: all bytes at 0 mod 4, then at 1, 2 and 3, then LZ4."""

    RAW = 0
    LZ4 = 1
    GROUPED_LZ4 = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk of a xorb: ``offset`` counts unpacked bytes, ``packed_offset`` those of the xorb as sent.

    ``packed_offset`` is where the packed bytes start, behind their header.
    """

    hash: XetHash
    offset: int
    length: int
    packed_offset: int
    packed_length: int
    scheme: Scheme


def unpack(packed: Buffer, chunk: Chunk) -> bytes | bytearray | memoryview:
    """The unpacked bytes of ``chunk`` from its packed ones alone.

    Raises:
        Invalid: they do not unpack to its length.
    """
    return Unpacker().unpack(memoryview(packed), chunk.scheme, chunk.length)


def chunks_bytes(
    read: Callable[[int, int], Buffer], chunks: Iterable[Chunk]
) -> Iterator[bytes | bytearray | memoryview]:
    """The unpacked bytes of successive chunks of one xorb, each good until the next is asked for.

    Args:
        read: gives the bytes of the xorb as it was sent, from one to another; it is asked for
            at most ``STRETCH_BYTES`` at once.
        chunks: as they follow each other.

    Raises:
        Invalid: the xorb no longer holds them, as far as lengths tell.
    """
    unpacker = Unpacker()
    for stretch in _stretches(chunks):
        begin, last = stretch[0].packed_offset, stretch[-1]
        view = memoryview(read(begin, last.packed_offset + last.packed_length))
        for chunk in stretch:
            packed = view[chunk.packed_offset - begin :][: chunk.packed_length]
            yield unpacker.unpack(packed, chunk.scheme, chunk.length)


def _stretches(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    stretch: list[Chunk] = []
    for chunk in chunks:
        end = chunk.packed_offset + chunk.packed_length
        if stretch and end - stretch[0].packed_offset > STRETCH_BYTES:
            yield stretch
            stretch = []
        stretch.append(chunk)
    if stretch:
        yield stretch


class Unpacker:
    """Unpacks chunks one after the other with one LZ4 context, which is the costly part of a small frame."""

    def __init__(self) -> None:
        self._context: Any = lz4.frame.create_decompression_context()

    def unpack(self, packed: memoryview, scheme: Scheme, length: int) -> bytes | bytearray | memoryview:
        """``length`` bytes; of a raw chunk a view on ``packed``.

        Raises:
            Invalid: they do not unpack to just so many.
        """
        if scheme is Scheme.RAW:
            if len(packed) != length:
                raise Invalid("chunk", len(packed), f"is raw and has not {length} bytes")
            return packed
        plain = self._frame(packed, length)
        return plain if scheme is Scheme.LZ4 else _ungrouped(plain)

    def _frame(self, packed: memoryview, length: int) -> bytes:
        lz4.frame.reset_decompression_context(self._context)
        try:
            unpacked: tuple[bytes, int, bool] = lz4.frame.decompress_chunk(
                self._context, packed, max_length=length
            )
        except RuntimeError as error:
            raise Invalid("chunk packed to bytes:", len(packed), "is no LZ4 frame") from error
        plain, used, ended = unpacked
        if not ended or used != len(packed) or len(plain) != length:
            raise Invalid("chunk packed to bytes:", len(packed), f"is no LZ4 frame of {length} bytes")
        return plain


def _ungrouped(grouped: bytes) -> bytearray:
    plain, start = bytearray(len(grouped)), 0
    for place in range(4):
        end = start + (len(grouped) - place + 3) // 4
        plain[place::4] = grouped[start:end]
        start = end
    return plain
