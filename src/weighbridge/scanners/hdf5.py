"""Walks an HDF5 file: every group, every attribute, and what its data sets would make a reader open.

Format: HDF5 File Format Specification 3.0; superblocks 0 to 3, both object headers, both kinds of groups.
The numbers of the data sets are not read. What could lead out of the file (external links and data,
virtual data sets, filter plug-ins) is refused; what is stored in a way that is not read asks for review.
"""

from __future__ import annotations

import io
from typing import BinaryIO

from weighbridge.scanners.hdf5_blocks import Place, Reader
from weighbridge.scanners.hdf5_dense import dense_records
from weighbridge.scanners.keras_config import MAX_CONFIG_BYTES, judge_keras_json
from weighbridge.scanners.notes import LIMIT, LimitExceeded, Malformed, Notes, shown
from weighbridge.scanners.pickle_stream import scan_pickles

MAGIC = b"\x89HDF\r\n\x1a\n"
_PICKLES = {("PSEUDOATOM", b"object"), ("base_type", b"pickle")}
_CONFIGS = {"model_config", "training_config", "layer_config"}
_MAX_OBJECTS = 500_000
_MAX_MESSAGES = 5_000_000
_OWN_FILTERS = {1, 2, 3, 4, 5, 6}
"""deflate, shuffle, fletcher32, szip, nbit and scaleoffset are in the library; all others are plug-ins."""
_LINK_INFO, _LINK, _EXTERNAL, _LAYOUT, _FILTERS, _ATTRIBUTE, _CONTINUED, _SYMBOLS, _ATTRIBUTE_INFO = (
    2, 6, 7, 8, 11, 12, 16, 17, 21,
)  # fmt: skip
_SHARED = 2


def scan_hdf5(source: BinaryIO, size: int, name: str, notes: Notes) -> None:
    """Note what a reader of the file would run or open.

    Raises:
        Malformed: the structure is broken.
        LimitExceeded: it has more parts than any real file.
    """
    reader = Reader(source, size)
    walk = _Walk(reader, notes)
    walk.waiting.append(_root(reader, notes))
    while walk.waiting:
        walk.object(walk.waiting.pop())


def _root(reader: Reader, notes: Notes) -> int:
    at = reader.place(0)
    if at.take(8) != MAGIC:
        raise Malformed("does not begin with the signature of HDF5", 0)
    version = at.number(1)
    if version in (0, 1):
        at.take(4)
        reader.set_widths(at.number(1), at.number(1))
        at.take(13 if version == 1 else 9)
        base = at.offset()
        at.offset()
        end, driver = at.offset(), at.offset()
        if driver != reader.undefined:
            notes.block("hdf5.outside", "the file is one of several (a driver block)", 0)
        at.offset()
        root = at.offset()
    elif version in (2, 3):
        reader.set_widths(at.number(1), at.number(1))
        at.take(1)
        base, _, end, root = at.offset(), at.offset(), at.offset(), at.offset()
    else:
        raise Malformed(f"a superblock of version {version}", 8)
    if base or end > reader.size:
        raise Malformed(f"claims to begin at {base} and to end at {end}, in {reader.size} bytes", 8)
    return root


class _Walk:
    def __init__(self, reader: Reader, notes: Notes) -> None:
        self.reader, self.notes = reader, notes
        self.waiting: list[int] = []
        self.seen: set[int] = set()
        self.trees: set[int] = set()
        self.messages = 0

    def object(self, address: int) -> None:
        """Read one object header and queue what it links to."""
        if address in self.seen:
            return
        self.seen.add(address)
        if len(self.seen) > _MAX_OBJECTS:
            raise LimitExceeded(f"holds more than {_MAX_OBJECTS} objects")
        at = self.reader.place(address)
        if at.peek(4) == b"OHDR":
            self.header_2(at)
        elif at.number(1) == 1:
            at.take(7)
            size = at.number(4)
            at.take(4)
            self.stretch_1(at.offset_in_file, size, set())
        else:
            raise Malformed("an object header of an unknown version", address)

    def stretch_1(self, start: int, size: int, seen: set[int]) -> None:
        waiting = [(start, size)]
        while waiting:
            start, size = waiting.pop()
            if start in seen:
                raise Malformed("an object header continues in a circle", start)
            seen.add(start)
            at, stop = self.reader.place(start), start + size
            while at.offset_in_file + 8 <= stop:
                kind, length, flags = at.number(2), at.number(2), at.number(1)
                at.take(3)
                body = at.sub(length, stop)
                if kind == _CONTINUED:
                    waiting.append((body.offset(), body.length()))
                else:
                    self.message(kind, flags, body)

    def header_2(self, at: Place) -> None:
        at.take(4)
        if at.number(1) != 2:
            raise Malformed("an object header of an unknown version", at.offset_in_file)
        flags = at.number(1)
        at.take((16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0))
        size = at.number(1 << (flags & 3))
        waiting, seen = [(at.offset_in_file, size)], set[int]()
        while waiting:
            start, size = waiting.pop()
            if start in seen:
                raise Malformed("an object header continues in a circle", start)
            seen.add(start)
            part, stop = self.reader.place(start), start + size
            while part.offset_in_file + (6 if flags & 4 else 4) <= stop:
                kind, length, marks = part.number(1), part.number(2), part.number(1)
                part.take(2 if flags & 4 else 0)
                body = part.sub(length, stop)
                if kind != _CONTINUED:
                    self.message(kind, marks, body)
                    continue
                place, length = body.offset(), body.length()
                if length < 8 or self.reader.place(place).take(4) != b"OCHK":
                    raise Malformed("an object header continues nowhere", place)
                waiting.append((place + 4, length - 8))

    def message(self, kind: int, flags: int, body: Place) -> None:
        """Judge one header message."""
        self.messages += 1
        if self.messages > _MAX_MESSAGES:
            raise LimitExceeded(f"holds more than {_MAX_MESSAGES} messages")
        if flags & _SHARED and kind in (_FILTERS, _ATTRIBUTE, _EXTERNAL, _LAYOUT, _LINK):
            self.notes.review("hdf5.shared", "a shared message was not followed", body.offset_in_file)
        elif kind == _SYMBOLS:
            self.tree(body.offset(), 0)
        elif kind == _LINK:
            self.link(body)
        elif kind == _LINK_INFO:
            self.dense(body, 8)
        elif kind == _ATTRIBUTE_INFO:
            self.dense(body, 2)
        elif kind == _ATTRIBUTE:
            self.attribute(body)
        elif kind == _EXTERNAL:
            self.notes.block("hdf5.outside", "a data set is kept in other files", body.offset_in_file)
        elif kind == _LAYOUT:
            self.layout(body)
        elif kind == _FILTERS:
            self.filters(body)

    def dense(self, body: Place, index_bytes: int) -> None:
        """Links (with an index of 8 bytes) or attributes (2) of an object that has many."""
        body.take(1)
        if body.number(1) & 1:
            body.take(index_bytes)
        heap, names = body.offset(), body.offset()
        if heap == self.reader.undefined:
            return
        for record in dense_records(self.reader, heap, names):
            if record is None:
                self.notes.review("hdf5.dense", "entries that are kept in a way that was not read", heap)
            elif index_bytes == 8:
                self.link(record)
            else:
                self.attribute(record)

    def tree(self, address: int, depth: int) -> None:
        """A B-tree of version 1 over the symbols of a group; its names are not needed."""
        if address == self.reader.undefined:
            return
        if depth > 16 or address in self.trees:
            raise Malformed("the index of a group runs in a circle", address)
        self.trees.add(address)
        at = self.reader.place(address)
        signature, kind, level, used = at.take(4), at.number(1), at.number(1), at.number(2)
        if signature != b"TREE" or kind:
            raise Malformed("the index of a group is broken", address)
        at.offset()
        at.offset()
        for _ in range(used):
            at.length()
            child = at.offset()
            if level:
                self.tree(child, depth + 1)
            else:
                self.symbols(child)

    def symbols(self, address: int) -> None:
        at = self.reader.place(address)
        if at.take(4) != b"SNOD":
            raise Malformed("a node of symbols is broken", address)
        at.take(2)
        for _ in range(at.number(2)):
            at.offset()
            target, cached = at.offset(), at.number(4)
            at.take(20)
            if cached != 2:
                self.waiting.append(target)

    def link(self, body: Place) -> None:
        """A link of a group of the newer kind."""
        if body.number(1) != 1:
            raise Malformed("a link of an unknown version", body.offset_in_file)
        flags = body.number(1)
        kind = body.number(1) if flags & 8 else 0
        body.take((8 if flags & 4 else 0) + (1 if flags & 0x10 else 0))
        name = body.text(body.number(1 << (flags & 3)))
        if kind == 0:
            self.waiting.append(body.offset())
        elif kind == 64:
            self.notes.block("hdf5.outside", f"{shown(name)} is a link into another file", subject=name)
        elif kind != 1:
            self.notes.block("hdf5.link", f"{shown(name)} is a link of kind {kind}", subject=name)

    def layout(self, body: Place) -> None:
        version = body.number(1)
        kind = body.number(1) if version >= 3 else 0
        if version == 4 and kind == 3:
            self.notes.block("hdf5.outside", "a virtual data set, made of other files", body.offset_in_file)
        elif not 1 <= version <= 5 or kind > 3:
            raise Malformed("a data set of an unknown layout", body.offset_in_file)
        elif version in (3, 4) and kind == 1:
            address, size = body.offset(), body.length()
            if address != self.reader.undefined and address + size > self.reader.size:
                raise Malformed("a data set ends behind the file", address)

    def filters(self, body: Place) -> None:
        version, count = body.number(1), body.number(1)
        body.take(6 if version == 1 else 0)
        for _ in range(count):
            number = body.number(2)
            name_bytes = body.number(2) if version == 1 or number >= 256 else 0
            body.take(2)
            values = body.number(2)
            body.take(-(-name_bytes // 8) * 8 if version == 1 else name_bytes)
            body.take(values * 4 + (4 if version == 1 and values % 2 else 0))
            if number not in _OWN_FILTERS:
                why = f"a data set is packed by the plug-in {number}, which a reader would load"
                self.notes.review("hdf5.filter", why, subject=str(number))

    def attribute(self, body: Place) -> None:
        """Read the configuration of a Keras model where it stands; skip any other attribute."""
        version, flags = body.number(1), body.number(1)
        if version not in (1, 2, 3):
            raise Malformed("an attribute of an unknown version", body.offset_in_file)
        sizes = [body.number(2) for _ in range(3)]
        body.take(1 if version == 3 else 0)
        padded = [-(-size // 8) * 8 if version == 1 else size for size in sizes]
        name = body.take(padded[0])[: sizes[0]].partition(b"\0")[0].decode("utf-8", "backslashreplace")
        kind, space = body.take(padded[1]), body.take(padded[2])
        if name not in _CONFIGS:
            self.pickled(name, kind, space, body)
            return
        raw = self.value(kind, body) if not flags & 1 and len(kind) >= 8 else None
        if raw is None:
            self.notes.block("keras.malformed", f"the attribute {name} is of a type that was not read", name)
        else:
            judge_keras_json(raw, self.notes, name)

    def pickled(self, name: str, kind: bytes, space: bytes, body: Place) -> None:
        """A text that PyTables, and so ``pandas.read_hdf``, unpickles: one value that ends with a dot.

        ``tables/attributeset.py``, ``__getattr__``. PyTables and hickle also mark data sets of pickles.
        """
        is_single = len(space) > 1 and space[1] == 0
        if not is_single or body.left > MAX_CONFIG_BYTES:
            return
        is_long = len(kind) >= 8 and kind[0] & 15 == 9 and body.left >= 8
        try:
            raw = self.value(kind, body) if is_long else body.take(body.left)
        except Malformed:
            return
        text = (raw or b"").rstrip(b"\0")
        if (name, text) in _PICKLES:
            self.notes.block("hdf5.pickle", "the rows of a data set are pickles", name)
        elif text.endswith(b".") and len(text) > 2:
            scan_pickles(io.BytesIO(text), self.notes, name, probe=True)

    def value(self, kind: bytes, body: Place) -> bytes | None:
        if kind[0] & 15 == 3:
            return body.take(body.left).rstrip(b"\0")
        if kind[0] & 15 != 9:
            return None
        length, address, index = body.number(4), body.offset(), body.number(4)
        if length > MAX_CONFIG_BYTES:
            self.notes.review(LIMIT, f"a configuration of {length} bytes")
            return b"{}"
        return self.reader.heap_object(address, index, length)
