"""The code examples of a card, graded. They are parsed, never imported or run.

Grades: 1.0 it parses, loads a model and names this repository; 0.7 it loads another or an unnamed
one; 0.5 it parses; 0.3 it does not. A shell block counts when it calls a known runner.
"""

from __future__ import annotations

import ast
import re
import textwrap
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from weighbridge.domain.card import Card
from weighbridge.domain.markdown import CodeBlock, Line
from weighbridge.domain.ref import RepoId, RepoKind

warnings.filterwarnings("ignore", category=SyntaxWarning, module="<card>")
# What a card's author escapes wrongly is no warning to whoever runs this process.

PARSES = 0.5
"""From this grade on, a block parses."""
_PARSING = threading.Lock()
CODE_LIMIT = 20_000
"""Longer blocks, in characters, are cut: no example needs more, and parsing has to be bounded."""

BLOCKS_LIMIT = 50
"""Blocks of one card that are parsed."""

_PYTHON = frozenset({"python", "py", "python3", "pycon", "ipython", "ipython3", "jupyter"})
_SHELL = frozenset({"bash", "sh", "shell", "console", "zsh", "cmd", "powershell", "shell-session"})
_SCRIPT = frozenset({"js", "javascript", "ts", "typescript", "jsx", "tsx"})
_LOADER = re.compile(
    r"from_pretrained|from_pretrained_keras|from_hub|from_huggingface|from_single_file|pipeline|load_model|"
    r"SentenceTransformer|CrossEncoder|SparseEncoder|hf_hub_download|snapshot_download|load_from_hub|Llama|LLM|"
    r"InferenceSession|load_file|load_learner|load_checkpoint|create_model\w*|WhisperModel"
)
"""Calls that get a model from somewhere, by their last name."""
_DATA_LOADER = re.compile(
    r"load_dataset|load_dataset_builder|hf_hub_download|snapshot_download|WebDataset|HfFileSystem|"
    r"(?:read|scan|from)_(?:parquet|csv|json|ndjson|delta|arrow|feather)"
)
"""The same of data."""
_LOADERS_OF = frozenset(
    {("joblib", "load"), ("spacy", "load"), ("torch", "load"), ("skops", "load"), ("hub", "load")}
)
_RUNNER = re.compile(
    r"(?:^|[\s/;&|])(?:llama-cli|llama-server|llama-run|llama-simple|main\s+-|ollama\s+(?:run|pull)|vllm\s+serve|"
    r"text-generation-launcher|transformers\s+(?:chat|serve|run)|mlx_lm\.\w+|python\d?\s+-m\s+(?:llama_cpp|vllm|"
    r"mlx_lm|sglang|transformers|optimum|whisper|onnxruntime)|sglang\s+serve|whisper-cli|lms\s+load|llamafile|"
    r"docker\s+model\s+run|litert-lm|optimum-cli)",
    re.MULTILINE,
)
_DATA_RUNNER = re.compile(r"(?:^|[\s/;&|])(?:hf|huggingface-cli)\s+download\b|\bgit\s+clone\b", re.MULTILINE)
_SCRIPT_LOADER = re.compile(r"\b(?:from_pretrained|pipeline|InferenceSession\.create)\s*\(")
_IMPORT = re.compile(r"^[ \t]{0,8}(?:>>> ?)?(?:from\s+[\w.]+\s+import\b|import\s+\w)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ways:
    """By what one gets hold of a kind of repository: calls, commands, and what is then loaded."""

    loader: re.Pattern[str]
    runner: re.Pattern[str]
    what: str


_OF_MODELS = _Ways(loader=_LOADER, runner=_RUNNER, what="a model")
_OF_DATA = _Ways(loader=_DATA_LOADER, runner=_DATA_RUNNER, what="data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One graded block: its first telling line, and the grade in words."""

    block: CodeBlock
    grade: float
    line: Line
    reason: str


def best_example(card: Card, repo: RepoId) -> Example | None:
    """The example that helps most; None where the card has none."""
    return max(examples(card, repo), key=lambda example: (example.grade, -example.line.number), default=None)


def examples(card: Card, repo: RepoId) -> list[Example]:
    """Every block that is code one would run, graded."""
    ways = _OF_DATA if repo.kind is RepoKind.DATASET else _OF_MODELS
    return [example for block in card.code[:BLOCKS_LIMIT] if (example := _graded(block, repo, ways))]


def names(repo: RepoId, text: str) -> bool:
    """Whether a text names the repository, or is its bare old-style name."""
    whole = re.escape(repo.full_name.casefold())
    folded = text.casefold()
    return folded == repo.name.casefold() or bool(
        re.search(rf"(?<![\w.-]){whole}(?![\w-]|\.\w)", folded[:CODE_LIMIT])
    )


def _graded(block: CodeBlock, repo: RepoId, ways: _Ways) -> Example | None:
    code = block.code[:CODE_LIMIT]
    if "ore information needed" in code.lower():
        return None
    if block.language in _SCRIPT:
        found = _SCRIPT_LOADER.search(code)
        reason = "loads a model in JavaScript, which is not parsed here"
        return _example(block, 0.5, reason, ways) if found else None
    if block.language in _SHELL or (not block.language and ways.runner.search(code)):
        return _graded_shell(block, code, repo, ways)
    if block.language in _PYTHON or (not block.language and _IMPORT.search(code)):
        return _graded_python(block, code, repo, ways)
    return None


def _graded_shell(block: CodeBlock, code: str, repo: RepoId, ways: _Ways) -> Example | None:
    if not ways.runner.search(code):
        return None
    if names(repo, code):
        return _example(block, 1.0, "runs this repository with a known runner", ways)
    return _example(block, 0.7, "calls a known runner, without this repository's name", ways)


def _graded_python(block: CodeBlock, code: str, repo: RepoId, ways: _Ways) -> Example | None:
    tree = parsed(code)
    if tree is None:
        return _example(block, 0.3, "does not parse as Python", ways)
    if not any(not _is_text(statement) for statement in tree.body):
        return None
    if not any(isinstance(node, ast.Call) and _loads(node.func, ways) for node in ast.walk(tree)):
        return _example(
            block,
            0.5,
            "parses, but loads no model" if ways is _OF_MODELS else "parses, but loads no data",
            ways,
        )
    texts = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    if any(names(repo, text) for text in texts):
        return _example(block, 1.0, f"parses, loads {ways.what} and names this repository", ways)
    return _example(block, 0.7, f"parses and loads {ways.what}, but not by this repository's name", ways)


def parsed(code: str) -> ast.Module | None:
    """The syntax tree of an example as people write them, or None where it has none.

    Prompts of the interactive shell are dropped with the output, notebook commands too.
    """
    lines = code.split("\n")
    if any(line.lstrip().startswith(">>>") for line in lines):
        lines = _typed(lines)
    kept = [line for line in lines if not line.lstrip().startswith(("!", "%"))]
    try:
        return syntax_tree(textwrap.dedent("\n".join(kept)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def syntax_tree(source: str) -> ast.Module:
    """``ast.parse``, one at a time: side by side, CPython 3.11 mistakes one thread's depth for another's.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as ``ast.parse``.
    """
    with _PARSING:
        return ast.parse(source, filename="<card>")


def _typed(lines: Sequence[str]) -> list[str]:
    typed = []
    for line in lines:
        bare = line.lstrip()
        if bare.startswith((">>>", "...")):
            typed.append(bare[4:] if bare[3:4] == " " else bare[3:])
    return typed


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _loads(called: ast.expr, ways: _Ways) -> bool:
    if isinstance(called, ast.Name):
        return ways.loader.fullmatch(called.id) is not None
    if isinstance(called, ast.Attribute):
        owner = called.value
        module = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
        return ways.loader.fullmatch(called.attr) is not None or (module, called.attr) in _LOADERS_OF
    return False


def _example(block: CodeBlock, grade: float, reason: str, ways: _Ways) -> Example:
    telling = [line for line in block.lines if line.raw.strip()]
    loading = (line for line in telling if ways.runner.search(line.raw) or _names_loader(line.raw, ways))
    line = next(loading, telling[0] if telling else block.lines[0])
    return Example(block=block, grade=grade, line=line, reason=reason)


def _names_loader(raw: str, ways: _Ways) -> bool:
    return any(ways.loader.fullmatch(word) for word in re.findall(r"(\w{1,60})\(", raw[:1000]))
