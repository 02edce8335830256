"""Reads what a Keras model says it is made of: layers are fine, functions and other modules are not.

Keras builds objects by the names in ``config.json`` (or the HDF5 attribute ``model_config``). A Lambda
layer carries Python bytecode; a module outside Keras is imported; a few layers load further files.
"""

from __future__ import annotations

import builtins
import json
import re
import sys
from collections.abc import Mapping

from weighbridge.scanners.keras_names import KERAS_CLASSES, KERAS_LOSSES
from weighbridge.scanners.notes import LIMIT, Notes, shown

MAX_CONFIG_BYTES = 32 << 20
_MAX_BRACKETS = 400_000
_CODE = {"Lambda", "__lambda__", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer"}
"""Layers that carry code or load a program; each has been used to break into whoever loaded them."""
_MODULES = re.compile(
    r"keras(?:\.src)?(?:\.(?:activations|applications|constraints|dtype_policies|initializers|layers|losses"
    r"|metrics|models|ops|operations|optimizers|quantizers|random|regularizers|tree|engine|legacy"
    r"|backend\.common\.keras_tensor|backend)(?:\.[a-z0-9_]+)*)?"
)
_ALSO = {("keras.utils", "FeatureSpace"), ("keras.utils", "Cross"), ("keras.utils", "Feature")}
_OFFICIAL = {"keras_hub", "keras_nlp", "keras_cv"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:>[A-Za-z_][A-Za-z0-9_]*)?")
_UNSAFE = re.compile(
    r"^(?:get|serialize|deserialize)$|get_file|unsafe|load_model|load_weights|save|Lambda|numpy_function|py_function|exec|eval"
)
_VOCABULARIES = ("vocabulary", "idf_weights")
_TF_SYMBOLS = re.compile(
    r"(?:math|nn|linalg|bitwise|sparse|strings|image|signal|ragged|sets|quantization|random"
    r"|__operators__|compat\.v1\.(?:math|nn|image|linalg)|compat\.v1\.[a-z_]+|keras\.backend\.[a-z_]+|[a-z_0-9]+)"
    r"(?:\.[a-z_0-9]+)?"
)
_TF_FOREIGN = re.compile(r".*(?:py_func|numpy_function|read|write|file|print|load|save|eval|raw_ops|io\b).*")
_TF_LAYERS = {"TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty"}
_OTHER_TYPES = {"TensorShape", "DType", "TypeSpec", "TensorSpec", "RaggedTensorSpec", "function", "Policy"}
RULE = "keras.code"


def judge_keras_json(raw: bytes, notes: Notes, where: str = "") -> None:
    """Note what a Keras configuration would make a loader import or run."""
    if len(raw) > MAX_CONFIG_BYTES or raw.count(b"[") + raw.count(b"{") > _MAX_BRACKETS:
        notes.review(LIMIT, "the Keras configuration is larger than any real one", where)
        return

    def judge(pairs: list[tuple[str, object]]) -> dict[str, object]:
        # Of a key that stands twice every value is judged.
        every: dict[str, list[object]] = {}
        for key, value in pairs:
            every.setdefault(key, []).append(value)
        _judge(every, notes, where)
        # All that an object further out is asked for; the rest of a large model need not be held.
        return {"function": every["function"][-1]} if "function" in every else {}

    try:
        json.loads(raw, object_pairs_hook=judge)
    except (ValueError, RecursionError) as error:
        notes.block("keras.malformed", f"the Keras configuration is not JSON: {shown(str(error))}", where)


def _judge(found: Mapping[str, list[object]], notes: Notes, where: str) -> None:
    kinds = [kind for kind in found.get("class_name", []) if isinstance(kind, str)]
    for kind in kinds:
        _judge_class(kind, found, notes, where)
    for module in found.get("module", []):
        if kinds and isinstance(module, str):
            _judge_module(module, kinds, found, notes, where)
    if not any(isinstance(module, str) for module in found.get("module", [])):
        for kind in kinds:
            _judge_bare(kind, notes, where)
    _judge_losses(found, notes, where)
    _judge_vocabularies(found, notes, where)
    for registered in found.get("registered_name", []):
        if isinstance(registered, str) and ">" in registered and not registered.startswith("keras"):
            notes.review(
                "keras.registered", f"needs the registered class {shown(registered)}", where, registered
            )


def _judge_vocabularies(found: Mapping[str, list[object]], notes: Notes, where: str) -> None:
    for key in _VOCABULARIES:
        for value in found.get(key, []):
            if isinstance(value, str) and value:
                notes.block("keras.file", f"a layer reads the file {shown(value)!r}", where, value)
            elif isinstance(value, dict):
                notes.review("keras.file", f"the {key} of a layer is neither a list nor a file", where, key)


def _judge_losses(found: Mapping[str, list[object]], notes: Notes, where: str) -> None:
    for loss in found.get("loss", []):
        if isinstance(loss, str) and loss not in KERAS_LOSSES:
            notes.review("keras.custom", f"needs a loss called {shown(loss)}", where, loss)


def _judge_bare(kind: str, notes: Notes, where: str) -> None:
    """Without a module the loader looks among its own classes, then among those that its user registered."""
    last = kind.rpartition(">")[2].rpartition(".")[2]
    if last == "__typespec__":
        notes.review("keras.custom", "needs a type by its name alone", where, last)
    own = last in KERAS_CLASSES or last in _CODE or last in _TF_LAYERS or last.startswith("__")
    if not own and last not in _OTHER_TYPES and _NAME.fullmatch(last):
        notes.review("keras.custom", f"needs a class {shown(kind)}, which Keras does not have", where, kind)


def _judge_class(kind: str, found: Mapping[str, list[object]], notes: Notes, where: str) -> None:
    last = kind.rpartition(">")[2].rpartition(".")[2]
    if last in _CODE:
        notes.block(RULE, f"a layer of class {shown(kind)} carries code", where, kind)
    elif last == "TensorFlowOpLayer":
        notes.review("keras.operator", "a layer runs an operator of TensorFlow by its name", where, kind)
    elif last in _TF_LAYERS:
        for config in found.get("config", []):
            symbols = config.get("function") if isinstance(config, dict) else None
            _judge_symbol(symbols, notes, where)
    elif ">" in kind and not kind.startswith("keras"):
        notes.review("keras.registered", f"needs the registered class {shown(kind)}", where, kind)
    elif not _NAME.fullmatch(last) and kind not in ("__ellipsis__", "__tuple__"):
        notes.block(RULE, f"names a class {shown(kind)!r}", where, kind)


def _judge_symbol(symbol: object, notes: Notes, where: str) -> None:
    """A TFOpLambda layer calls any public function of TensorFlow by its name."""
    if not isinstance(symbol, str):
        return
    if _TF_FOREIGN.fullmatch(symbol) or not _TF_SYMBOLS.fullmatch(symbol):
        notes.block(RULE, f"a layer calls tf.{shown(symbol)}", where, symbol)


def _judge_module(
    module: str, kinds: list[str], found: Mapping[str, list[object]], notes: Notes, where: str
) -> None:
    names = [*kinds, *(config for config in found.get("config", []) if isinstance(config, str))]
    if module == "builtins" and set(kinds) <= {"function"}:
        for name in names:
            if name != "function" and (hasattr(builtins, name) or not _NAME.fullmatch(name)):
                notes.block(RULE, f"names the Python function {shown(name)}", where, name)
            elif name != "function":
                notes.review("keras.function", f"needs a function called {shown(name)}", where, name)
    elif module.partition(".")[0] in _OFFICIAL and not any(map(_UNSAFE.search, names)):
        notes.review("keras.package", f"needs {shown(module)}, a package of the Keras team", where, module)
    elif not _MODULES.fullmatch(module) and (module, *kinds) not in _ALSO:
        full = f"{module}.{names[-1] if names else ''}"
        notes.block("keras.module", f"imports {shown(full)}, which is not part of Keras", where, full)
    elif any(map(_is_unsafe, names)):
        full = f"{module}.{next(filter(_is_unsafe, names))}"
        notes.block(RULE, f"calls {shown(full)}", where, full)


def _is_unsafe(name: str) -> bool:
    """Whether a name in a module of Keras is that of something else than a class or an operation."""
    return (
        _UNSAFE.search(name) is not None or name in sys.stdlib_module_names or _NAME.fullmatch(name) is None
    )
