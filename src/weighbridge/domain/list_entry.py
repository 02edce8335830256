"""What to add to a model list (models.yaml) for one repository."""

from __future__ import annotations

import re
from collections.abc import Sequence

from weighbridge.domain.evidence import Evidence, weight_format
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.repo import ModelInfo
from weighbridge.domain.required import is_index, needed
from weighbridge.domain.weights import Deployable, deployable

MOST_PATTERNS = 30
"""A longer choice is left to whoever writes the list: all files are taken."""
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_NO_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
_GLOB = frozenset("*?[]!\\")


def list_entry(evidence: Evidence, revision: str) -> str:
    """The lines of one model, to be put below ``models:``; they end with a line break.

    The revision is the one that was asked for: the lock pins it. ``license`` is what the Hub says
    today, so that ``lock`` refuses another one. ``files`` takes one variant of the weights and
    everything that is no weights, where there are several; without it everything is taken.
    """
    repo = evidence.repo
    fields: list[tuple[str, str]] = [("id", repo.name), ("repo_id", repo.full_name), ("revision", revision)]
    licence = ModelInfo(repo=repo, commit=evidence.manifest.commit, raw=evidence.info).license
    if licence:
        fields.append(("license", licence))
    if repo.kind is not RepoKind.MODEL:
        fields.append(("kind", repo.kind.value))
    width = max(len(name) for name, _ in fields)
    lines = [
        f"{'  - ' if number == 0 else '    '}{name}:{' ' * (width - len(name) + 1)}{spelled(value)}"
        for number, (name, value) in enumerate(fields)
    ]
    if patterns := file_patterns(evidence):
        lines += ["    files:", *(f"      - {spelled(pattern)}" for pattern in patterns)]
    return "\n".join(lines) + "\n"


def spelled(text: str) -> str:
    """A text as YAML 1.2 reads it back: plain where that is safe, else between double quotes (7.3.1).

    What a terminal would not show, or would obey, is escaped.
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _NO_TEXT:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def file_patterns(evidence: Evidence) -> tuple[str, ...]:
    """The ``files`` that take one variant of the weights; empty where all files are to be taken."""
    best = deployable(evidence.files, evidence.json_of)
    taken = {entry.path for entry in best.files}
    others = [e for e in evidence.files if weight_format(e.path) and e.path not in taken]
    if not taken or not others:
        return ()
    patterns = (
        _named(evidence.files, taken) if best.format == "gguf" else _without(evidence.files, best, others)
    )
    if not 0 < len(patterns) <= MOST_PATTERNS:
        return ()
    chosen = evidence.manifest.select(patterns)
    is_sound = taken <= set(chosen.by_path) and not _lacks(evidence, chosen)
    return patterns if is_sound else ()


def _named(files: Sequence[FileEntry], taken: set[str]) -> tuple[str, ...]:
    """Of a repository of many quantisations: the chosen one, and what is no weights."""
    kept = (entry.path for entry in files if entry.path in taken or not weight_format(entry.path))
    paths = tuple(kept)
    return () if any(_GLOB & set(path) for path in paths) else paths


def _without(files: Sequence[FileEntry], best: Deployable, others: Sequence[FileEntry]) -> tuple[str, ...]:
    """All but the other formats, by their endings, and but other variants of the same one, by their names."""
    endings = {_ending(entry.path) for entry in best.files}
    patterns: dict[str, None] = {}
    for entry in others:
        pattern = entry.path if _ending(entry.path) in endings else f"*{_ending(entry.path)}"
        if _GLOB & set(entry.path):
            return ()
        patterns[f"!{pattern}"] = None
    chosen_indexes = {f"{_unsharded(entry.path)}.index.json" for entry in best.files}
    for entry in files:
        if is_index(entry.path) and entry.path not in chosen_indexes:
            patterns[f"!{entry.path}"] = None
    return tuple(patterns)


def _ending(path: str) -> str:
    return f".{path.rpartition('.')[2]}"


def _unsharded(path: str) -> str:
    return re.sub(r"-\d{5}-of-\d{5}(?=\.[^./]+$)", "", path)


def _lacks(evidence: Evidence, chosen: Manifest) -> bool:
    """Whether the choice leaves out what is there and is needed by what it takes."""
    return any(each.is_there for each in needed(chosen, evidence.manifest, evidence.json_of))
