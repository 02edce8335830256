"""Xorbs: up to 64 MiB of chunks, each behind its header; read with every byte checked.

    chunk    version u8 = 0 | packed length u24 | scheme u8 | unpacked length u24 | packed bytes
    xorb     chunk, chunk, ... and, from older clients, a footer that repeats what
             the headers say: "XETBLOB", what is skipped here, and its length without this u32

Numbers are little-endian (Xet specification, "Xorb Formation & Serialization Format"). What a
chunk unpacks to is bounded by its header before anything is unpacked, and that by 128 KiB.
"""

from __future__ import annotations

from dataclasses import dataclass

from weighbridge.domain.invalid import Invalid
from weighbridge.xet.chunks import MAX_CHUNK_BYTES, Chunk, Scheme, Unpacker
from weighbridge.xet.hashes import Buffer, HashTree, XetHash, chunk_hash, hash_text

MAX_XORB_CHUNKS = 8192
MAX_XORB_BYTES = 64 << 20
"""Unpacked; the client closes a xorb before it."""
MAX_FOOTER_BYTES = 1 << 20
"""Twice what 8192 chunks need in the largest footer known."""
_HEADER_BYTES = 8
_FRAME_BYTES = 64
"""What an LZ4 frame may add to a chunk that does not get shorter; writers ought to send that raw."""
MAX_PACKED_XORB_BYTES = MAX_XORB_BYTES + MAX_XORB_CHUNKS * (_HEADER_BYTES + _FRAME_BYTES) + MAX_FOOTER_BYTES
"""As sent."""
_FOOTER_MARK = b"XETBLOB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Xorb:
    """What was found in a xorb; its bytes are elsewhere.

    Attributes:
        hash: computed from the chunks, not taken from anybody.
        chunks: in their order, at least one.
        length: unpacked, in bytes.
        packed_length: as sent, in bytes, without a footer. What lies behind it says nothing new.
    """

    hash: XetHash
    chunks: tuple[Chunk, ...]
    length: int
    packed_length: int

    @property
    def leaves(self) -> tuple[tuple[XetHash, int], ...]:
        """Hash and unpacked length of each chunk."""
        return tuple((chunk.hash, chunk.length) for chunk in self.chunks)


class XorbReader:
    """Reads a xorb piece by piece as it arrives; holds no more of it than one chunk or its footer.

    A reader that raised is spent.
    """

    def __init__(self) -> None:
        self._tail = bytearray()
        self._chunks: list[Chunk] = []
        self._tree = HashTree()
        self._position = 0
        self._needed = _HEADER_BYTES
        self._in_footer = False
        self._unpacker = Unpacker()

    def feed(self, piece: Buffer) -> None:
        """Take the next bytes: chunks that they complete are unpacked and hashed.

        Raises:
            Invalid: they belong to no xorb, or to one over its bounds.
        """
        left = memoryview(piece)
        while left and not self._in_footer:
            left = self._complete(left) if self._tail else self._take(left)
        if left:
            self._keep_footer(left)

    def finish(self) -> Xorb:
        """What was read.

        Raises:
            Invalid: the last chunk is cut off, or there is none.
        """
        if self._in_footer:
            self._require_whole_footer()
        elif self._tail:
            raise _broken(self._position, "ends within a chunk")
        root = self._tree.root()
        if root is None:
            raise _broken(0, "holds no chunk")
        return Xorb(
            hash=root,
            chunks=tuple(self._chunks),
            length=self._tree.length,
            packed_length=self._position,
        )

    def _take(self, view: memoryview) -> memoryview:
        """Whole chunks from their place; what is cut off is kept. What is left belongs to a footer."""
        used = self._take_chunks(view)
        if self._in_footer:
            return view[used:]
        self._tail += view[used:]
        return view[:0]

    def _complete(self, view: memoryview) -> memoryview:
        """Add to what was cut off just what it lacks, so that no more than that is copied."""
        lacking = self._needed - len(self._tail)
        self._tail += view[:lacking]
        if len(self._tail) == self._needed:
            with memoryview(self._tail) as whole:
                used = self._take_chunks(whole)
            if used:
                self._tail.clear()
        return view[lacking:]

    def _take_chunks(self, view: memoryview) -> int:
        """The bytes used up: whole chunks, up to the end, a chunk that is cut off, or the footer.

        Where a chunk is cut off, ``_needed`` says how long its header, or all of it, is.
        """
        at = 0
        self._needed = _HEADER_BYTES
        while len(view) - at >= _HEADER_BYTES:
            if view[at : at + len(_FOOTER_MARK)] == _FOOTER_MARK:
                self._in_footer = True
                break
            packed, scheme, length = self._header(view[at : at + _HEADER_BYTES])
            start = at + _HEADER_BYTES
            if len(view) - start < packed:
                self._needed = _HEADER_BYTES + packed
                break
            self._take_chunk(view[start : start + packed], scheme, length)
            at = start + packed
        return at

    def _header(self, header: memoryview) -> tuple[int, Scheme, int]:
        number = int.from_bytes(header, "little")
        packed, scheme, length = number >> 8 & 0xFFFFFF, number >> 32 & 0xFF, number >> 40
        if number & 0xFF:
            raise _broken(self._position, "has a chunk of an unknown version")
        if scheme > Scheme.GROUPED_LZ4:
            raise _broken(self._position, "has a chunk packed by an unknown scheme")
        if not 0 < length <= MAX_CHUNK_BYTES:
            raise _broken(self._position, f"has a chunk of {length} bytes, not of 1 to {MAX_CHUNK_BYTES}")
        if not 0 < packed <= length + _FRAME_BYTES:
            raise _broken(self._position, f"has a chunk of {length} bytes packed to {packed}")
        if len(self._chunks) == MAX_XORB_CHUNKS:
            raise _broken(self._position, f"has more than {MAX_XORB_CHUNKS} chunks")
        if self._tree.length + length > MAX_XORB_BYTES:
            raise _broken(self._position, f"unpacks to more than {MAX_XORB_BYTES} bytes")
        return packed, Scheme(scheme), length

    def _take_chunk(self, packed: memoryview, scheme: Scheme, length: int) -> None:
        name = chunk_hash(self._unpacker.unpack(packed, scheme, length))
        self._chunks.append(
            Chunk(
                hash=name,
                offset=self._tree.length,
                length=length,
                packed_offset=self._position + _HEADER_BYTES,
                packed_length=len(packed),
                scheme=scheme,
            )
        )
        self._tree.add(name, length)
        self._position += _HEADER_BYTES + len(packed)

    def _keep_footer(self, piece: memoryview) -> None:
        if len(self._tail) + len(piece) > MAX_FOOTER_BYTES:
            raise _broken(self._position, f"has a footer of more than {MAX_FOOTER_BYTES} bytes")
        self._tail += piece

    def _require_whole_footer(self) -> None:
        said = int.from_bytes(self._tail[-4:], "little")
        if said + 4 != len(self._tail):
            raise _broken(self._position, f"has a footer of {len(self._tail)} bytes that says {said}")


def parse_xorb(source: Buffer) -> Xorb:
    """The xorb that ``source`` holds, from its first byte to its last.

    Raises:
        Invalid: it is none, or one over its bounds.
    """
    reader = XorbReader()
    reader.feed(source)
    return reader.finish()


def require_hash(xorb: Xorb, wanted: XetHash) -> None:
    """Refuse a xorb under a wrong name.

    Raises:
        Invalid: ``xorb`` is not the one that ``wanted`` names.
    """
    if xorb.hash != wanted:
        raise Invalid("xorb", hash_text(wanted), f"holds the chunks of {hash_text(xorb.hash)}")


def _broken(position: int, why: str) -> Invalid:
    return Invalid("xorb at byte", position, why)
