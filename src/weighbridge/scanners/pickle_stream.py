"""Reads everything in a file that a pickle loader would: all stacked pickles, and what follows them.

Two layouts put raw bytes behind or between pickles and are followed: torch before 1.6 (four
pickles, the storage keys, then each storage as an item count and its bytes; ``torch/serialization.py``,
``_legacy_load``) and joblib (see ``joblib_arrays``).
"""

from __future__ import annotations

import io
import pickletools
import re
from collections.abc import Callable
from itertools import islice
from typing import BinaryIO

from weighbridge.domain.scan import Severity
from weighbridge.scanners.notes import LIMIT, LimitExceeded, Malformed, Notes, OutOfTime, shown
from weighbridge.scanners.pickle_machine import Machine
from weighbridge.scanners.pickle_names import judge_global
from weighbridge.scanners.pickle_record import Record, Stub
from weighbridge.scanners.streams import skip

TORCH_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PICKLES = 5
_MAX_STACKED = 10_000
_SYNTAX_BYTES, _SYNTAX_OPCODES = 16 << 20, 300_000
_STORAGE_BYTES = {
    "Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1,
    "Byte": 1, "Bool": 1, "ComplexDouble": 16, "ComplexFloat": 8, "QInt8": 1, "QUInt8": 1, "QInt32": 4,
    "QUInt4x2": 1, "QUInt2x4": 1, "Untyped": 1,
}  # fmt: skip
_STORAGE = re.compile(r"torch\.(?:cuda\.|storage\.)?(\w+)Storage")
_NAME = re.compile(r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*")


def scan_pickles(
    source: BinaryIO,
    notes: Notes,
    where: str = "",
    *,
    probe: bool = False,
    judge: Callable[[str, str], Severity] = judge_global,
) -> Record:
    """Note what the pickles in ``source`` name and where they break.

    ``where`` prefixes locators (a member of an archive). With ``probe``, a stream that turns out
    not to be a pickle leaves no note. ``judge`` says what a name is worth.
    """
    record = Record()
    broken, why, at = "", "", 0
    # What a pickle built is freed before anything else is done: the memory may be used up.
    try:
        _walk(source, record)
    except LimitExceeded as error:
        broken, why = error.rule, str(error)
    except (MemoryError, RecursionError):
        broken, why = LIMIT, "needs more memory than a scan may take"
    except OutOfTime:
        if not probe or is_pickle(record, broken=True):
            _note_names(record, notes, where, judge)
        raise
    except Exception as error:  # the machine fails as a real load would, in any way
        broken = "pickle.trailing" if record.whole else "pickle.malformed"
        why = str(error) or type(error).__name__
        at = (error.at if isinstance(error, Malformed) else None) or source.tell()
        if not probe:
            _note_broken(record, notes, broken, why, _at(where, at))
        _by_syntax(source, record)
    if probe and not is_pickle(record, broken=bool(broken)):
        if broken == LIMIT:
            notes.review(LIMIT, f"reads as a pickle, which was not read to its end: {shown(why)}", where)
        return record
    if broken:
        _note_broken(record, notes, broken, why, _at(where, at) if at else where)
    _note_names(record, notes, where, judge)
    return record


def _note_broken(record: Record, notes: Notes, rule: str, why: str, at: str) -> None:
    if rule == LIMIT:
        notes.review(LIMIT, f"the pickle was not read to its end: {shown(why)}", at)
    else:
        kind = "data that is no pickle follows a pickle" if record.whole else "the pickle is broken"
        notes.block(rule, f"{kind}: {shown(why)}", at)


def is_pickle(record: Record, *, broken: bool = False) -> bool:
    """Whether a loader would act on what was read: a whole pickle, or a call of a plausible name.

    A list of words that begins with ``cat`` names ``at`` and calls nothing, and ``N. B.`` begins with a
    whole pickle. An extension code alone says nothing either: it is one byte, and no loader here has any.
    """
    names = any(_NAME.fullmatch(f"{found.module}.{found.name}") for found in record.globals)
    return (record.whole > 0 and (names or not broken)) or (record.calls > 0 and names)


def _walk(source: BinaryIO, record: Record) -> None:
    """Run every stacked pickle; ``record`` says how far it came."""
    for _ in range(_MAX_STACKED):
        record.start = source.tell()
        if record.whole and not source.read(1):
            return
        source.seek(record.start)
        value = Machine(source, record).run()
        if record.whole == 0 and isinstance(value, int) and value == TORCH_MAGIC:
            record.whole = _torch_legacy(source, record)
            return
        record.whole += 1
    raise LimitExceeded(f"stacks more than {_MAX_STACKED} pickles")


def _note_names(record: Record, notes: Notes, where: str, judge: Callable[[str, str], Severity]) -> None:
    for found in record.globals:
        severity = judge(found.module, found.name)
        name = shown(f"{found.module}.{found.name}")
        if severity is not Severity.ALLOW:
            why = "a known class of an ML library" if severity is Severity.REVIEW else "not on the allow-list"
            at = _at(where, found.offset)
            notes.add(severity, "pickle.global", f"the pickle names {name}, {why}", at, name)
    for name in dict.fromkeys(record.changed):
        notes.block("pickle.changes", f"the pickle changes {shown(name)} itself", where, name)
    for code in record.extensions:
        notes.block("pickle.extension", f"the pickle calls extension {code} of the loader's registry", where)


def _at(where: str, offset: int) -> str:
    return f"{where}@{offset}" if where else str(offset)


def _torch_legacy(source: BinaryIO, record: Record) -> int:
    """Follow the legacy layout from behind its magic number to the end of the file."""
    storages: dict[str, tuple[int, int]] = {}
    keys: object = None
    for _ in range(_LEGACY_PICKLES - 1):
        machine = Machine(source, record)
        keys = machine.run()
        for pid in machine.persistent:
            _note_storage(pid, storages)
    if not isinstance(keys, list):
        raise Malformed("the legacy torch file does not list its storages", source.tell())
    for key in keys:
        if not isinstance(key, str) or key not in storages:
            raise Malformed("the legacy torch file lists a storage that it does not use", source.tell())
        items, item_bytes = storages[key]
        count = int.from_bytes(source.read(8), "little")
        if count != items:
            raise Malformed("a storage of the legacy torch file has another size", source.tell())
        skip(source, count * item_bytes)
    if source.read(1):
        raise Malformed("bytes follow the last storage", source.tell() - 1)
    return _LEGACY_PICKLES


def _note_storage(pid: object, storages: dict[str, tuple[int, int]]) -> None:
    if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] not in ("storage", b"storage"):
        return
    _, kind, key, _, items, *_ = pid
    match = _STORAGE.fullmatch(kind.name) if isinstance(kind, Stub) else None
    width = _STORAGE_BYTES.get(match[1]) if match else None
    if width is not None and isinstance(key, str) and isinstance(items, int) and items >= 0:
        storages[key] = (items, width)


def _by_syntax(source: BinaryIO, record: Record) -> None:
    """Add the names that plain reading of the opcodes still finds where the machine gave up."""
    strings: list[str] = []
    try:
        source.seek(record.start)
        data = _some(source, _SYNTAX_BYTES)
        for opcode, argument, at in islice(pickletools.genops(io.BytesIO(data)), _SYNTAX_OPCODES):
            offset = record.start + (at or 0)
            if opcode.name in ("GLOBAL", "INST") and isinstance(argument, str):
                module, _, name = argument.partition(" ")
                record.add(module, name, offset)
            elif opcode.name == "STACK_GLOBAL" and len(strings) > 1:
                record.add(strings[-2], strings[-1], offset)
            elif isinstance(argument, str) and opcode.name.endswith(("STRING", "UNICODE", "UNICODE8")):
                strings = [*strings[-1:], argument]
    except Exception:  # noqa: S110 - it is broken, which is already noted
        pass


def _some(source: BinaryIO, limit: int) -> bytes:
    pieces: list[bytes] = []
    while limit and (piece := source.read(min(limit, 1 << 20))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)
