"""``reproducibility``: whether what the card shows can be run as it stands. Reported, not gated.

0 without an example, .5 with one, 1 where a Python block meets every condition that reading can tell: it
parses, loads this repository, binds every name that it uses, imports only what is known or required, holds
no placeholder, trusts no remote code, and the files are complete. Nothing is run: the part ``executed`` is 0.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys

from weighbridge.domain.card import card_of
from weighbridge.domain.data_files import data_files, loading_script
from weighbridge.domain.evidence import Evidence, SourceState
from weighbridge.domain.policy import Policy
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.score import Score, Signal, weigh
from weighbridge.metrics._examples import CODE_LIMIT, Example, examples, parsed
from weighbridge.metrics._files import custom_code, file_set
from weighbridge.metrics._proofs import card_line

NAME, VERSION = "reproducibility", "1.0.0"
SHOWN, RUNS = 0.5, 1.0
_PLACEHOLDER = re.compile(
    r"<[^<>]{0,40}(?:your|name|path|token|model|repo|key|here|file|url|insert)[^<>]{0,40}>"
    r"|\byour[_ -]|path[/_]to|\bhf_x{3}",
    re.IGNORECASE,
)
"""What somebody else has to fill in. ``<mask>`` and the like are tokens of models, and none."""
_KNOWN = frozenset(
    {"transformers", "torch", "torchaudio", "torchvision", "datasets", "sentence_transformers", "diffusers",
     "peft", "accelerate", "numpy", "PIL", "requests", "tensorflow", "keras", "jax", "flax", "optimum",
     "timm", "huggingface_hub", "tokenizers", "safetensors", "onnxruntime", "llama_cpp", "vllm", "scipy",
     "sklearn", "pandas", "matplotlib", "librosa", "soundfile", "evaluate", "bitsandbytes", "open_clip",
     "spacy", "joblib", "skops", "setfit"}
)  # fmt: skip
"""What somebody who runs models has, or installs by its own name."""
_KNOWN_FOR_DATA = frozenset({"dask", "duckdb", "fsspec", "polars", "pyarrow", "webdataset"})
"""What somebody who reads data has besides."""


def reproducibility(evidence: Evidence, policy: Policy) -> Score:
    """How sure it is that the card's example runs."""
    return weigh(NAME, VERSION, [_runs_as_shown(evidence)], parts={"executed": 0.0})


def _runs_as_shown(evidence: Evidence) -> Signal:
    id = "runs_as_shown"
    if evidence.state("texts") is SourceState.UNREACHABLE:
        later = "Try again when the Hub can be reached."
        return Signal.unknown(id, 1.0, "the card could not be read", later)
    found = examples(card_of(evidence), evidence.repo)
    remedy = f"Show a Python block that loads {evidence.repo.full_name} and runs without a change."
    if not found:
        return Signal.of(id, 1.0, 0.0, "the card shows no example", (), remedy)
    flaws = [(flaw(example, evidence), example) for example in found]
    sound = next((example for why, example in flaws if not why), None)
    if sound:
        reason = "by reading alone, an example runs as it stands"
        return Signal.of(id, 1.0, RUNS, reason, (card_line(sound.line),))
    why, best = max(flaws, key=lambda flawed: (flawed[1].grade, -flawed[1].line.number))
    return Signal.of(id, 1.0, SHOWN, f"an example is there, but {why}", (card_line(best.line),), remedy)


def flaw(example: Example, evidence: Evidence) -> str:
    """Why an example would not run as it stands; empty where nothing speaks against it."""
    tree = parsed(example.block.code[:CODE_LIMIT])
    if example.grade < 1.0:
        return f"it {example.reason}"
    if tree is None:
        return "it is no Python, so reading cannot tell whether it runs"
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    if placeholder := next((match[0] for text in texts if (match := _PLACEHOLDER.search(text))), ""):
        return f"it holds the placeholder {placeholder[:40]!r}"
    if _trusts_remote_code(tree) or custom_code(evidence):
        return "it runs code of the repository"
    of_data = evidence.repo.kind is RepoKind.DATASET
    known = _KNOWN | _KNOWN_FOR_DATA if of_data else _KNOWN
    if strange := next(iter(sorted(_imports(tree) - known - _required(evidence))), ""):
        return f"it imports {strange}, which nothing declares"
    if unbound := next(iter(sorted(unbound_names(tree))), ""):
        return f"it uses '{unbound}', which it does not define"
    return "" if _is_complete(evidence) else "the repository's files are not complete"


def _is_complete(evidence: Evidence) -> bool:
    paths = evidence.manifest.by_path
    if evidence.repo.kind is RepoKind.DATASET:
        return bool(data_files(paths)) and not loading_script(paths)
    return file_set(evidence).is_complete


def _trusts_remote_code(tree: ast.Module) -> bool:
    given = (k for n in ast.walk(tree) if isinstance(n, ast.Call) for k in n.keywords)
    trusting = (k.value for k in given if k.arg == "trust_remote_code")
    return any(not (isinstance(value, ast.Constant) and value.value is False) for value in trusting)


def _imports(tree: ast.Module) -> set[str]:
    """The packages that are imported, those of Python itself left out."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names


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
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            bound.add(node.name)
    return set() if "*" in bound else read - bound


def _required(evidence: Evidence) -> frozenset[str]:
    files = (evidence.content(path) or "" for path in evidence.texts if path.startswith("requirements"))
    lines = [line.strip() for content in files for line in content.splitlines()]
    return frozenset(re.split(r"[\s<>=!~\[;#]", line, maxsplit=1)[0].replace("-", "_") for line in lines)
