"""The four hashes of Xet: of a chunk, a xorb, a file and a range of chunks.

All are keyed BLAKE3 of 32 bytes; the keys are constants of the protocol. Xorbs and files are
named by the root of a tree over their chunks' hashes (Xet specification, "Hashing").
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterable
from typing import NewType, TypeAlias

from blake3 import blake3

from weighbridge.domain.invalid import Invalid

Buffer: TypeAlias = bytes | bytearray | memoryview | mmap.mmap

XetHash = NewType("XetHash", bytes)
"""32 raw bytes, as they stand in shards; ``hash_text`` spells them for addresses and people."""

HASH_BYTES = 32
NO_CHUNKS = XetHash(bytes(HASH_BYTES))
"""The name of a file without chunks."""

_DATA_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_VERIFICATION_KEY = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")
_FILE_KEY = bytes(HASH_BYTES)

_SPELLED = re.compile(r"[0-9a-f]{64}")
_SMALLEST_GROUP, _LARGEST_GROUP = 3, 9


def hash_text(raw: bytes) -> str:
    """The spelling of 32 bytes: four little-endian 64-bit numbers, each as 16 hex digits."""
    return b"".join(raw[start : start + 8][::-1] for start in (0, 8, 16, 24)).hex()


def parse_hash(text: str) -> XetHash:
    """The 32 bytes that ``text`` spells.

    Raises:
        Invalid: it is not 64 lowercase hex digits.
    """
    if not _SPELLED.fullmatch(text):
        raise Invalid("Xet hash", text, "is not 64 lowercase hex digits")
    spelled = bytes.fromhex(text)
    return XetHash(b"".join(spelled[start : start + 8][::-1] for start in (0, 8, 16, 24)))


def chunk_hash(data: Buffer) -> XetHash:
    """The name of a chunk: of its unpacked bytes, so that packing does not change it."""
    return XetHash(blake3(data, key=_DATA_KEY).digest())


class HashTree:
    """The root over a sequence of (hash, length), in memory logarithmic in their number.

    On each level a group of nodes is closed behind the first node, from its third on, whose last
    64-bit number divides by four, and behind its ninth at the latest. A closed group is one node
    of the next level. The end closes every open group, bottom up, until one node is left.
    """

    def __init__(self) -> None:
        self._levels: list[list[tuple[XetHash, int]]] = []
        self.length = 0

    def add(self, node: XetHash, length: int) -> None:
        """Append one leaf of ``length`` bytes."""
        self.length += length
        self._enter(0, node, length)

    def _enter(self, level: int, node: XetHash, length: int) -> None:
        while True:
            if level == len(self._levels):
                self._levels.append([])
            group = self._levels[level]
            group.append((node, length))
            size = len(group)
            if size < _SMALLEST_GROUP or (node[24] & 3 and size < _LARGEST_GROUP):
                return
            node, length = _parent(group)
            group.clear()
            level += 1

    def root(self) -> XetHash | None:
        """The hash over all leaves, None where there is none. The tree takes no leaves after it."""
        level = 0
        while level < len(self._levels):
            group = self._levels[level]
            if len(group) == 1 and level + 1 == len(self._levels):
                return group[0][0]
            if group:
                node, length = _parent(group)
                group.clear()
                self._enter(level + 1, node, length)
            level += 1
        return None


def _parent(group: list[tuple[XetHash, int]]) -> tuple[XetHash, int]:
    lines = "".join(f"{hash_text(node)} : {length}\n" for node, length in group)
    return XetHash(blake3(lines.encode(), key=_NODE_KEY).digest()), sum(length for _, length in group)


def xorb_hash(chunks: Iterable[tuple[XetHash, int]]) -> XetHash:
    """The name of a xorb of these chunks, each with its unpacked length in bytes."""
    tree = HashTree()
    for node, length in chunks:
        tree.add(node, length)
    return tree.root() or NO_CHUNKS


def file_hash(tree: HashTree) -> XetHash:
    """The name of a file whose chunks are the leaves of ``tree``."""
    root = tree.root()
    return XetHash(blake3(root, key=_FILE_KEY).digest()) if root else NO_CHUNKS


def range_hash(hashes: Iterable[XetHash]) -> XetHash:
    """What proves that a client knew the chunks of a range, not only the xorb's name."""
    return XetHash(blake3(b"".join(hashes), key=_VERIFICATION_KEY).digest())
