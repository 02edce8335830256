"""The Python files of a repository, graded. They are parsed, never imported or run.

A file's grade: .35 it parses, .20 no function is more complex than 15 (McCabe 1976), .15 share of
documented definitions, .15 share of annotated functions, .15 share of lines within 120 characters,
less .1 for a bare ``except``; halved where it runs commands, evaluates text or opens sockets.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from weighbridge.domain.evidence import Evidence
from weighbridge.metrics._examples import syntax_tree

COMPLEX = 15
LONG_LINE = 120
FILES_LIMIT, CHARACTERS_LIMIT = 50, 200_000
ALL_LIMIT = 600_000
"""Characters of all files together: a parser needs about two seconds for a million of them."""
_BRANCHES = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension, ast.match_case,
)  # fmt: skip
_DANGEROUS_NAMES = frozenset({"eval", "exec", "compile", "__import__"})
_DANGEROUS_MODULES = frozenset({"subprocess", "socket", "ctypes", "pty", "marshal"})
_DANGEROUS_CALLS = frozenset(
    {
        "os.system",
        "os.popen",
        "os.execv",
        "os.execve",
        "os.spawnl",
        "os.spawnv",
        "pickle.load",
        "pickle.loads",
    }
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_UNREAD = (0.0, "is too long to be looked at")


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonFile:
    """One file: its grade from 0 to 1, why it is not better, and its size in bytes."""

    path: str
    grade: float
    reason: str
    size_bytes: int


def python_files(evidence: Evidence) -> tuple[PythonFile, ...]:
    """The fifty largest Python files; one that is too long to be looked at is graded 0."""
    found = [entry for entry in evidence.files if entry.path.lower().endswith(".py")]
    found.sort(key=lambda entry: (-entry.size_bytes, entry.path))
    graded, left = [], ALL_LIMIT
    for entry in found[:FILES_LIMIT]:
        source = evidence.content(entry.path)
        is_read = source is not None and len(source) <= min(CHARACTERS_LIMIT, left)
        left -= len(source) if source is not None and is_read else 0
        grade, reason = _graded(source) if source is not None and is_read else _UNREAD
        graded.append(PythonFile(path=entry.path, grade=grade, reason=reason, size_bytes=entry.size_bytes))
    return tuple(graded)


def mean_grade(files: Sequence[PythonFile]) -> float:
    """The grade of all code together, by bytes: small neat files hide no large one."""
    weights = [max(1, file.size_bytes) for file in files]
    weighed = sum(file.grade * weight for file, weight in zip(files, weights, strict=True))
    return weighed / sum(weights) if weights else 0.0


def _graded(source: str) -> tuple[float, str]:
    try:
        tree = syntax_tree(source.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0.0, "does not parse"
    nodes = list(ast.walk(tree))
    functions = [node for node in nodes if isinstance(node, _Function)]
    definitions = [*functions, *(node for node in nodes if isinstance(node, ast.ClassDef)), tree]
    complex_one = next((f.name for f, found in complexities(tree) if found > COMPLEX), None)
    documented = sum(ast.get_docstring(node) is not None for node in definitions) / len(definitions)
    annotated = sum(_is_annotated(f) for f in functions) / len(functions) if functions else 1.0
    lines = source.splitlines() or [""]
    short = sum(len(line) <= LONG_LINE for line in lines) / len(lines)
    bare = any(isinstance(node, ast.ExceptHandler) and node.type is None for node in nodes)
    grade = 0.35 + (0.0 if complex_one else 0.20) + 0.15 * (documented + annotated + short) - 0.1 * bare
    danger = next(_dangers(nodes), None)
    grade = max(0.0, grade) * (0.5 if danger else 1.0)
    flaws = [
        f"it calls {danger}" if danger else "",
        f"{complex_one} is too complex" if complex_one else "",
        "a bare except" if bare else "",
        f"{documented:.0%} documented, {annotated:.0%} annotated",
    ]
    return round(grade, 4), ", ".join(flaw for flaw in flaws if flaw)


def complexities(tree: ast.Module) -> list[tuple[_Function, int]]:
    """The cyclomatic complexity of every function: one, and one for every decision in it.

    In one walk, however deep functions stand in functions; the decisions of an inner one are the outer one's.
    """
    functions: list[_Function] = []
    outer: list[int] = []
    decisions: list[int] = []
    open_nodes: list[tuple[ast.AST, int]] = [(tree, -1)]
    while open_nodes:
        node, within = open_nodes.pop()
        if isinstance(node, _Function):
            functions.append(node)
            outer.append(within)
            decisions.append(0)
            within = len(functions) - 1
        elif within >= 0:
            decisions[within] += _decisions(node)
        open_nodes += [(inner, within) for inner in ast.iter_child_nodes(node)]
    for number in range(len(functions) - 1, -1, -1):  # an inner function always stands behind its outer one
        if outer[number] >= 0:
            decisions[outer[number]] += decisions[number]
    return [(function, 1 + found) for function, found in zip(functions, decisions, strict=True)]


def _decisions(node: ast.AST) -> int:
    if isinstance(node, _BRANCHES):
        return 1
    return len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0


def _is_annotated(function: _Function) -> bool:
    arguments = [a for a in (*function.args.args, *function.args.kwonlyargs) if a.arg not in ("self", "cls")]
    return all(a.annotation for a in arguments) and (function.returns is not None or not arguments)


def _dangers(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] in _DANGEROUS_MODULES)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            yield from (module,) if module.split(".")[0] in _DANGEROUS_MODULES else ()
            called = (f"{module}.{alias.name}" for alias in node.names)
            yield from (name for name in called if name in _DANGEROUS_CALLS)
        elif isinstance(node, ast.Call):
            yield from _dangerous_call(node.func)


def _dangerous_call(called: ast.expr) -> Iterator[str]:
    if isinstance(called, ast.Name) and called.id in _DANGEROUS_NAMES:
        yield called.id
    elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        named = f"{called.value.id}.{called.attr}"
        yield from (named,) if named in _DANGEROUS_CALLS else ()
