"""The summary of a header that goes into the evidence, and headers too large for the main process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.hostile.forge import one, safetensors
from weighbridge.domain.scan import Severity
from weighbridge.scanners import read_safetensors_header, scan_file


def test_the_summary_counts_what_the_library_wrote(tmp_path: Path) -> None:
    file = tmp_path / "m.safetensors"
    tensors = {"w": np.ones((3, 4), dtype=np.float16), "v": np.ones(5, dtype=np.float16), "i": np.array(7)}
    save_file(tensors, file, {"format": "np"})
    assert read_safetensors_header(file) == {
        "format": "safetensors",
        "tensors": 3,
        "parameters": 18,
        "dtypes": {"F16": 2, "I64": 1},
        "metadata": {"format": "np"},
    }


@pytest.mark.parametrize("content", [b"", b"hello", safetensors(one(), b"1"), b"\xff" * 8 + b"{"])
def test_a_broken_header_is_an_error_with_a_reason(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "m.safetensors"
    file.write_bytes(content)
    summary = read_safetensors_header(file)
    assert list(summary) == ["error"]
    assert summary["error"]


def test_a_large_header_is_read_in_the_sandbox(tmp_path: Path) -> None:
    header = {
        f"model.layers.{n}.mlp.experts.weight{'.of.a.long.name' * 80}": {
            "dtype": "U8",
            "shape": [1],
            "data_offsets": [n, n + 1],
        }
        for n in range(8_000)
    }
    raw = json.dumps(header).encode()
    assert len(raw) > 8 << 20
    file = tmp_path / "m.safetensors"
    file.write_bytes(safetensors(raw, bytes(8_000)))
    assert scan_file("m.safetensors", file, "0" * 64).verdict is Severity.ALLOW
    file.write_bytes(safetensors(raw, bytes(7_999)))
    assert scan_file("m.safetensors", file, "0" * 64).verdict is Severity.BLOCK


def test_a_header_of_empty_lists_does_not_eat_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "m.safetensors"
    file.write_bytes(safetensors(b'{"a":[' + b"[]," * 12_000_000 + b"[]]}"))
    scan = scan_file("m.safetensors", file, "0" * 64)
    file.unlink()
    assert scan.verdict is Severity.REVIEW
    assert {finding.rule for finding in scan.findings} == {"scan.limit"}
