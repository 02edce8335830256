"""Reads text: code that somebody would run, and configuration that makes a loader run code."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from weighbridge.domain.scan import Finding
from weighbridge.scanners.configs import judge_config
from weighbridge.scanners.content import (
    FORMATS_BY_ENDING,
    PICKLE_ENDINGS,
    SCRIPT_NAMES,
    SCRIPTS,
    TEXT_OR_NOT,
    ending_of,
)
from weighbridge.scanners.notes import LIMIT, UNSUPPORTED, Notes, shown
from weighbridge.scanners.python_source import MAX_NOTEBOOK_BYTES, judge_notebook, judge_source
from weighbridge.scanners.sandbox import Sandbox
from weighbridge.scanners.sniff import HEAD_BYTES, claims_half_a_gigabyte, kind_of
from weighbridge.scanners.templates import MAX_TEMPLATE_BYTES, find_escape, lint_template
from weighbridge.scanners.text_graphs import judge_caffe, judge_graph_text, judge_xml
from weighbridge.scanners.yaml_text import judge_yaml

_MARKUP = (".html", ".htm", ".xhtml", ".svg")
_PROMPTS = (".prompt", ".prompty")
_SOME_TEMPLATE = (".tmpl", ".tpl", ".template", *_PROMPTS)
"""Templates of some language: they are not parsed as Jinja, only looked through."""
REQUIREMENTS = "requirements.txt"
_ACTIVE = re.compile(
    rb"<\s{0,9}(?:script|iframe|object|embed|foreignobject|handler)\b|\bjavascript\s{0,9}:|\son[a-z]{3,20}\s{0,9}=",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"^\s*(?:-i\b|--(?:extra-)?index-url|-f\b|--find-links|--trusted-host)|^[^#]*?(?:\b(?:git|hg|svn|bzr)\+|https?://|file:)"
)
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
    ".pmml": 32 << 20,
    ".pbtxt": 64 << 20,
    ".prototxt": 64 << 20,
    **dict.fromkeys(_MARKUP, 32 << 20),
    **dict.fromkeys(_SOME_TEMPLATE, 1 << 20),
    REQUIREMENTS: 1 << 20,
}
"""Endings of texts that are parsed, in the sandbox, and how many bytes of them at most."""
_NAMES = {
    **dict.fromkeys(("chat_template.txt", "chat_template.tmpl"), ".jinja"),
    "mlmodel": ".yaml",
    ".zarray": ".json",
    ".zmetadata": ".json",
    "zarr.json": ".json",
    "template": ".template",
    "prompt.txt": ".prompt",
    "system_prompt.txt": ".prompt",
}
"""Texts that are read as another ending says than their own; MLflow's has none."""


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
        if ending in SCRIPTS or path.rpartition("/")[2].lower() in SCRIPT_NAMES:
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
    """The ending by which a text called ``name`` (in lowercase) is read."""
    if name.startswith("requirements") and name.endswith(".txt"):
        return REQUIREMENTS
    return _NAMES.get(name) or ending_of(name)


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
        lint_template(_decoded(raw), notes)
    elif ending in (".xml", ".pmml"):
        judge_xml(raw, notes)
    elif ending == ".pbtxt":
        judge_graph_text(raw, notes)
    elif ending == ".prototxt":
        judge_caffe(raw, notes)
    elif ending in _MARKUP:
        judge_markup(raw, notes)
    elif ending in _SOME_TEMPLATE:
        find_escape(_decoded(raw), notes, is_jinja=ending in _PROMPTS)
    elif ending == REQUIREMENTS:
        judge_requirements(raw, notes)


def _decoded(raw: bytes) -> str:
    is_wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return raw.decode("utf-16" if is_wide else "utf-8", "replace")


def judge_markup(raw: bytes, notes: Notes) -> None:
    """Note what a browser would run; a picture or a page without it is only shown."""
    found = _ACTIVE.search(raw)
    if found is not None:
        what = shown(found[0].decode("latin1"))
        notes.review("code.markup", f"a browser that opens it runs what stands in it ({what})", found.start())


def judge_requirements(raw: bytes, notes: Notes) -> None:
    """Note packages that an inference endpoint would install from elsewhere than the usual index."""
    for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), 1):
        if _ELSEWHERE.search(line):
            notes.review(
                "code.requirements", f"installs from elsewhere: {shown(line.strip())}", f"line {number}"
            )


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
