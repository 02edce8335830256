"""Files that are made to be dear: each ends in a finding, with less than 200 MB held, and is never let in."""

from __future__ import annotations

import lzma
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hostile.forge import safetensors, system
from weighbridge.domain.scan import ScanState, Severity
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.table import scanners
from weighbridge.scanners.tree import scan_file

_HELD_KB = 200 * 1024
_WRAPPED = (
    b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(\x8c\x05shapeM\xa0\x0f\x85"
    b"\x8c\x05dtypecnumpy\ndtype\n\x8c\x02u1\x85Rub"
)
"""The head of a joblib array of 4000 bytes, which are opcodes to any other loader."""


def _gguf(tensors: int) -> bytes:
    listed = (struct.pack("<Q", 8) + b"%08d" % n + struct.pack("<IQIQ", 1, 0, 0, 0) for n in range(tensors))
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, 0) + b"".join(listed)


def _tensors(count: int) -> dict[str, object]:
    return {f"t{n}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for n in range(count)}


DEAR: dict[str, tuple[str, Callable[[], bytes]]] = {
    "tensors": ("m.safetensors", lambda: safetensors(_tensors(300_000))),
    "metadata": (
        "m.safetensors",
        lambda: safetensors(b'{"__metadata__":{%s}}' % b",".join(b'"%d":""' % n for n in range(1_000_000))),
    ),
    "fields": ("m.onnx", lambda: b"\x08\x08" + b"B\x00" * 4_000_000 + b":\x00"),
    "nodes": ("m.onnx", lambda: b"\x08\x08B\x00:" + b"\x80\x80\x80\x04" + b"\x0a\x00" * 4_194_304),
    "pieces": ("tokenizer.model", lambda: b"\x0a\x02\x0a\x00" * 2_000_000),
    "gguf": ("m.gguf", lambda: _gguf(200_000)),
    "gguf texts": (
        "m.gguf",
        lambda: b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"a" + struct.pack("<IIQ", 9, 8, 4_000_000)
        + bytes(32_000_000),
    ),
    "values": ("m.msgpack", lambda: b"\xdd\x00\x4f\xff\xff" + b"\x90" * 5_242_879),
    "sides": ("m.msgpack", lambda: b"\x92\xc0\xc9" + struct.pack(">IB", 3_000_006, 1) + b"\x93\xdd"
              + struct.pack(">I", 3_000_000) + b"\1" * 3_000_000),
    "packed opcodes": ("m.pkl.xz", lambda: lzma.compress(b"\x80\x02" + b"N0" * 3_000_000)),
    "dicts": ("m.pkl", lambda: b"\x80\x02" + b"}" * 4_000_000 + b"."),
    "tuples": ("m.pkl", lambda: b"\x80\x02)" + b"\x85" * 5_000_000 + b"."),
    "arrays": ("m.joblib", lambda: b"\x80\x04" + (_WRAPPED + b"N0" * 2000) * 2000 + b"."),
}  # fmt: skip


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as own:
        yield own


@pytest.mark.parametrize("what", DEAR)
def test_what_is_dear_to_read_is_never_let_in(what: str, sandbox: Sandbox, tmp_path: Path) -> None:
    name, make = DEAR[what]
    file = tmp_path / "file"
    file.write_bytes(make())
    scan = scan_file(name, file, "0" * 64, scanners(sandbox))
    assert scan.verdict is (Severity.BLOCK if what == "sides" else Severity.REVIEW)
    assert not any(finding.rule == "scan.crash" for finding in scan.findings)
    if sys.platform == "linux":
        status = Path(f"/proc/{sandbox.pid}/status").read_text()
        assert int(status.partition("VmHWM:")[2].split()[0]) < _HELD_KB


def test_what_was_found_before_the_time_was_up_counts(sandbox: Sandbox, tmp_path: Path) -> None:
    """Arrays that hold opcodes are read twice each; a call before them is blocked all the same."""
    file = tmp_path / "file"
    dear = (_WRAPPED + b"N0" * 2000) * 2000
    file.write_bytes(system("x").removesuffix(b".") + b"0" + dear + b".")
    scan = scan_file("m.joblib", file, "0" * 64, scanners(sandbox))
    assert scan.verdict is Severity.BLOCK
    assert scan.state is ScanState.ERROR
    assert {"pickle.global"} <= {f.rule for f in scan.findings if f.severity is Severity.BLOCK}
    assert {f.rule for f in scan.findings} & {"scan.timeout", "scan.limit"}
