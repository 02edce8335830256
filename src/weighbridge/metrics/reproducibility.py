"""``reproducibility``: whether what the card shows can be run as it stands. Reported, not gated.

0 without an example, .5 with one, 1 where a Python block meets every static condition: it parses, binds
every name that it uses, imports only what is known or required, loads this repository, holds no
placeholder, trusts no remote code, and the files are complete. Nothing is run.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys

from weighbridge.domain.card import card_of
from weighbridge.domain.evidence import Evidence, SourceState
from weighbridge.domain.markdown import CodeBlock
from weighbridge.domain.policy import Policy
from weighbridge.domain.score import Score, Signal, weigh
from weighbridge.metrics._examples import CODE_LIMIT, PARSES, examples, names, parsed
from weighbridge.metrics._files import file_set
from weighbridge.metrics._proofs import card_line

NAME, VERSION = "reproducibility", "1.0.0"
_PLACEHOLDER = re.compile(r"<[a-z_ -]{2,40}>|\byour[_ -]|path[/_]to|\.\.\.|\bTODO\b|xxx", re.IGNORECASE)
_KNOWN = frozenset(
    {"transformers", "torch", "torchaudio", "torchvision", "datasets", "sentence_transformers", "diffusers",
     "peft", "accelerate", "numpy", "PIL", "requests", "tensorflow", "keras", "jax", "flax", "optimum",
     "timm", "huggingface_hub", "tokenizers", "safetensors", "onnxruntime", "llama_cpp", "vllm", "scipy",
     "sklearn", "pandas", "matplotlib", "librosa", "soundfile", "evaluate", "bitsandbytes", "open_clip",
     "spacy", "joblib", "skops", "setfit"}
)  # fmt: skip
"""What somebody who runs models has, or installs by its own name."""


def reproducibility(evidence: Evidence, policy: Policy) -> Score:
    """How sure it is that the card's example runs."""
    id = "runs_as_shown"
    if evidence.state("texts") is SourceState.UNREACHABLE:
        return weigh(NAME, VERSION, [Signal.unknown(id, 1.0, "the card could not be read")])
    card = card_of(evidence)
    graded = [example for example in examples(card, evidence.repo) if example.grade >= PARSES]
    remedy = f"Show a Python block that loads {evidence.repo.full_name} and runs without a change."
    if not graded:
        return weigh(
            NAME, VERSION, [Signal.of(id, 1.0, 0.0, "the card shows no example that parses", (), remedy)]
        )
    required = _required(evidence)
    flaws = [(flaw(block, evidence, required), block) for block in card.code]
    sound = next((block for why, block in flaws if not why), None)
    if sound:
        proof = card_line(sound.lines[0])
        return weigh(NAME, VERSION, [Signal.of(id, 1.0, 1.0, "an example can run as it stands", (proof,))])
    best = max(graded, key=lambda example: (example.grade, -example.line.number))
    why = next((why for why, block in flaws if best.line in block.lines), "") or "it is no Python"
    reason = f"an example is there, but {why}"
    return weigh(NAME, VERSION, [Signal.of(id, 1.0, 0.5, reason, (card_line(best.line),), remedy)])


def flaw(block: CodeBlock, evidence: Evidence, required: frozenset[str]) -> str:
    """Why a block would not run as it stands; empty where nothing speaks against it."""
    code = block.code[:CODE_LIMIT]
    tree = parsed(code)
    if tree is None:
        return "it does not parse as Python"
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    if not any(names(evidence.repo, text) for text in texts):
        return f"it does not load {evidence.repo.full_name}"
    if placeholder := next((text for text in texts if _PLACEHOLDER.search(text)), ""):
        return f"it holds the placeholder {placeholder[:40]!r}"
    if any(
        keyword.arg == "trust_remote_code"
        for n in ast.walk(tree)
        if isinstance(n, ast.Call)
        for keyword in n.keywords
    ):
        return "it trusts remote code"
    if strange := next(iter(sorted(_imports(tree) - _KNOWN - required - sys.stdlib_module_names)), ""):
        return f"it imports {strange}, which nothing declares"
    if unbound := next(iter(sorted(unbound_names(tree))), ""):
        return f"it uses '{unbound}', which it does not define"
    return "" if file_set(evidence).is_complete else "the repository's files are not complete"


def _imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def unbound_names(tree: ast.Module) -> set[str]:
    """The names that are read and bound nowhere; where in the block does not matter."""
    bound, read = {*dir(builtins), "__file__", "__name__"}, set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return set() if "*" in bound else read - bound


def _required(evidence: Evidence) -> frozenset[str]:
    files = (evidence.content(path) or "" for path in evidence.texts if path.startswith("requirements"))
    lines = [line.strip() for content in files for line in content.splitlines()]
    return frozenset(re.split(r"[\s<>=!~\[;#]", line, maxsplit=1)[0].replace("-", "_") for line in lines)
