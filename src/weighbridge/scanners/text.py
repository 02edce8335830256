"""Reads text: code that somebody would run, and configuration that makes a loader run code."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path

from weighbridge.domain.scan import Finding
from weighbridge.scanners.content import FORMATS_BY_ENDING, PICKLE_ENDINGS, ending_of
from weighbridge.scanners.notes import LIMIT, Notes, shown
from weighbridge.scanners.sniff import kind_of

MAX_CONFIG_BYTES = 4 << 20
_MAX_BRACKETS = 200_000
_SCRIPTS = (".sh", ".bash", ".bat", ".ps1", ".js", ".ts", ".rb", ".pl")
_CODE_KEYS = ("auto_map", "custom_pipelines")


class TextScanner:
    """Takes what reads as text; decodes it to its end, so that nothing stands behind a text-like head."""

    def takes(self, path: str, head: bytes) -> bool:
        """By content, unless the name says that a loader would not read it as text."""
        ending = ending_of(path)
        if ending in PICKLE_ENDINGS or ending in FORMATS_BY_ENDING:
            return False
        return kind_of(head) in ("text", "script", "empty")

    def scan(self, path: str, file: Path) -> tuple[Finding, ...]:
        """Findings on the file as code and as configuration."""
        notes = Notes(path)
        ending, name = ending_of(path), path.rpartition("/")[2].lower()
        _require_text(file, notes)
        if ending == ".py":
            notes.review("code.python", "is Python code that a loader may import")
        elif ending in _SCRIPTS:
            notes.review("code.script", "is a script")
        elif ending == ".json":
            _scan_json(file, name, notes)
        return notes.findings


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


def _scan_json(file: Path, name: str, notes: Notes) -> None:
    is_config = name.endswith(("config.json", "model_index.json")) or name == "modules.json"
    size = file.stat().st_size
    if size > MAX_CONFIG_BYTES:
        if is_config:
            notes.review(LIMIT, f"a configuration of {size} bytes was not read")
        return
    raw = file.read_bytes()
    if raw.count(b"[") + raw.count(b"{") > _MAX_BRACKETS:
        if is_config:
            notes.review(LIMIT, "a configuration of too many parts was not read")
        return
    pairs: list[tuple[str, object]] = []

    def note(found: list[tuple[str, object]]) -> dict[str, object]:
        pairs.extend(found)
        return dict(found)

    try:
        value = json.loads(raw, object_pairs_hook=note)
    except (ValueError, RecursionError) as error:
        if is_config:
            notes.review("json.malformed", f"is not JSON: {shown(str(error))}")
        return
    _note_code(pairs, notes)
    if name == "model_index.json" and isinstance(value, dict) and isinstance(value.get("_class_name"), list):
        notes.review("code.custom_pipeline", "names a pipeline class of its own code", "_class_name")
    if name == "modules.json":
        _note_modules(value, notes)


def _note_code(pairs: list[tuple[str, object]], notes: Notes) -> None:
    """Keys at any depth, even one that a repeated key hides, that make a loader import code."""
    for key, value in pairs:
        if key in _CODE_KEYS and value:
            for target in _strings(value):
                if "--" in target:
                    why = "points to code in another repository"
                    notes.block(f"code.{key}", f"{key} {why}: {shown(target)}", key, target)
                else:
                    notes.review(f"code.{key}", f"{key} makes a loader import {shown(target)}", key, target)
        library = (
            dict(value).get("parent_library") if key == "auto_mapping" and isinstance(value, dict) else None
        )
        if isinstance(library, str) and library.partition(".")[0] not in ("transformers", "diffusers"):
            notes.review("code.auto_mapping", f"auto_mapping imports {shown(library)}", key, library)


def _note_modules(value: object, notes: Notes) -> None:
    for module in value if isinstance(value, list) else []:
        target = module.get("type") if isinstance(module, dict) else None
        if isinstance(target, str) and not target.startswith("sentence_transformers."):
            notes.review(
                "code.modules", f"modules.json makes a loader import {shown(target)}", "type", target
            )


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _strings(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _strings(entry)
