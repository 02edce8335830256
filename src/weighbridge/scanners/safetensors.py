"""Reads the header of a safetensors file with the rules of safetensors 0.8, and some stricter ones.

Format: 8 bytes of header length (little endian, at most 100 MB), that many bytes of JSON, then the
tensors. The tensors must fill the rest of the file from offset 0 without holes or overlaps. Stricter
than the library: a key may stand only once, and the header must begin with ``{``.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.scan import Finding
from weighbridge.scanners.notes import LIMIT, LimitExceeded, Malformed, Notes, shown
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.sniff import MAX_SAFETENSORS_HEADER, is_safetensors

DTYPE_BITS = {
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8,
    "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip
"""Bits per element; the list is the one that safetensors 0.8.0 names when it meets another dtype."""
MAX_IN_PROCESS = 8 << 20
"""A header above this many bytes is parsed in the sandbox only: JSON can take forty times its size."""
_MAX_MARKS = 700_000
"""Commas and brackets in a header: seven for each tensor, of which real files have some thousands."""
_MAX_U64 = 1 << 64
_HALF = re.compile("[\ud800-\udfff]")
"""A surrogate that stands alone, which the library does not take for JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a whole, well-formed header says. ``parameters`` counts elements of all tensors."""

    tensors: int
    parameters: int
    dtypes: dict[str, int]
    metadata: dict[str, str]

    def to_json(self) -> JsonObject:
        """``{"format", "tensors", "parameters", "dtypes", "metadata"}``; dtypes maps to tensor counts.

        Of the metadata, which may hold a whole training log, the first hundred short entries.
        """
        short = [(key, text) for key, text in self.metadata.items() if len(key) + len(text) <= 1000]
        return {
            "format": "safetensors",
            "tensors": self.tensors,
            "parameters": self.parameters,
            "dtypes": dict(sorted(self.dtypes.items())),
            "metadata": dict(short[:100]),
        }


class SafetensorsScanner:
    """Takes what is called ``.safetensors`` or looks like it."""

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self._sandbox = sandbox

    def takes(self, path: str, head: bytes) -> bool:
        """By name or by content."""
        return path.lower().endswith(".safetensors") or is_safetensors(head)

    def scan(self, path: str, file: Path) -> tuple[Finding, ...]:
        """One blocking finding where the header breaks a rule."""
        if _header_bytes(file) > MAX_IN_PROCESS:
            if self._sandbox:
                return self._sandbox.run("safetensors", path, file)
            with Sandbox() as sandbox:
                return sandbox.run("safetensors", path, file)
        notes = Notes(path)
        scan_header(path, str(file), notes)
        return notes.findings


def scan_header(path: str, file: str, notes: Notes) -> None:
    """Note what is wrong with the header of ``file``; ``path`` is only its name."""
    try:
        with Path(file).open("rb") as source:
            read_header(source)
    except Malformed as error:
        at = "" if error.at is None else error.at
        notes.block("safetensors.malformed", f"malformed safetensors: {shown(str(error))}", at)
    except (LimitExceeded, MemoryError) as error:
        notes.review(LIMIT, f"the safetensors header is too large: {shown(str(error))}")


def read_safetensors_header(file: Path) -> JsonObject:
    """The summary of a header for the evidence, or ``{"error": why}``.

    A header of more than MAX_IN_PROCESS bytes is scanned in the sandbox, but not summarised: no
    real one comes near it.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        with file.open("rb") as source:
            return read_header(source, MAX_IN_PROCESS).to_json()
    except (Malformed, LimitExceeded) as error:
        return {"error": shown(str(error))}


def read_header(source: BinaryIO, limit: int = MAX_SAFETENSORS_HEADER) -> Header:
    """Read and check the header of a whole file.

    Raises:
        Malformed: it breaks a rule of the format.
        LimitExceeded: it is longer than ``limit`` bytes, or lists more than is read.
    """
    lead = source.read(9)
    size = source.seek(0, 2)
    length = int.from_bytes(lead[:8], "little")
    if len(lead) < 9 or lead[8:] != b"{":
        raise Malformed("does not begin with a length and '{'", 0)
    if length > MAX_SAFETENSORS_HEADER or 8 + length > size:
        raise Malformed(f"claims a header of {length} bytes in a file of {size}", 0)
    if length > limit:
        raise LimitExceeded(f"{length} bytes")
    source.seek(8)
    return _checked(_parsed(source.read(length)), size - 8 - length)


def _header_bytes(file: Path) -> int:
    with file.open("rb") as source:
        return min(int.from_bytes(source.read(8), "little"), MAX_SAFETENSORS_HEADER)


_Pairs = list[tuple[str, object]]


class _Object(_Pairs):
    """A JSON object as its pairs, so that a key that stands twice is seen."""


def _parsed(raw: bytes) -> _Object:
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > _MAX_MARKS:
        raise LimitExceeded("more tensors or entries than any real one")
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_Object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"its header is not JSON ({shown(str(error))})", 8) from error
    if not isinstance(value, _Object):
        raise Malformed("its header is not a JSON object", 8)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _dict(pairs: object, what: str) -> dict[str, object]:
    if not isinstance(pairs, _Object):
        raise Malformed(f"{shown(what)!r} is not a JSON object", 8)
    result = dict(pairs)
    if any(_HALF.search(text) for pair in pairs for text in pair if isinstance(text, str)):
        raise Malformed(f"{shown(what)!r} holds half a character", 8)
    if len(result) != len(pairs):
        raise Malformed(f"{shown(what)!r} holds a key twice", 8)
    return result


def _checked(pairs: _Object, body_bytes: int) -> Header:
    header = _dict(pairs, "header")
    metadata = _metadata(header.pop("__metadata__", None))
    spans: list[tuple[int, int, str]] = []
    dtypes: Counter[str] = Counter()
    parameters = 0
    for name, entry in header.items():
        dtype, elements, start, stop = _tensor(name, entry)
        dtypes[dtype] += 1
        parameters += elements
        spans.append((start, stop, name))
    at = 0
    for start, stop, name in sorted(spans):
        if start != at:
            raise Malformed(f"tensor {shown(name)!r} leaves a hole or overlaps another", 8)
        at = stop
    if at != body_bytes:
        raise Malformed(f"its tensors take {at} bytes, but {body_bytes} follow the header", 8)
    return Header(tensors=len(header), parameters=parameters, dtypes=dict(dtypes), metadata=metadata)


def _metadata(value: object) -> dict[str, str]:
    if value is None:
        return {}
    metadata = _dict(value, "__metadata__")
    if any(not isinstance(entry, str) for entry in metadata.values()):
        raise Malformed("__metadata__ holds something else than strings", 8)
    return {key: str(entry) for key, entry in metadata.items()}


def _tensor(name: str, entry: object) -> tuple[str, int, int, int]:
    """Dtype, number of elements, start and stop of one tensor."""
    fields = _dict(entry, name)
    dtype, shape, offsets = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
        raise Malformed(f"tensor {shown(name)!r} has an unknown dtype", 8)
    sides, ends = _counts(shape), _counts(offsets)
    if sides is None or ends is None or len(ends) != 2:
        raise Malformed(f"tensor {shown(name)!r} has no valid shape and data_offsets", 8)
    elements = math.prod(sides) if len(sides) <= 64 else _MAX_U64
    bits = elements * DTYPE_BITS[dtype]
    if bits >= _MAX_U64 or bits % 8 or ends[1] - ends[0] != bits // 8:
        why = "takes another number of bytes than its shape and dtype say"
        raise Malformed(f"tensor {shown(name)!r} {why}", 8)
    return dtype, elements, ends[0], ends[1]


def _counts(value: object) -> list[int] | None:
    """A JSON array of unsigned 64-bit integers, or None."""
    if not isinstance(value, list) or isinstance(value, _Object):
        return None
    for n in value:
        if type(n) is not int or not 0 <= n < _MAX_U64:
            return None
    return value
