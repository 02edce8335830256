"""Python's own pickle machine with nothing connected to it.

``pickle._Unpickler`` walks the opcodes, so names come out as a real load would resolve them
(memo tricks, computed strings, INST, OBJ and the rest have no effect), but every name becomes an
inert ``Stub``: no import, no call, no attribute of a loaded object is ever touched. What would
hash, copy or allocate by the file's wish is replaced.

Opcode semantics: CPython ``Lib/pickle.py`` and ``Modules/_pickle.c``. A frame must hold whole opcodes:
where one crosses a frame's end, the C machine drops bytes and reads another name than stands there.
"""

from __future__ import annotations

import _compat_pickle
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, ClassVar, NoReturn

from weighbridge.scanners.joblib_arrays import skip_array
from weighbridge.scanners.notes import LimitExceeded, Malformed
from weighbridge.scanners.pickle_record import Overlay, Record, Stub
from weighbridge.scanners.sniff import HEAD_BYTES, may_be_pickle
from weighbridge.scanners.streams import skip

MAX_OPCODES = 4_000_000
MAX_MEMO = 1_000_000
MAX_MARKS = 100_000
MAX_LINE_BYTES = 1 << 16
_MOST_BETWEEN = 100_000
"""Opcodes that are tried where joblib keeps an array; numbers fail within a few."""
KEPT_BYTES = 4096
"""A longer string cannot be a name; it is skipped in the file and becomes a stub."""
JOBLIB_WRAPPERS = frozenset(
    f"{joblib}.numpy_pickle.NumpyArrayWrapper" for joblib in ("joblib", "sklearn.externals.joblib")
)
_IDENTITIES = frozenset({"numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"})
"""Before numpy 2 a scalar of the dtype object is the very thing that it is given."""
_KEPT_ARGS = JOBLIB_WRAPPERS | {"numpy.dtype"}


_Stop: type[Any] = vars(pickle)["_Stop"]


class Machine(pickle._Unpickler):
    """Runs one pickle from where ``source`` stands. ``source`` must give all bytes it has per read."""

    # typeshed knows neither the machine's attributes nor that its steps take the pure-Python class.
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)
    memo: dict[int, object]
    pop_mark: Callable[[], list[object]]

    def __init__(self, source: BinaryIO, record: Record) -> None:
        super().__init__(source, encoding="latin1")
        self.source, self.record = source, record
        self.persistent: list[object] = []
        self._follows_opcodes = False
        self.opcode_at = source.tell()
        # What pickle._Unpickler.load() sets up, with plain reads in place of its framing.
        self.read, self.readline = self._read, self._readline
        self.stack: list[object] = []
        self.metastack: list[list[object]] = []
        self.append: Callable[[object], None] = self.stack.append
        self.proto = 0
        self._frame_end: int | None = None

    def run(self) -> object:
        """The inert value of the pickle; ``source`` then stands behind its STOP.

        Raises:
            LimitExceeded: a bound was hit.
            Exception: whatever the machine stumbles over; a real load would too.
        """
        record, dispatch, read = self.record, self.dispatch, self.source.read
        for count in range(MAX_OPCODES - record.opcodes):
            key = read(1)
            if not key:
                record.opcodes += count
                raise Malformed("ends before its STOP opcode", self.source.tell())
            step = dispatch.get(key[0])
            if step is None:
                raise Malformed(f"byte 0x{key[0]:02x} is not an opcode", self.source.tell() - 1)
            try:
                step(self)
            except _Stop as stop:
                record.opcodes += count
                self._leave_frame()
                return stop.value
            if self._frame_end is not None and self.source.tell() >= self._frame_end:
                self._leave_frame()
            if not count & 1023 and (len(self.memo) > MAX_MEMO or len(self.metastack) > MAX_MARKS):
                raise LimitExceeded("its memo or its marks grow past the limit")
        raise LimitExceeded(f"has more than {MAX_OPCODES} opcodes")

    def _read(self, count: int) -> bytes:
        data = self.source.read(min(count, 1 << 20))
        if len(data) < count:
            raise Malformed("ends inside an opcode", self.source.tell())
        return data

    def _readline(self) -> bytes:
        line = self.source.readline(MAX_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise Malformed("a line of it does not end", self.source.tell())
        return line

    # -- names ------------------------------------------------------------------------------

    def find_class(self, module: str, name: str) -> Any:
        """Record the name that Python 3 resolves this to, and give an inert stub."""
        if self.proto < 3:
            if (module, name) in _compat_pickle.NAME_MAPPING:
                module, name = _compat_pickle.NAME_MAPPING[module, name]
            else:
                module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        self.record.add(module, name, self.source.tell())
        return Stub(f"{module}.{name}", is_global=True)

    def get_extension(self, code: int) -> None:
        """Record an EXT opcode: a global by number, of a registry that only the loader knows."""
        self.record.extensions.append(code)
        self.append(Stub("extension"))

    def persistent_load(self, pid: object) -> Stub:
        """Record a persistent id (a storage of torch)."""
        if len(self.persistent) < MAX_MEMO:
            self.persistent.append(pid)
        return Stub("persistent")

    # -- what a real machine would call ------------------------------------------------------

    def _call(self, function: object, args: object) -> Stub:
        if not isinstance(function, Stub):
            raise Malformed("calls a value that is not a function", self.source.tell())
        self.record.calls += 1
        if function.name in _IDENTITIES and isinstance(args, tuple) and args and isinstance(args[-1], Stub):
            return args[-1]
        keep = function.name in _KEPT_ARGS and isinstance(args, tuple)
        return Stub(function.name, args if keep and isinstance(args, tuple) else ())

    def _instantiate(self, klass: object, args: object) -> None:
        self.append(self._call(klass, tuple(args) if isinstance(args, list) else args))

    def _reduce(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = self._call(self.stack[-1], args)

    def _newobj(self) -> None:
        args = self.stack.pop()
        self.append(self._call(self.stack.pop(), args))

    def _newobj_ex(self) -> None:
        self.stack.pop()
        self._newobj()

    def _build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, Stub):
            raise Malformed("sets the state of a plain value", self.source.tell())
        self._change(target)
        if target.name in _KEPT_ARGS:
            target.state = state
        if target.name in JOBLIB_WRAPPERS:
            self._leave_frame()
            self._as_opcodes()
            if skip_array(state, self.source):
                self._nested()

    def _change(self, target: object) -> None:
        # What pickle itself writes sets the state of what was built, never of the class or the function.
        if isinstance(target, Stub) and target.is_global and len(self.record.changed) < MAX_MARKS:
            self.record.changed.append(target.name)

    def _as_opcodes(self) -> None:
        """Read on from where joblib reads an array: any other loader takes the same bytes for opcodes."""
        at, record = self.source.tell(), self.record
        head = self.source.read(HEAD_BYTES)
        self.source.seek(at)
        if self._follows_opcodes or not may_be_pickle(head):
            return
        record.copied += len(self.stack) + sum(map(len, self.metastack))
        if record.copied > MAX_MEMO:
            raise LimitExceeded("keeps too much on its stack between its arrays")
        tried = Record()
        tried.opcodes = max(record.opcodes, MAX_OPCODES - _MOST_BETWEEN)
        other = Machine(self.source, tried)
        other.proto, other._follows_opcodes = self.proto, True
        other.stack, other.metastack = [*self.stack], [[*values] for values in self.metastack]
        other.append, other.memo = other.stack.append, Overlay(self.memo)
        with suppress(Exception):  # numbers fail as opcodes in any way, which is what they should do
            other.run()
        self.source.seek(at)
        if tried.calls or tried.changed:
            for found in tried.globals:
                record.add(*found)
            record.extensions += tried.extensions
            record.changed += tried.changed

    def _nested(self) -> None:
        # joblib writes an array of objects as a pickle of its own, in the middle of the outer one.
        self.record.nesting += 1
        if self.record.nesting > 1000:
            raise LimitExceeded("nests more than 1000 pickles")
        Machine(self.source, self.record).run()

    # -- containers: filled without hashing, which nested tuples make exponential -------------

    def _fill_list(self, values: list[object]) -> None:
        target = self.stack[-1]
        self._change(target)
        if isinstance(target, list):
            target.extend(values)
        elif not isinstance(target, Stub):
            raise Malformed("appends to a value that is not a list", self.source.tell())

    def _append_one(self) -> None:
        self._fill_list([self.stack.pop()])

    def _append_many(self) -> None:
        self._fill_list(self.pop_mark())

    def _fill_dict(self, values: list[object]) -> None:
        target = self.stack[-1]
        self._change(target)
        if len(values) % 2 or not isinstance(target, (dict, Stub)):
            raise Malformed("sets items where none can be set", self.source.tell())
        if isinstance(target, dict):
            pairs = zip(values[::2], values[1::2], strict=True)
            target.update((k, v) for k, v in pairs if isinstance(k, (str, bytes, int, float)))

    def _set_one(self) -> None:
        value = self.stack.pop()
        self._fill_dict([self.stack.pop(), value])

    def _set_many(self) -> None:
        self._fill_dict(self.pop_mark())

    def _make_dict(self) -> None:
        values = self.pop_mark()
        self.append({})
        self._fill_dict(values)

    def _add_to_set(self) -> None:
        self.pop_mark()
        self._change(self.stack[-1])
        if not isinstance(self.stack[-1], (set, Stub)):
            raise Malformed("adds to a value that is not a set", self.source.tell())

    def _frozen(self) -> None:
        self.pop_mark()
        self.append(frozenset())

    # -- long values: skipped, never held -----------------------------------------------------

    def _frame(self) -> None:
        if self._frame_end is not None:
            raise Malformed("begins a frame inside a frame", self.source.tell())
        size = int.from_bytes(self._read(8), "little")
        self._frame_end = self.source.tell() + size if size else None

    def _leave_frame(self) -> None:
        end, self._frame_end = self._frame_end, None
        if end is not None and end != self.source.tell():
            raise Malformed("an opcode crosses the end of its frame", end)

    def _skip_or(self, width: int, keep: Callable[[bytes], object], *, signed: bool = False) -> None:
        count = int.from_bytes(self._read(width), "little", signed=signed)
        if count < 0:
            raise Malformed("a negative length", self.source.tell())
        if count <= KEPT_BYTES:
            self.append(keep(self._read(count)))
            return
        skip(self.source, count)
        self.append(Stub("long value"))

    def _binstring(self) -> None:
        self._skip_or(4, lambda data: data.decode("latin1"), signed=True)

    def _binunicode(self) -> None:
        self._skip_or(4, _utf8)

    def _binunicode8(self) -> None:
        self._skip_or(8, _utf8)

    def _binbytes(self) -> None:
        self._skip_or(4, bytes)

    def _binbytes8(self) -> None:
        self._skip_or(8, bytes)

    def _bytearray8(self) -> None:
        self._skip_or(8, bytearray)

    def _long4(self) -> None:
        self._skip_or(4, lambda data: int.from_bytes(data, "little", signed=True), signed=True)

    def _buffer(self) -> NoReturn:
        raise Malformed("needs out-of-band buffers", self.source.tell())


def _utf8(data: bytes) -> str:
    return str(data, "utf-8", "surrogatepass")


_REPLACED: dict[bytes, Callable[[Machine], None]] = {
    pickle.REDUCE: Machine._reduce,
    pickle.NEWOBJ: Machine._newobj,
    pickle.NEWOBJ_EX: Machine._newobj_ex,
    pickle.BUILD: Machine._build,
    pickle.APPEND: Machine._append_one,
    pickle.APPENDS: Machine._append_many,
    pickle.SETITEM: Machine._set_one,
    pickle.SETITEMS: Machine._set_many,
    pickle.DICT: Machine._make_dict,
    pickle.ADDITEMS: Machine._add_to_set,
    pickle.FROZENSET: Machine._frozen,
    pickle.FRAME: Machine._frame,
    pickle.BINSTRING: Machine._binstring,
    pickle.BINUNICODE: Machine._binunicode,
    pickle.BINUNICODE8: Machine._binunicode8,
    pickle.BINBYTES: Machine._binbytes,
    pickle.BINBYTES8: Machine._binbytes8,
    pickle.BYTEARRAY8: Machine._bytearray8,
    pickle.LONG4: Machine._long4,
    pickle.NEXT_BUFFER: Machine._buffer,
    pickle.READONLY_BUFFER: Machine._buffer,
}
for _opcode, _step in _REPLACED.items():
    Machine.dispatch[_opcode[0]] = _step
