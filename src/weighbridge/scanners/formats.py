"""The visible table of formats that are read whole, each by a bounded reader in the sandbox."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from weighbridge.domain.scan import Finding
from weighbridge.scanners.columnar import scan_columnar
from weighbridge.scanners.content import ending_of
from weighbridge.scanners.gguf import scan_gguf
from weighbridge.scanners.hdf5 import scan_hdf5
from weighbridge.scanners.msgpack import scan_msgpack
from weighbridge.scanners.notes import LIMIT, LimitExceeded, Malformed, Notes, shown
from weighbridge.scanners.onnx import scan_onnx
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.saved_model import scan_tensorflow
from weighbridge.scanners.sentencepiece import scan_sentencepiece
from weighbridge.scanners.sniff import kind_of
from weighbridge.scanners.tf_checkpoint import scan_tf_checkpoint
from weighbridge.scanners.tflite import scan_tflite

_UNMARKED = frozenset({"binary", "text", "lzma", "zlib", "mp3"})
"""What a file whose format has no mark of its own may look like by its first bytes."""


class Format(NamedTuple):
    """``kinds``: taken by content; ``endings``: taken by name, where the content has no mark of its own."""

    kinds: frozenset[str]
    endings: frozenset[str]
    read: Callable[[BinaryIO, int, str, Notes], None]
    unmarked: frozenset[str] = _UNMARKED


FORMATS: dict[str, Format] = {
    "gguf": Format(frozenset({"gguf"}), frozenset({".gguf"}), scan_gguf),
    "onnx": Format(frozenset(), frozenset({".onnx"}), scan_onnx),
    "tensorflow": Format(frozenset(), frozenset({".pb"}), scan_tensorflow),
    "tensorflow checkpoint": Format(
        frozenset(), frozenset({".index"}), scan_tf_checkpoint, _UNMARKED - {"text"}
    ),
    "tflite": Format(frozenset({"tflite"}), frozenset({".tflite"}), scan_tflite),
    "hdf5": Format(frozenset({"hdf5"}), frozenset({".h5", ".hdf5"}), scan_hdf5),
    "msgpack": Format(frozenset(), frozenset({".msgpack"}), scan_msgpack),
    "sentencepiece": Format(
        frozenset(), frozenset({".spm", ".model"}), scan_sentencepiece, _UNMARKED - {"text"}
    ),
    "columnar": Format(frozenset({"parquet", "arrow"}), frozenset({".parquet", ".arrow"}), scan_columnar),
}


def is_unmarked(path: str, kind: str) -> bool:
    """Whether what looks like ``kind`` is read as a format without a mark, because it is called so."""
    ending = ending_of(path)
    return any(kind in known.unmarked and ending in known.endings for known in FORMATS.values())


class FormatScanner:
    """Takes the files of one format; the work is done in the sandbox.

    Without a ``sandbox`` each file gets a process of its own.
    """

    def __init__(self, name: str, sandbox: Sandbox | None = None) -> None:
        self._name, self._format, self._sandbox = name, FORMATS[name], sandbox

    def takes(self, path: str, head: bytes) -> bool:
        """By content; by name where the content could be anything."""
        kind = kind_of(head)
        known = self._format
        return kind in known.kinds or (kind in known.unmarked and ending_of(path) in known.endings)

    def scan(self, path: str, file: Path) -> tuple[Finding, ...]:
        """What the reader of the format says."""
        if self._sandbox is not None:
            return self._sandbox.run(self._name, path, file)
        with Sandbox() as sandbox:
            return sandbox.run(self._name, path, file)


def read_format(name: str, path: str, file: str, notes: Notes) -> None:
    """Note what the reader of the format ``name`` finds in ``file``; runs in the sandbox."""
    with open(file, "rb") as source:  # noqa: PTH123
        read_source(name, source, os.fstat(source.fileno()).st_size, path, notes)


def read_source(name: str, source: BinaryIO, size: int, path: str, notes: Notes) -> None:
    """The same for a file that is open already: a broken one is a blocking finding."""
    try:
        FORMATS[name].read(source, size, path, notes)
    except Malformed as error:
        at = "" if error.at is None else error.at
        notes.block(f"{name.replace(' ', '_')}.malformed", f"malformed {name}: {shown(str(error))}", at)
    except LimitExceeded as error:
        notes.over(error)
    except (MemoryError, RecursionError):
        notes.review(LIMIT, "needs more memory than a scan may take")
