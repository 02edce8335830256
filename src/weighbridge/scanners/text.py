"""Reads text: code that somebody would run, and configuration that makes a loader run code."""

from __future__ import annotations

import codecs
from pathlib import Path

from weighbridge.domain.scan import Finding
from weighbridge.scanners.configs import judge_config
from weighbridge.scanners.content import FORMATS_BY_ENDING, PICKLE_ENDINGS, SCRIPTS, TEXT_OR_NOT, ending_of
from weighbridge.scanners.notes import LIMIT, UNSUPPORTED, Notes
from weighbridge.scanners.python_source import MAX_NOTEBOOK_BYTES, judge_notebook, judge_source
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.sniff import HEAD_BYTES, claims_half_a_gigabyte, kind_of
from weighbridge.scanners.templates import MAX_TEMPLATE_BYTES, lint_template
from weighbridge.scanners.text_graphs import judge_caffe, judge_graph_text, judge_xml
from weighbridge.scanners.yaml_text import judge_yaml

_LIMITS = {
    ".py": 64 << 20,
    ".ipynb": MAX_NOTEBOOK_BYTES,
    ".json": 64 << 20,
    ".yaml": 64 << 20,
    ".yml": 64 << 20,
    ".jinja": MAX_TEMPLATE_BYTES,
    ".jinja2": MAX_TEMPLATE_BYTES,
    ".j2": MAX_TEMPLATE_BYTES,
    ".xml": 32 << 20,
    ".pbtxt": 64 << 20,
    ".prototxt": 64 << 20,
}
"""Endings of texts that are parsed, in the sandbox, and how many bytes of them at most."""
_TEMPLATES = dict.fromkeys(("chat_template.txt", "chat_template.tmpl"), ".jinja")


class TextScanner:
    """Takes what reads as text; decodes it to its end, so that nothing stands behind a text-like head.

    Without a ``sandbox`` each file that is parsed gets a process of its own.
    """

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self._sandbox = sandbox

    def takes(self, path: str, head: bytes) -> bool:
        """By content, unless the name says that a loader would not read it as text."""
        ending = ending_of(path)
        if ending in PICKLE_ENDINGS or (ending in FORMATS_BY_ENDING and ending != TEXT_OR_NOT):
            return False
        return kind_of(head) in ("text", "script", "empty")

    def scan(self, path: str, file: Path) -> tuple[Finding, ...]:
        """Findings on the file as code and as configuration."""
        notes = Notes(path)
        ending = ending_of(path)
        _require_text(file, notes)
        _require_no_long_value(file, notes)
        if ending in SCRIPTS:
            notes.review("code.script", "is a script")
        elif _read_as(path.rpartition("/")[2].lower()) in _LIMITS:
            notes.take(self._parsed(path, file))
        return notes.findings

    def _parsed(self, path: str, file: Path) -> tuple[Finding, ...]:
        if self._sandbox is not None:
            return self._sandbox.run("text", path, file)
        with Sandbox() as sandbox:
            return sandbox.run("text", path, file)


def _read_as(name: str) -> str:
    """The ending by which a text called ``name`` (in lowercase) is read; MLflow's has none."""
    return ".yaml" if name == "mlmodel" else _TEMPLATES.get(name) or ending_of(name)


def scan_structured(path: str, file: str, notes: Notes) -> None:
    """Parse a text by its ending and judge what it says; runs in the sandbox."""
    name = path.rpartition("/")[2].lower()
    ending = _read_as(name)
    limit = _LIMITS[ending]
    with Path(file).open("rb") as source:
        raw = source.read(limit + 1)
    if len(raw) > limit:
        notes.review(LIMIT, f"of more than {limit} bytes, which were not read")
        return
    judge_text(ending, name, raw, notes)


def judge_text(ending: str, name: str, raw: bytes, notes: Notes) -> None:
    """Judge one text: ``name`` is its file's name in lowercase."""
    if ending == ".py":
        judge_source(name, raw, notes)
    elif ending == ".ipynb":
        judge_notebook(raw, notes)
    elif ending == ".json":
        judge_config(name, raw, notes)
    elif ending in (".yaml", ".yml"):
        judge_yaml(raw, notes)
    elif ending in (".jinja", ".jinja2", ".j2"):
        lint_template(raw.decode("utf-8", "replace"), notes)
    elif ending == ".xml":
        judge_xml(raw, notes)
    elif ending == ".pbtxt":
        judge_graph_text(raw, notes)
    elif ending == ".prototxt":
        judge_caffe(raw, notes)


def _require_no_long_value(file: Path, notes: Notes) -> None:
    """Note a text so long that what its first letters claim, read as a pickle, could stand in it."""
    size = file.stat().st_size
    if size < 0x20202020:
        return
    with file.open("rb") as source:
        head = source.read(HEAD_BYTES)
    if claims_half_a_gigabyte(head) and int.from_bytes(head[1:5], "little") < size:
        notes.review(UNSUPPORTED, "a text of this length that begins like a pickle was not read as one")


def _require_text(file: Path, notes: Notes) -> None:
    """Note a NUL anywhere in the file: the head was text, the rest is not."""
    with file.open("rb") as source:
        if source.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return
        source.seek(0)
        at = 0
        while piece := source.read(1 << 20):
            if b"\0" in piece:
                notes.block(
                    "content.mismatch", "begins as text but holds binary data", at + piece.index(b"\0")
                )
                return
            at += len(piece)
