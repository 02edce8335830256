"""What a selection of files needs to be loaded: all shards, an adapter's config, a vocabulary.

The rules are those of the loaders that read these files (transformers, peft, llama.cpp): a shard is of no use
without the others, nor safetensors shards without the index beside them. Who chooses configuration
files only needs nothing more, and neither does a data set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from weighbridge.domain.evidence import weight_format
from weighbridge.domain.json_values import child
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.ref import RepoKind
from weighbridge.domain.weights import IndexOf

MAX_SHARDS = 10_000
"""A name that claims to be one of more shards than this is no name of a shard."""

_INDEX = re.compile(r".*\.index(?:\.[^./]+)?\.json")
_SHARD = re.compile(r"(?P<stem>.*?)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<end>\.[^./]+)")
_ADAPTER_WEIGHTS = re.compile(r"adapter_model\.(?:safetensors|bin)")
_VOCABULARY = frozenset(
    {"tokenizer.json", "tokenizer.model", "vocab.txt", "vocab.json", "spiece.model", "tekken.json"}
    | {"sentencepiece.bpe.model", "source.spm", "target.spm"}
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Needed:
    """A file that the selection lacks, the file that asks for it, and whether the repository has it."""

    path: str
    by: str
    is_there: bool


def is_index(path: str) -> bool:
    """Whether a file says which shards hold which tensors."""
    return _INDEX.fullmatch(path) is not None


def needed(chosen: Manifest, whole: Manifest, index_of: IndexOf = lambda path: {}) -> tuple[Needed, ...]:
    """What ``chosen``, a selection of ``whole``, lacks to be loaded; sorted by path.

    ``index_of`` gives the object in an index file.
    """
    if chosen.repo.kind is not RepoKind.MODEL:
        return ()
    have, there = set(chosen.by_path), set(whole.by_path)
    found: dict[str, str] = {}
    for rule in (
        _of_indexes(have, there, index_of),
        _of_shards(have, there),
        _of_adapters(have, there),
        _of_tokenizers(have, there),
    ):
        for path, by in rule:
            if path not in have:
                found.setdefault(path, by)
    return tuple(Needed(path=p, by=found[p], is_there=p in there) for p in sorted(found))


def lacking_shards(paths: Iterable[str]) -> tuple[str, ...]:
    """The shards that the names of others call for and a repository of these files lacks; sorted."""
    have = set(paths)
    return tuple(sorted({path for path, _ in _of_shards(have, have)} - have))


def advice(chosen: Manifest, whole: Manifest) -> str:
    """A word on a selection that can be loaded, but perhaps not as it was meant; empty where all is well."""
    have, there = set(chosen.by_path), set(whole.by_path)
    if chosen.repo.kind is not RepoKind.MODEL or not _has_weights(have) or "config.json" not in have:
        return ""
    left = sorted(there & _VOCABULARY)
    if left and not have & {*_VOCABULARY, "tokenizer_config.json"}:
        return f"'files' takes weights and no tokenizer; the repository has {', '.join(left)}"
    return ""


def _of_indexes(have: set[str], there: set[str], index_of: IndexOf) -> Iterator[tuple[str, str]]:
    """Every shard of an index, once one of them is taken, or all files are and no others hold weights."""
    for index in filter(is_index, sorted(have)):
        folder = index.rpartition("/")[0]
        named = child(index_of(index), "weight_map").values()
        shards = {f"{folder}/{name}" if folder else name for name in named if isinstance(name, str)}
        if shards & have or (have == there and not _has_weights(_beside(have, folder))):
            yield from ((shard, index) for shard in shards)


def _of_shards(have: set[str], there: set[str]) -> Iterator[tuple[str, str]]:
    """The other shards of a file that its name calls one of several, and their index where there is one."""
    for path in sorted(have):
        shard = _SHARD.fullmatch(path)
        if shard is None or weight_format(path) is None or int(shard["count"]) > MAX_SHARDS:
            continue
        stem, count, end = shard["stem"], int(shard["count"]), shard["end"]
        first = 0 if f"{stem}-00000-of-{count:05d}{end}" in there else 1
        yield from ((f"{stem}-{n:05d}-of-{count:05d}{end}", path) for n in range(first, count + first))
        if (index := f"{stem}{end}.index.json") in there:
            yield index, path


def _of_adapters(have: set[str], there: set[str]) -> Iterator[tuple[str, str]]:
    """An adapter's config beside its weights, and its weights beside its config where all files are taken."""
    for path in sorted(have):
        folder, _, name = path.rpartition("/")
        config = f"{folder}/adapter_config.json" if folder else "adapter_config.json"
        if _ADAPTER_WEIGHTS.fullmatch(name) and (config in there or not folder):
            yield config, path
    if "adapter_config.json" in have and have == there and not _has_weights(_beside(have, "")):
        yield "adapter_model.safetensors", "adapter_config.json"


def _of_tokenizers(have: set[str], there: set[str]) -> Iterator[tuple[str, str]]:
    """A vocabulary beside weights and the tokenizer's config; merges beside a vocabulary of pairs."""
    if not _has_weights(have) or "tokenizer_config.json" not in have:
        return
    if not have & _VOCABULARY:
        yield from ((path, "tokenizer_config.json") for path in there & _VOCABULARY)
    elif "tokenizer.json" not in have and "vocab.json" in have and "merges.txt" in there:
        yield "merges.txt", "vocab.json"


def _beside(paths: Iterable[str], folder: str) -> set[str]:
    return {path for path in paths if path.rpartition("/")[0] == folder}


def _has_weights(paths: Iterable[str]) -> bool:
    return any(weight_format(path) is not None for path in paths)
