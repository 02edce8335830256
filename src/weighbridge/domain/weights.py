"""Which of a revision's files one would load to run it, and how many bytes they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from weighbridge.domain.evidence import WEIGHT_FORMATS, weight_format
from weighbridge.domain.json_values import JsonObject, child
from weighbridge.domain.manifest import FileEntry

FORMAT_ORDER = tuple(
    sorted(set(WEIGHT_FORMATS.values()), key=lambda name: list(WEIGHT_FORMATS.values()).index(name))
)
"""Every weight format, the one to be preferred first (safetensors > bin > pt > ... > gguf > ...)."""
ARCHIVE_BYTES = 50_000_000
"""An archive larger than this is taken for weights."""

_ARCHIVE = re.compile(r".*\.(?:zip|tar|tgz|tar\.(?:gz|bz2|xz|zst)|7z|rar)", re.IGNORECASE)
SHARDS_LIMIT, MISSING_LIMIT = 10_000, 1_000
"""Names are cheap: what they say of shards is believed up to so many in a set, and told up to so many."""
_SHARD = re.compile(r"(?P<stem>.*?)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<end>\.[^./]+)")
_CANONICAL = re.compile(
    r"(?:model|pytorch_model|adapter_model|diffusion_pytorch_model|tf_model|flax_model|open_clip_model)"
    r"\.[^./]+"
)
_VARIANT = re.compile(r"[._-](?:fp16|fp32|bf16|int8|uint8|q4|q4f16|q8|bnb4|quantized|non_ema|ema)(?=[._-])")
_PICKLED = frozenset({"bin", "pt", "ckpt", "pickle"})
_CHECKPOINT = re.compile(r"(?:.*/)?checkpoint-\d+/.*")
_PROJECTOR = re.compile(r"(?:.*/)?(?:mmproj|imatrix)[^/]*", re.IGNORECASE)

IndexOf = Callable[[str], JsonObject]
"""Gives the object that a ``*.index.json`` of the revision holds; empty where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployable:
    """The files of one variant, what is missing of them, and what else there is to choose from."""

    format: str = ""
    files: tuple[FileEntry, ...] = ()
    missing: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """The bytes of all files of the variant."""
        return sum(entry.size_bytes for entry in self.files)


def deployable(files: Sequence[FileEntry], index_of: IndexOf = lambda path: {}) -> Deployable:
    """The variant that a loader would take: one format, and of that one precision.

    Safetensors before pickles before everything else, the top folder before sub-folders, every
    shard of an index, of GGUF files ``Q4_K_M`` or else the smallest. No choice but the last looks
    at sizes, so that larger files never make a smaller variant.
    """
    by_path = {entry.path: entry for entry in files}
    if "model_index.json" in by_path:
        return _pipeline(by_path, index_of)
    found: dict[str, list[FileEntry]] = {}
    for entry in sorted(files, key=lambda entry: entry.path):
        if format := weight_format(entry.path):
            found.setdefault(format, []).append(entry)
    for format in FORMAT_ORDER:
        if format in found:
            return _of_format(format, found[format], by_path, index_of)
    archives = [e for e in files if _ARCHIVE.fullmatch(e.path) and e.size_bytes > ARCHIVE_BYTES]
    return Deployable(
        format="archive" if archives else "", files=tuple(sorted(archives, key=lambda e: e.path))
    )


def pickled_twins(files: Sequence[FileEntry]) -> tuple[str, ...]:
    """The pickles whose weights stand as safetensors beside them, by path: nobody has to unpickle those."""
    safe = {_stem(entry.path) for entry in files if weight_format(entry.path) == "safetensors"}
    pickled = (entry.path for entry in files if weight_format(entry.path) in _PICKLED)
    return tuple(sorted(path for path in pickled if _stem(path) in safe))


def _stem(path: str) -> str:
    """What a weight file is called in any format: ``pytorch_model-00001-of-00002.bin`` is ``model``."""
    folder, _, name = _unsharded(path).rpartition("/")
    return f"{folder}/{name.rpartition('.')[0].replace('pytorch_model', 'model')}"


def _pipeline(by_path: Mapping[str, FileEntry], index_of: IndexOf) -> Deployable:
    """A diffusers repository: the weights of each component's folder."""
    folders: dict[str, list[FileEntry]] = {}
    for path, entry in sorted(by_path.items()):
        if path.count("/") == 1 and weight_format(path):
            folders.setdefault(path.split("/")[0], []).append(entry)
    parts = []
    for entries in folders.values():
        formats = {weight_format(entry.path) for entry in entries}
        format = next(name for name in FORMAT_ORDER if name in formats)
        of_format = [entry for entry in entries if weight_format(entry.path) == format]
        parts.append(_of_format(format, of_format, by_path, index_of))
    return Deployable(
        format="/".join(sorted({part.format for part in parts})),
        files=tuple(entry for part in parts for entry in part.files),
        missing=tuple(path for part in parts for path in part.missing),
    )


def _of_format(
    format: str, entries: Sequence[FileEntry], by_path: Mapping[str, FileEntry], index_of: IndexOf
) -> Deployable:
    top = [entry for entry in entries if "/" not in entry.path]
    kept = top or [e for e in entries if not _CHECKPOINT.fullmatch(e.path)] or list(entries)
    if format == "gguf":
        return _quantised(kept)
    canonical = [e for e in kept if _CANONICAL.fullmatch(e.path.rpartition("/")[2])]
    shards = [e for e in kept if _SHARD.fullmatch(e.path) and not _VARIANT.search(e.path)]
    indexed = [e for e in shards if _CANONICAL.fullmatch(_unsharded(e.path).rpartition("/")[2])]
    chosen = canonical or indexed or shards
    chosen = chosen or [e for e in kept if not _VARIANT.search(e.path)] or kept
    taken = {e.path for e in chosen}
    return Deployable(
        format=format,
        files=tuple(chosen),
        missing=_missing(chosen, by_path, index_of),
        others=tuple(e.path for e in kept if e.path not in taken),
    )


def _quantised(entries: Sequence[FileEntry]) -> Deployable:
    models = [e for e in entries if not _PROJECTOR.fullmatch(e.path)] or list(entries)
    variants: dict[str, list[FileEntry]] = {}
    for entry in models:
        variants.setdefault(_unsharded(entry.path), []).append(entry)
    usual = sorted(name for name in variants if "q4_k_m" in name.lower())
    name = usual[0] if usual else min(variants, key=lambda n: (sum(e.size_bytes for e in variants[n]), n))
    return Deployable(
        format="gguf",
        files=tuple(variants[name]),
        missing=_missing(variants[name], {e.path: e for e in entries}, lambda path: {}),
        others=tuple(sorted(other for other in variants if other != name)),
    )


def _unsharded(path: str) -> str:
    shard = _SHARD.fullmatch(path)
    return shard["stem"] + shard["end"] if shard else path


def _missing(
    chosen: Sequence[FileEntry], by_path: Mapping[str, FileEntry], index_of: IndexOf
) -> tuple[str, ...]:
    """The first MISSING_LIMIT shards that an index, or the names of the others, ask for in vain."""
    wanted: set[str] = set()
    for name in {_unsharded(entry.path) for entry in chosen}:
        weight_map = child(index_of(f"{name}.index.json"), "weight_map")
        folder = name.rpartition("/")[0]
        for shard in weight_map.values():
            if isinstance(shard, str):
                wanted.add(f"{folder}/{shard}" if folder else shard)
    lacking = wanted - set(by_path)
    named = (_SHARD.fullmatch(entry.path) for entry in chosen)
    sets = dict.fromkeys((shard["stem"], shard["count"], shard["end"]) for shard in named if shard)
    for stem, count, end in sets:
        if len(lacking) >= MISSING_LIMIT:
            break
        numbers = range(1, int(count) + 1) if int(count) <= SHARDS_LIMIT else ()
        lacking |= {name for n in numbers if (name := f"{stem}-{n:05d}-of-{count}{end}") not in by_path}
    return tuple(sorted(lacking)[:MISSING_LIMIT])
