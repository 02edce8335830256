"""Reads JSON for what it makes a loader do: import code, build foreign classes, render a template."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from weighbridge.scanners.builders import judge_pair
from weighbridge.scanners.keras_config import judge_keras_json
from weighbridge.scanners.notes import LIMIT, Notes, shown
from weighbridge.scanners.templates import lint_template
from weighbridge.scanners.yaml_text import judge_target

MAX_CONFIG_BYTES = 4 << 20
_MAX_BRACKETS = 200_000
_MAX_TEMPLATES = 100
_CONFIG = re.compile(r"config[^/]*\.json$|(?:model_index|template)\.json$|^modules\.json$")
_WORDS = re.compile(rb"auto_map|custom_pipelines|chat_template|_target_|py/reduce|trust_remote_code")
"""What a JSON text that is too long to be read is searched for."""
_CODE_KEYS = ("auto_map", "custom_pipelines")
_KERNEL_KEYS = ("attn_implementation", "_attn_implementation", "experts_implementation")
_JSONPICKLE = {"object", "reduce", "function", "type", "repr", "newobj", "initargs", "mod", "property"}
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_LIBRARIES = {"diffusers", "transformers", "stable_diffusion", "onnxruntime", "optimum", "flax", "peft"}


def judge_config(name: str, raw: bytes, notes: Notes) -> None:
    """Note what in a JSON file called ``name`` (in lowercase) leads a loader to code."""
    is_config = _CONFIG.search(name) is not None
    if len(raw) > MAX_CONFIG_BYTES or raw.count(b"[") + raw.count(b"{") > _MAX_BRACKETS:
        if is_config or _WORDS.search(raw):
            notes.review(LIMIT, f"a configuration of {len(raw)} bytes was not read")
        return
    pairs: list[tuple[str, object]] = []

    def note(found: list[tuple[str, object]]) -> dict[str, object]:
        pairs.extend(found)
        _note_built(found, notes)
        return dict(found)

    try:
        value = json.loads(raw, object_pairs_hook=note)
    except (ValueError, RecursionError) as error:
        if is_config:
            notes.review("json.malformed", f"is not JSON: {shown(str(error))}")
        return
    _note_code(name, pairs, notes)
    _note_templates(pairs, notes)
    if name.endswith("model_index.json"):
        _note_pipeline(value, notes)
    if name == "modules.json":
        _note_modules(value, notes)
    if isinstance(value, dict) and isinstance(value.get("class_name"), str) and "config" in value:
        judge_keras_json(raw, notes)


def _note_code(name: str, pairs: list[tuple[str, object]], notes: Notes) -> None:
    """Keys at any depth, even one that a repeated key hides, that make a loader import code."""
    for key, value in pairs:
        if key in _CODE_KEYS and value:
            for target in _strings(value):
                if "--" in target:
                    why = "points to code in another repository"
                    notes.block(f"code.{key}", f"{key} {why}: {shown(target)}", key, target)
                else:
                    notes.review(f"code.{key}", f"{key} makes a loader import {shown(target)}", key, target)
        elif key in _KERNEL_KEYS:
            for kernel in _strings(value):
                if "/" in kernel:
                    why = f"{key} makes a loader fetch code from {shown(kernel)}"
                    notes.review("code.kernel", why, key, kernel)
        elif key == "trust_remote_code" and value is True and _CONFIG.search(name):
            notes.review("code.trust", "asks a loader to trust the code of a repository", key)
        elif key == "types" and isinstance(value, dict):
            _note_types(value.values(), notes)
        library = (
            dict(value).get("parent_library") if key == "auto_mapping" and isinstance(value, dict) else None
        )
        if isinstance(library, str) and library.partition(".")[0] not in ("transformers", "diffusers"):
            notes.review("code.auto_mapping", f"auto_mapping imports {shown(library)}", key, library)


def _note_built(found: list[tuple[str, object]], notes: Notes) -> None:
    """What the pairs of one object make a loader build or evaluate."""
    keys = {key for key, _ in found}
    for key, value in found:
        if key.startswith("py/") and key[3:] in _JSONPICKLE:
            report = notes.review if key == "py/object" else notes.block
            report("json.pickle", f"jsonpickle would act on {shown(key)}: {shown(str(value))}", key)
        for text in value if isinstance(value, list) else [value]:
            if not isinstance(text, str):
                continue
            if key == "_target_":
                judge_target(text, notes, key)
            elif text is value or text.startswith("$"):
                judge_pair(key, text, keys, notes, key)


def _note_types(types: Iterable[object], notes: Notes) -> None:
    """The modules of a router of sentence-transformers."""
    for target in types:
        dotted = isinstance(target, str) and _DOTTED.fullmatch(target) is not None
        if dotted and not str(target).startswith("sentence_transformers."):
            why = f"types makes a loader import {shown(str(target))}"
            notes.review("code.modules", why, "types", str(target))


def _note_templates(pairs: list[tuple[str, object]], notes: Notes) -> None:
    found: list[str] = []
    for key, value in pairs:
        if key == "chat_template":
            found.extend(_templates(value))
    for number, template in enumerate(dict.fromkeys(found)):
        if number >= _MAX_TEMPLATES:
            notes.review(LIMIT, f"more than {_MAX_TEMPLATES} chat templates")
            return
        lint_template(template, notes, "chat_template")


def _templates(value: object) -> Iterator[str]:
    """The templates of one entry: a text, the lines of one, or several with names."""
    if isinstance(value, list) and value and all(isinstance(line, str) for line in value):
        yield "".join(map(str, value))
        return
    for item in value if isinstance(value, list) else [value]:
        yield from _strings(item.get("template", list(item.values())) if isinstance(item, dict) else item)


def _note_pipeline(value: object, notes: Notes) -> None:
    """A diffusers pipeline: each component is [library, class], and the library is imported."""
    if not isinstance(value, dict):
        return
    if isinstance(value.get("_class_name"), list):
        notes.review("code.custom_pipeline", "names a pipeline class of its own code", "_class_name")
    for key, component in value.items():
        if key.startswith("_") or not isinstance(component, list) or len(component) not in (2, 3):
            continue
        library = component[0]
        if isinstance(library, str) and library.partition(".")[0] not in _LIBRARIES:
            notes.review(
                "code.component", f"{shown(key)} makes a loader import {shown(library)}", key, library
            )


def _note_modules(value: object, notes: Notes) -> None:
    for module in value if isinstance(value, list) else []:
        target = module.get("type") if isinstance(module, dict) else None
        if isinstance(target, str) and not target.startswith("sentence_transformers."):
            notes.review(
                "code.modules", f"modules.json makes a loader import {shown(target)}", "type", target
            )


def _strings(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
