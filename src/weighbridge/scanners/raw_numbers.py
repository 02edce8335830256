"""Files that hold nothing but the numbers of a model that another file beside them describes.

Such a file has no format that could be read: whatever bytes stand in it, they are taken for numbers. It is
vouched for where the file that describes it was read and let in, and where it is nothing else by its content
(a pickle, an archive, an executable).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from weighbridge.domain.scan import FileScan, ScanState, Severity
from weighbridge.scanners.notes import UNSUPPORTED

_DESCRIBED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?P<stem>.+)\.data-\d{5}-of-\d{5}"), ".index"),
    (re.compile(r"(?P<stem>.+)\.onnx[._]data(?:[._]?\d+)?"), ".onnx"),
    (re.compile(r"(?P<stem>.+)\.bin"), ".xml"),
)
"""The name of the numbers, and the ending of the file that describes them (TensorFlow, ONNX, OpenVINO)."""


def vouched(scan: FileScan, scans: Mapping[str, FileScan], files: Mapping[str, Path]) -> FileScan:
    """``scan`` without its finding of "no scanner" where a file beside it describes it."""
    if scan.state is not ScanState.UNSUPPORTED or scan.format != "binary":
        return scan
    for pattern, ending in _DESCRIBED:
        match = pattern.fullmatch(scan.path)
        describing = scans.get(match["stem"] + ending) if match else None
        if describing is None or describing.verdict is not Severity.ALLOW:
            continue
        if ending == ".xml" and not _is_network(files[describing.path]):
            continue
        kept = tuple(found for found in scan.findings if found.rule != UNSUPPORTED)
        return replace(scan, format="numbers", state=ScanState.SCANNED, findings=kept)
    return scan


def _is_network(file: Path) -> bool:
    with file.open("rb") as source:
        return b"<net" in source.read(1024)
