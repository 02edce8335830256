"""Entries of an HDF5 group or object that has many of them: a fractal heap, found by a B-tree of version 2.

Format: HDF5 File Format Specification 3.0, sections III.A.2 and III.G. Only what real libraries write for
links and attributes is read: heaps without filters, objects that are kept in the heap's own blocks.
"""

from __future__ import annotations

from collections.abc import Iterator

from weighbridge.scanners.hdf5_blocks import Place, Reader
from weighbridge.scanners.notes import LimitExceeded, Malformed

_MAX_RECORDS = 500_000
_MAX_DEPTH = 8
_ID_PLACES = {5: 4, 8: 0}
"""Where in a record of a B-tree of this type the heap id stands: names of links, names of attributes."""


def dense_records(reader: Reader, heap: int, names: int) -> Iterator[Place | None]:
    """The messages of a dense store; None for each that is kept in a way that is not read.

    Raises:
        Malformed: the heap or the index is broken.
    """
    store = _Heap(reader, heap)
    for number, record in enumerate(_records(reader, names)):
        if number >= _MAX_RECORDS:
            raise LimitExceeded(f"lists more than {_MAX_RECORDS} entries")
        yield store.message(record)


class _Heap:
    def __init__(self, reader: Reader, address: int) -> None:
        self.reader, self.address = reader, address
        at = reader.place(address)
        if at.take(4) != b"FRHP" or at.number(1):
            raise Malformed("a fractal heap is broken", address)
        at.take(2)
        self.filtered = at.number(2) > 0
        at.take(5)
        for _ in range(2):
            at.length()
            at.offset()
        for _ in range(8):
            at.length()
        self.width = at.number(2)
        self.start, self.largest = at.length(), at.length()
        self.bits = at.number(2)
        at.take(2)
        self.root, self.rows = at.offset(), at.number(2)
        if not self.width or not self.start or self.largest < self.start or self.bits > 64:
            raise Malformed("a fractal heap of impossible measures", address)
        self.offset_bytes = -(-self.bits // 8)
        # The library takes the smaller of what a block and what an object may be.
        self.size_bytes = -(-self.largest.bit_length() // 8)

    def message(self, heap_id: bytes) -> Place | None:
        """What a heap id leads to."""
        if self.filtered or heap_id[:1] != b"\0":
            return None
        offset = int.from_bytes(heap_id[1 : 1 + self.offset_bytes], "little")
        rest = heap_id[1 + self.offset_bytes :]
        length = int.from_bytes(rest[: self.size_bytes], "little")
        found = self.block(offset)
        if found is None:
            return None
        address, begin = found
        return self.reader.place(address + offset - begin, length)

    def block(self, offset: int) -> tuple[int, int] | None:
        """Address and first heap offset of the direct block that holds ``offset``."""
        if self.root == self.reader.undefined:
            raise Malformed("a fractal heap is empty", self.address)
        if not self.rows:
            return self.root, 0
        at = self.reader.place(self.root)
        if at.take(4) != b"FHIB" or at.number(1):
            raise Malformed("a block of a fractal heap is broken", self.root)
        at.offset()
        at.take(self.offset_bytes)
        begin, size = 0, self.start
        for row in range(self.rows):
            size = self.start << max(0, row - 1)
            if size > self.largest:
                return None
            for _ in range(self.width):
                address = at.offset()
                if begin <= offset < begin + size:
                    if address == self.reader.undefined:
                        raise Malformed("a fractal heap does not hold what is read from it", self.root)
                    return address, begin
                begin += size
        return None


def _records(reader: Reader, address: int) -> Iterator[bytes]:
    """The heap ids of a B-tree of version 2, in its order."""
    at = reader.place(address)
    if at.take(4) != b"BTHD" or at.number(1):
        raise Malformed("an index is broken", address)
    kind, node, width, depth = at.number(1), at.number(4), at.number(2), at.number(2)
    at.take(2)
    root, count, total = at.offset(), at.number(2), at.length()
    if kind not in _ID_PLACES or depth > _MAX_DEPTH or width < 8 or node < 16:
        raise Malformed("an index of an unknown kind", address)
    if total and root == reader.undefined:
        raise Malformed("an index leads nowhere", address)
    if not total:
        return
    id_at, id_end = _ID_PLACES[kind], _ID_PLACES[kind] + (7 if kind == 5 else 8)
    for record in _node(reader, root, count, depth, width, node):
        yield record[id_at:id_end]


def _node(reader: Reader, address: int, count: int, depth: int, width: int, node: int) -> Iterator[bytes]:
    at = reader.place(address, node)
    if at.take(4) != (b"BTIN" if depth else b"BTLF"):
        raise Malformed("a node of an index is broken", address)
    at.take(2)
    for _ in range(count):
        yield at.take(width)
    if not depth:
        return
    most = (node - 10) // width
    count_bytes = -(-most.bit_length() // 8)
    total_bytes = _total_bytes(node, width, depth, count_bytes, reader.offset_bytes)
    for _ in range(count + 1):
        child, held = at.offset(), at.number(count_bytes)
        at.take(total_bytes)
        yield from _node(reader, child, held, depth - 1, width, node)


def _total_bytes(node: int, width: int, depth: int, count_bytes: int, offset_bytes: int) -> int:
    """The width of "records below", which a node keeps for each child that is itself a parent."""
    if depth < 2:
        return 0
    most, below = (node - 10) // width, (node - 10) // width
    for level in range(1, depth):
        held = 0 if level == 1 else -(-below.bit_length() // 8)
        pointer = offset_bytes + count_bytes + held
        most = (node - 10 - pointer) // (width + pointer)
        below = (most + 1) * below + most
    return -(-below.bit_length() // 8)
