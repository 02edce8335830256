"""What a configuration makes a loader import and call by its dotted name.

Many loaders build objects from names in JSON and YAML: Hydra and NeMo (``_target_``), latent diffusion
(``target`` and ``params``), jsonargparse (``class_path``), pyannote (``name`` and ``params``), MLflow
(``loader_module``), sentence-transformers (``activation_function``), HyperPyYAML (tags), MONAI (expressions).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from weighbridge.domain.paths import path_faults
from weighbridge.scanners.notes import Notes, shown

RULE = "config.target"
EXPRESSION = "config.expression"
ACTIVATIONS = ("activation_function", "activation_fn", "sbert_ce_default_activation_function")
_MODULES = frozenset({"loader_module", "megatron_core"})
_CLASSES = frozenset({"class_path", "_class", "__class__", *_MODULES})
_PERHAPS = frozenset({"target", "name", "type", "class", "cls", "class_name", "func", "function", "callable",
                      "factory", "module", "klass", *ACTIVATIONS})  # fmt: skip
_COMMON = frozenset({"name", "type", "module"})
"""Keys that say a hundred other things: only with arguments beside them is it certain what they say."""
_ARGUMENTS = frozenset({"params", "init_args", "kwargs", "args", "arguments", "dict_kwargs",
                        "init_parameters"})  # fmt: skip
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_ENTRY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_WORD = re.compile(r"[A-Za-z_]\w*")
_OUTSIDE = "os|posix|nt|sys|subprocess|shutil|socket|builtins|importlib|pickle|runpy|pty|ctypes|marshal|pip"
_FOREIGN = re.compile(
    rf"(?:.*\.)?(?:{_OUTSIDE})\..*"
    r"|torch\.(?:load|hub|package|jit\.load|ops\.load_library|utils\.cpp_extension|serialization)(?:\..*)?"
    r"|numpy\.load|joblib\.load|pandas\.(?:read_pickle|eval)|(?:cloudpickle|dill|hydra\.utils)\..*"
)
_KNOWN = re.compile(
    r"torch\.nn(?:\.[a-z_][a-z0-9_]*)*\.[A-Z]\w*|mlflow(?:\.[a-z_][a-z0-9_]*)*|megatron\.core"
    r"|sentence_transformers(?:\.[a-z_][a-z0-9_]*)*\.[A-Z]\w*"
)
"""What a loader builds without a question."""
_TAG = re.compile(r"!(new|name|apply|applyref|module|include):(.*)", re.DOTALL)
_EVALUATED = re.compile(
    r"__import__\s*\(\s*['\"]|\b(?:os\.(?:system|popen)|subprocess\.\w+|importlib\.import_module)\s*\(|^\s*bash\s+-c\b"
)
_CALLING = re.compile(r"\$\s*(?:import\s|from\s|[^{\s].*\()", re.DOTALL)
_RUNNING = re.compile(
    r"__(?:import|class|globals|subclasses|builtins|bases?|mro|dict|getattribute|code|reduce\w*|call)__"
    r"|\b(?:eval|exec|breakpoint|import_module)\s*\(|\bos\.(?:system|popen|spawn|exec|posix_spawn|fork)"
    r"|\bsubprocess\b|\brunpy\b|\bpty\.spawn"
)


def judge_pair(key: str, value: str, siblings: Collection[str], notes: Notes, at: object) -> None:
    """Note what ``key: value`` of a mapping with the keys ``siblings`` makes a loader build.

    ``_target_`` is not looked at here: what it may name depends on the format.
    """
    if value.startswith("$"):
        _judge_expression(value, notes, at)
    elif key in _MODULES and _WORD.fullmatch(value):
        notes.review(RULE, f"makes a loader import {shown(value)}", at, value)
    elif key == "entry_point" and _ENTRY.fullmatch(value):
        report = notes.block if _FOREIGN.fullmatch(value.replace(":", ".")) else notes.review
        report(RULE, f"makes a loader call {shown(value)}", at, value)
    elif (key not in _CLASSES and key not in _PERHAPS) or _NAME.fullmatch(value) is None:
        return
    elif _FOREIGN.fullmatch(value):
        report = notes.review if key in _COMMON and _ARGUMENTS.isdisjoint(siblings) else notes.block
        report(RULE, f"makes a loader call {shown(value)}", at, value)
    elif _KNOWN.fullmatch(value):
        return
    elif key in _CLASSES or key in ACTIVATIONS or not _ARGUMENTS.isdisjoint(siblings):
        notes.review(RULE, f"makes a loader build {shown(value)}", at, value)
    elif key == "target" and value.rpartition(".")[2][:1].isupper():
        notes.review(RULE, f"may make a loader build {shown(value)}", at, value)


def judge_class(pairs: Collection[tuple[str, object]], notes: Notes) -> None:
    """Note an object of JSON that says of which class it is, as monty, json-tricks and LangChain write it."""
    found = dict(pairs)
    parts: object = [found.get("@module"), found.get("@class")]
    if "__instance_type__" in found:
        parts = found["__instance_type__"]
    elif "lc" in found and found.get("type") == "constructor":
        parts = found.get("id")
    if isinstance(parts, list) and parts and all(isinstance(part, str) for part in parts):
        full = ".".join(parts)
        report = notes.block if _FOREIGN.fullmatch(full) else notes.review
        report(RULE, f"makes a loader build {shown(full)}", "class", full)


def judge_running(value: str, notes: Notes, at: object) -> None:
    """Note a text that is Python which imports and calls: some loaders evaluate the parts of a model."""
    if _EVALUATED.search(value):
        notes.review(EXPRESSION, f"a loader that evaluates it would run {shown(value)}", at)


def judge_tag(tag: str, notes: Notes, at: object) -> None:
    """Note a tag of HyperPyYAML, whose loader builds, calls, imports or includes what it names."""
    match = _TAG.fullmatch(tag)
    if match is None:
        if tag != "!":
            why = f"the tag {shown(tag)} means something to one loader only"
            notes.review("yaml.tag", why, at, tag)
        return
    verb, name = match[1], match[2]
    if verb == "include" and path_faults(name.removeprefix("./")):
        notes.block("yaml.include", f"includes the file {shown(name)}", at, name)
    elif verb == "include":
        notes.review("yaml.include", f"includes the file {shown(name)}", at, name)
    elif _FOREIGN.fullmatch(f"{name}."):
        notes.block(RULE, f"the tag {shown(tag)} makes a loader call Python", at, name)
    else:
        notes.review(RULE, f"the tag {shown(tag)} makes a loader build it", at, name)


def _judge_expression(text: str, notes: Notes, at: object) -> None:
    """A text that begins with ``$`` is Python to MONAI; elsewhere it is a price, a path or a formula."""
    call = _CALLING.match(text)
    if call is not None and _RUNNING.search(text):
        notes.block(EXPRESSION, f"a loader evaluates {shown(text)}", at)
    elif call is not None and ("$" not in text[1:] or text[1:].lstrip().startswith(("import", "from"))):
        notes.review(EXPRESSION, f"a loader may evaluate {shown(text)}", at)
