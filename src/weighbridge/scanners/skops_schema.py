"""Reads the ``schema.json`` of a skops file: every object in it says of which class it is.

Format: skops 0.16, ``skops/io``. Types that hold numbers and text are fine, estimators of scikit-learn
too; a function or a class of anybody else would be imported and called.
"""

from __future__ import annotations

import json
import re

from weighbridge.domain.paths import path_faults
from weighbridge.domain.scan import Severity
from weighbridge.scanners.notes import LIMIT, Notes, shown
from weighbridge.scanners.pickle_names import judge_global

_MAX_BYTES = 32 << 20
_MAX_BRACKETS = 400_000
_PLAIN = re.compile(
    r"builtins\.(?:dict|list|tuple|set|frozenset|str|int|float|bool|bytes|bytearray|complex|slice|range|type"
    r"|NoneType|object)"
    r"|collections\.(?:OrderedDict|defaultdict|Counter|deque)|datetime\.(?:datetime|date|timedelta|timezone)"
    r"|numpy\.(?:ndarray|matrix|dtype|generic|bool_|bool|str_|void|object_|u?int(?:8|16|32|64|p|c)?"
    r"|float(?:16|32|64|128)?|complex(?:64|128|256)?|longlong|ulonglong|datetime64|timedelta64)"
    r"|numpy\.random\._generator\.Generator|numpy\.random\.mtrand\.RandomState|numpy\.dtypes\.[A-Za-z0-9]+DType"
    r"|numpy\.random\._(?:pcg64\.PCG64(?:DXSM)?|mt19937\.MT19937|philox\.Philox|sfc64\.SFC64)"
    r"|numpy\.ma(?:\.core)?\.MaskedArray"
    r"|scipy\.sparse(?:\.[_a-z]+)*\.[a-z]{3}_(?:matrix|array)|functools\.partial|types\.NoneType"
)
_UFUNC = re.compile(r"(?:numpy|scipy\.special|scipy\.special\._ufuncs)\.[a-z0-9_]+")
_BY_NAME = {"FunctionNode", "MethodNode", "OperatorFuncNode", "PartialNode", "TypeNode"}
_DATA_NODES = frozenset(
    """
    DictNode DefaultDictNode ListNode SetNode TupleNode SliceNode TypeNode FunctionNode PartialNode ObjectNode
    JsonNode BytesNode BytearrayNode CachedNode DatetimeNode TimedeltaNode NdArrayNode MaskedArrayNode
    RandomStateNode RandomGeneratorNode DTypeNode SparseMatrixNode TreeNode SGDNode LossNode
    _DictWithDeprecatedKeysNode QuantileForestNode
    """.split()  # noqa: SIM905
)
"""Loaders whose node is what its class says: the data of it, or the class or function of that name."""
_FOREIGN = re.compile(r".*(?:load|save|open|file|eval|exec|system|memmap|ctypes|call).*", re.IGNORECASE)


class _Node(list[tuple[str, object]]):
    """What is kept of a node for the one around it."""


def judge_skops(raw: bytes, notes: Notes, where: str = "") -> None:
    """Note every type of the schema that is not known to hold only data."""
    if len(raw) > _MAX_BYTES or raw.count(b"[") + raw.count(b"{") > _MAX_BRACKETS:
        notes.review(LIMIT, "the schema is larger than any real one", where)
        return

    def judge(pairs: list[tuple[str, object]]) -> object:
        _judge_node(pairs, notes, where)
        # All that a node further out is asked for; the rest of a large model need not be held.
        return _Node(pair for pair in pairs if pair[0] == "func")

    try:
        json.loads(raw, object_pairs_hook=judge)
    except (ValueError, RecursionError) as error:
        notes.block("skops.malformed", f"the schema is not JSON: {shown(str(error))}", where)


def _judge_node(pairs: list[tuple[str, object]], notes: Notes, where: str) -> None:
    loaders = {str(value) for key, value in pairs if key == "__loader__"}
    for loader in sorted(loaders - _DATA_NODES):
        _judge_loader(loader, pairs, notes, where)
    for key, value in pairs:
        if key == "file" and isinstance(value, str) and path_faults(value):
            notes.block("skops.outside", f"a node reads {shown(value)}, outside of the archive", where, value)
    for module in (value for key, value in pairs if key in ("__module__", "module_path")):
        for name in (value for key, value in pairs if key in ("__class__", "function")):
            _judge(module, name, loaders, notes, where)


def _judge_loader(loader: str, pairs: list[tuple[str, object]], notes: Notes, where: str) -> None:
    """Nodes that are not what their class says (CVE-2025-54412, CVE-2025-54413)."""
    if loader == "OperatorFuncNode":
        notes.block(
            "skops.type", "a node calls a function of operator, whatever class it claims", where, loader
        )
    elif loader == "MethodNode":
        contents = (value for key, value in pairs if key == "content" and isinstance(value, _Node))
        for name in (value for node in contents for key, value in node if key == "func"):
            what = f"reads {shown(str(name))} off an object"
            report = notes.block if str(name).startswith("_") else notes.review
            report("skops.function", f"a node {what}", where, str(name))
        notes.review("skops.function", "a node reads a method off an object by its name", where, loader)
    else:
        notes.review("skops.node", f"a node is made by {shown(loader)}, which is not known", where, loader)


def _judge(module: object, name: object, loaders: set[str], notes: Notes, where: str) -> None:
    full = f"{module}.{name}"
    if not isinstance(module, str) or not isinstance(name, str):
        if isinstance(name, (dict, list)):
            return
        notes.block("skops.type", f"a node of the type {shown(full)}", where, full)
    elif loaders & _BY_NAME and _UFUNC.fullmatch(full) and not _FOREIGN.fullmatch(name):
        notes.review("skops.function", f"names the function {shown(full)}", where, full)
    elif _PLAIN.fullmatch(full) or judge_global(module, name) is Severity.ALLOW:
        return
    elif judge_global(module, name) is Severity.REVIEW:
        if not module.startswith("sklearn."):
            notes.review("skops.class", f"names {shown(full)}, a known class of an ML library", where, full)
    else:
        notes.block("skops.type", f"names {shown(full)}, which is not known to hold only data", where, full)
