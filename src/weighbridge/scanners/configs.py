"""Reads JSON for what it makes a loader do: import code, build foreign classes, render a template."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from weighbridge.domain.paths import path_faults
from weighbridge.scanners.builders import judge_class, judge_pair, judge_running
from weighbridge.scanners.keras_config import judge_keras_json
from weighbridge.scanners.notes import LIMIT, Notes, shown
from weighbridge.scanners.paths import INDEX_ENDINGS
from weighbridge.scanners.places import note_places
from weighbridge.scanners.templates import find_escape, lint_template
from weighbridge.scanners.yaml_text import judge_target

MAX_CONFIG_BYTES = 4 << 20
_MAX_BRACKETS = 200_000
_MAX_TEMPLATES = 100
_CONFIG = re.compile(r"config[^/]*\.json$|(?:model_index|template)\.json$|^modules\.json$")
_WORDS = re.compile(
    rb"auto_map|custom_pipelines|chat_template|_target_|trust_remote_code|\"py/[a-z]+\""
    rb"|\"(?:class_name|class_path|loader_module|weight_map|weightsManifest|_data_files|@module|__instance_type__"
    rb"|custom_imports|custom_ops_library)\"\s*:\s*[\"\[{]"
    rb"|\\u00(?:4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9Aa])"
)
"""What a JSON text that is too long to be read is searched for. Nobody has to escape a letter."""
_CODE_KEYS = ("auto_map", "custom_pipelines", "custom_imports")
_INSTALLING = frozenset({"preinstall", "install", "postinstall", "prepare"})
_SENTENCE = re.compile(r"sentence_transformers(?:\.[a-z_][a-z0-9_]*)*\.[A-Z]\w*")
_ZARR = (".zarray", ".zmetadata", "zarr.json")
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
    is_keras = False

    def note(found: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal is_keras
        pairs.extend(found)
        _note_built(found, notes, is_config)
        result = dict(found)
        # A model may lie deeper (model.json of TensorFlow.js, the presets of keras_hub).
        is_keras = is_keras or (isinstance(result.get("class_name"), str) and "config" in result)
        return result

    try:
        value = json.loads(raw, object_pairs_hook=note)
    except RecursionError:
        notes.review(LIMIT, "a JSON text that nests too deep was not read")
        return
    except ValueError as error:
        if is_config:
            notes.review("json.malformed", f"is not JSON: {shown(str(error))}")
        return
    _note_code(name, pairs, notes)
    _note_templates(pairs, notes)
    if not name.endswith(INDEX_ENDINGS):  # those are read with the names of the whole tree
        note_places(pairs, notes)
    if name.endswith("model_index.json"):
        _note_pipeline(value, notes)
    if name == "modules.json":
        _note_modules(value, notes)
    if name == "package.json":
        _note_installing(value, notes)
    if is_keras:
        judge_keras_json(raw, notes)


def _note_code(name: str, pairs: list[tuple[str, object]], notes: Notes) -> None:
    """Keys at any depth, even one that a repeated key hides, that make a loader import code."""
    for key, value in pairs:
        if key in _CODE_KEYS:
            for target in _strings(value):
                _note_import(key, target, notes)
        elif key in _KERNEL_KEYS:
            for kernel in _strings(value):
                if "/" in kernel:
                    why = f"{key} makes a loader fetch code from {shown(kernel)}"
                    notes.review("code.kernel", why, key, kernel)
        elif key == "custom_ops_library":
            for library in _strings(value):
                notes.review("code.library", f"makes a loader open {shown(library)}", key, library)
        elif key == "trust_remote_code" and value is True and _CONFIG.search(name):
            notes.review("code.trust", "asks a loader to trust the code of a repository", key)
        elif isinstance(value, dict):
            _note_object(key, value, notes)
        elif key == "id" and value == "pickle" and name in _ZARR:
            notes.block("json.pickle", "the chunks of the array are pickles", key)


def _note_import(key: str, target: str, notes: Notes) -> None:
    if "--" in target:
        why = f"{key} points to code in another repository: {shown(target)}"
        notes.block(f"code.{key}", why, key, target)
    else:
        notes.review(f"code.{key}", f"{key} makes a loader import {shown(target)}", key, target)


def _note_object(key: str, value: Mapping[str, object], notes: Notes) -> None:
    if key == "types":
        _note_types(value.values(), notes)
    elif key == "auto_mapping":
        _note_parent(value.get("parent_library"), notes)


def _note_parent(library: object, notes: Notes) -> None:
    """The module in which an adapter of PEFT finds the class of its base model."""
    if isinstance(library, str) and library.partition(".")[0] not in ("transformers", "diffusers"):
        notes.review("code.auto_mapping", f"auto_mapping imports {shown(library)}", "auto_mapping", library)


def _note_built(found: list[tuple[str, object]], notes: Notes, is_config: bool) -> None:
    """What the pairs of one object make a loader build or evaluate."""
    keys = {key for key, _ in found}
    judge_class(found, notes)
    for key, value in found:
        if key.startswith("py/") and key[3:] in _JSONPICKLE:
            report = notes.review if key == "py/object" else notes.block
            report("json.pickle", f"jsonpickle would act on {shown(key)}: {shown(str(value))}", key)
        for text in _listed(value):
            if is_config or "template" in key or "prompt" in key:
                find_escape(text, notes, key)
            if is_config:
                judge_running(text, notes, key)
            if key == "_target_":
                judge_target(text, notes, key)
            elif text is value or text.startswith("$"):
                judge_pair(key, text, keys, notes, key)


def _note_types(types: Iterable[object], notes: Notes) -> None:
    """The modules of a router of sentence-transformers."""
    for target in types:
        dotted = isinstance(target, str) and _DOTTED.fullmatch(target) is not None
        if dotted and not _SENTENCE.fullmatch(str(target)):
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
        place = module.get("path") if isinstance(module, dict) else None
        if isinstance(place, str) and place and path_faults(place.removesuffix("/")):
            why = f"a module lies in {shown(place)}, outside of the repository"
            notes.block("index.outside", why, "path", place)
        target = module.get("type") if isinstance(module, dict) else None
        if isinstance(target, str) and not _SENTENCE.fullmatch(target):
            notes.review(
                "code.modules", f"modules.json makes a loader import {shown(target)}", "type", target
            )


def _note_installing(value: object, notes: Notes) -> None:
    scripts = value.get("scripts") if isinstance(value, dict) else None
    for name in sorted(_INSTALLING.intersection(scripts if isinstance(scripts, dict) else ())):
        notes.review("code.script", f"runs a command when it is installed ({name})", "scripts", name)


def _listed(value: object) -> Iterator[str]:
    """The texts of a value, of a list and of the lists in it; objects speak for themselves."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting.extend(reversed(value))


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
