"""The Python files of a repository, graded. They are parsed, never imported or run.

A file's grade: .35 it parses, .20 no function is more complex than 15 (McCabe 1976), .15 share of
documented definitions, .15 share of annotated functions, .15 share of lines within 120 characters,
less .1 for a bare ``except``; halved where it runs commands, evaluates text or opens sockets.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from weighbridge.domain.evidence import Evidence
from weighbridge.metrics._examples import syntax_tree

COMPLEX = 15
LONG_LINE = 120
FILES_LIMIT, CHARACTERS_LIMIT = 50, 200_000
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonFile:
    """One file: its grade from 0 to 1, and why it is not better."""

    path: str
    grade: float
    reason: str


def python_files(evidence: Evidence) -> tuple[PythonFile, ...]:
    """Every Python file, by path, at most fifty; one that was too long to be captured is graded 0."""
    paths = sorted(path for path in evidence.manifest.by_path if path.lower().endswith(".py"))[:FILES_LIMIT]
    return tuple(_graded(path, evidence.content(path)) for path in paths)


def _graded(path: str, source: str | None) -> PythonFile:
    if source is None or len(source) > CHARACTERS_LIMIT:
        return PythonFile(path=path, grade=0.0, reason="is too long to be looked at")
    try:
        tree = syntax_tree(source.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return PythonFile(path=path, grade=0.0, reason="does not parse")
    return _weighed(path, source, tree)


def _weighed(path: str, source: str, tree: ast.Module) -> PythonFile:
    functions = [node for node in ast.walk(tree) if isinstance(node, _Function)]
    definitions = [*functions, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)), tree]
    complex_one = next((f.name for f in functions if complexity(f) > COMPLEX), None)
    documented = sum(ast.get_docstring(node) is not None for node in definitions) / len(definitions)
    annotated = sum(_is_annotated(f) for f in functions) / len(functions) if functions else 1.0
    lines = source.splitlines() or [""]
    short = sum(len(line) <= LONG_LINE for line in lines) / len(lines)
    bare = any(isinstance(node, ast.ExceptHandler) and node.type is None for node in ast.walk(tree))
    grade = 0.35 + (0.0 if complex_one else 0.20) + 0.15 * (documented + annotated + short) - 0.1 * bare
    danger = next(_dangers(tree), None)
    grade = max(0.0, grade) * (0.5 if danger else 1.0)
    flaws = [
        f"it calls {danger}" if danger else "",
        f"{complex_one} is too complex" if complex_one else "",
        "a bare except" if bare else "",
        f"{documented:.0%} documented, {annotated:.0%} annotated",
    ]
    return PythonFile(path=path, grade=round(grade, 4), reason=", ".join(flaw for flaw in flaws if flaw))


def complexity(function: _Function) -> int:
    """The cyclomatic complexity: one, and one for every decision."""
    total = 1
    for node in ast.walk(function):
        if isinstance(node, _BRANCHES):
            total += 1
        elif isinstance(node, ast.BoolOp):
            total += len(node.values) - 1
    return total


def _is_annotated(function: _Function) -> bool:
    arguments = [a for a in (*function.args.args, *function.args.kwonlyargs) if a.arg not in ("self", "cls")]
    return all(a.annotation for a in arguments) and (function.returns is not None or not arguments)


def _dangers(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
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
