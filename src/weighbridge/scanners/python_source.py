"""Says what stands in Python source and notebooks; they are parsed, never imported.

All Python asks for review. The facts beside it (what it imports, what it calls) tell a reader where to look
first; that one is missing proves nothing.
"""

from __future__ import annotations

import ast
import json
import re
import warnings

from weighbridge.scanners.notes import LIMIT, Notes, shown

MAX_SOURCE_BYTES = 128 << 10
"""Some long texts take Python a second to parse; what is longer asks for review like all Python."""
MAX_NOTEBOOK_BYTES = 16 << 20
_MAX_NODES = 500_000
_MAX_FACTS = 20
_RUNNING = frozenset("eval exec compile __import__ getattr setattr breakpoint input".split())  # noqa: SIM905
_REACHING = frozenset(
    """
    os subprocess socket shutil ctypes pickle marshal importlib runpy requests httpx urllib http ftplib
    smtplib telnetlib asyncio multiprocessing pty base64 codecs builtins code codeop cffi webbrowser
    """.split()  # noqa: SIM905
)
_BUILDER = re.compile(
    rb"\bclass\s+\w{1,200}\(\s{0,50}(?:[\w.]{1,200}\.)?\w{0,50}(?:BasedBuilder|DatasetBuilder)\b"
)
"""How a script for ``datasets`` begins its class (its "Create a dataset loading script")."""
_ROLES = {
    "handler.py": "is the program of an inference endpoint",
    "pipeline.py": "is a pipeline that a loader may import",
    "setup.py": "runs when the repository is installed",
    "conftest.py": "runs with the tests",
}


def judge_source(name: str, raw: bytes, notes: Notes) -> None:
    """Note that a file is Python, and what in it reaches outside."""
    role = _ROLES.get(name, "is Python code that a loader may import")
    if _BUILDER.search(raw):
        role = "is a loading script: reading the data set runs it, and it makes the data"
    notes.review("code.python", role)
    _note_facts(raw, notes, "")


def judge_notebook(raw: bytes, notes: Notes) -> None:
    """Note that a notebook has cells of code, and what in them reaches outside."""
    if len(raw) > MAX_NOTEBOOK_BYTES:
        notes.review(LIMIT, f"a notebook of {len(raw)} bytes was not read")
        return
    try:
        book = json.loads(raw)
    except (ValueError, RecursionError) as error:
        notes.review("code.notebook", f"a notebook that is not JSON: {shown(str(error))}")
        return
    cells = book.get("cells") if isinstance(book, dict) else None
    sources = [
        "".join(map(str, cell["source"]))
        if isinstance(cell.get("source"), list)
        else str(cell.get("source", ""))
        for cell in (cells if isinstance(cells, list) else [])
        if isinstance(cell, dict) and cell.get("cell_type") == "code"
    ]
    if not sources and isinstance(cells, list):
        return
    notes.review("code.notebook", f"a notebook with {len(sources)} cells of code")
    left = MAX_SOURCE_BYTES
    for number, source in enumerate(sources[:1000]):
        left -= len(source)
        if left < 0:
            notes.review(LIMIT, "a notebook with more code than was read", f"cell {number}")
            return
        lines = [line for line in source.split("\n") if not line.lstrip().startswith(("!", "%"))]
        _note_facts("\n".join(lines).encode("utf-8", "replace"), notes, f"cell {number}:")
        for line in source.split("\n"):
            if line.lstrip().startswith("!"):
                notes.review("code.shell", f"runs {shown(line.strip())}", f"cell {number}", line.strip())


def _note_facts(raw: bytes, notes: Notes, where: str) -> None:
    if len(raw) > MAX_SOURCE_BYTES:
        notes.review(LIMIT, f"{len(raw)} bytes of Python were not read", where)
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(raw)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        notes.review("code.unreadable", f"cannot be parsed as Python: {shown(str(error))}", where)
        return
    facts: dict[str, int] = {}
    waiting: list[ast.AST] = [tree]
    for _ in range(_MAX_NODES):
        if not waiting:
            break
        node = waiting.pop()
        for fact in _facts(node):
            facts.setdefault(fact, getattr(node, "lineno", 0))
        waiting.extend(ast.iter_child_nodes(node))
    for fact, line in sorted(facts.items(), key=lambda item: (item[1], item[0]))[:_MAX_FACTS]:
        notes.review("code.fact", f"{fact}", f"{where}{line}", fact)


def _facts(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [f"imports {a.name}" for a in node.names if a.name.partition(".")[0] in _REACHING]
    if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _REACHING:
        return [f"imports {node.module}"]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _RUNNING:
        return [f"calls {node.func.id}"]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        base = node.func.value
        if isinstance(base, ast.Name) and base.id in _REACHING:
            return [f"calls {base.id}.{node.func.attr}"]
    return []
