"""Whether a repository's files can be loaded, and by which library: judged by their names, with a reason.

For the libraries of ``LIBRARIES`` their own loaders' rules count: what transformers, peft, diffusers,
sentence-transformers, llama.cpp (``gguf``) and ONNX Runtime (``onnx``) look for. Of any other library
the repository's own word counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from weighbridge.domain.evidence import weight_format
from weighbridge.domain.required import lacking_shards

ALIASES: Mapping[str, str] = {
    "llama.cpp": "gguf",
    "llama-cpp": "gguf",
    "llama-cpp-python": "gguf",
    "llama_cpp": "gguf",
    "lora": "peft",
    "onnxruntime": "onnx",
    "sentence_transformers": "sentence-transformers",
}
"""Other names for the libraries that are known here."""
_READ_BY_TRANSFORMERS = frozenset({"", "transformers", "sentence-transformers", "peft", "setfit"})
"""What a repository may name as its library while its files are laid out as transformers reads them."""
_TORCH = ("safetensors", "bin")
_ADAPTER = re.compile(r"adapter_model(?:-\d{5}-of-\d{5})?\.(?:safetensors|bin)")
_SHARD = re.compile(r"(?P<stem>.*?)-\d{5}-of-(?P<count>\d{5}\.[^./]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compatibility:
    """The answer and the clause that says why; ``library`` is what loads it, where that is known."""

    is_compatible: bool
    reason: str
    library: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How one library is given a model: by weights, and one of the files that it begins with."""

    begins_with: tuple[str, ...]
    formats: tuple[str, ...]
    adapter: bool = False
    below: bool = False

    def weights(self, paths: Iterable[str]) -> list[str]:
        """The weight files that this library would read."""
        return [
            path
            for path in paths
            if weight_format(path) in self.formats
            and (self.below or "/" not in path)
            and (self.below or bool(_ADAPTER.fullmatch(path)) is self.adapter)
        ]

    def fault(self, paths: Collection[str]) -> str:
        """What is missing for this library; empty where nothing is."""
        if self.begins_with and not any(name in paths for name in self.begins_with):
            return f"it has no {' or '.join(self.begins_with)}"
        weights = self.weights(paths)
        if not weights:
            return (
                f"it has no {'adapter_model' if self.adapter else 'weights'} in {' or '.join(self.formats)}"
            )
        lacking = [lacking_shards(each) for each in _sets(weights)]
        if all(lacking):
            more = f" and {len(lacking[0]) - 1} more" if len(lacking[0]) > 1 else ""
            return f"it lacks '{lacking[0][0]}'{more}"
        return ""


LIBRARIES: Mapping[str, _Way] = {
    "transformers": _Way(begins_with=("config.json",), formats=_TORCH),
    "peft": _Way(begins_with=("adapter_config.json",), formats=_TORCH, adapter=True),
    "sentence-transformers": _Way(
        begins_with=("modules.json", "config_sentence_transformers.json"), formats=_TORCH
    ),
    "diffusers": _Way(begins_with=("model_index.json",), formats=_TORCH, below=True),
    "gguf": _Way(begins_with=(), formats=("gguf",), below=True),
    "onnx": _Way(begins_with=(), formats=("onnx",), below=True),
}
"""The libraries whose rules are known, in the order in which they are tried."""


def compatibility(
    paths: Collection[str] | None, library: str, tags: Sequence[str], required: str | None = None
) -> Compatibility:
    """Whether a model can be loaded: by ``required`` if that is given, else by any library known here.

    ``paths`` are the names of its files, None where they are not known: then only its own word counts.
    ``library`` and ``tags`` are what the repository says of itself.
    """
    wanted = (required or "").strip().lower()
    wanted = ALIASES.get(wanted, wanted)
    words = {library.lower(), *map(str.lower, tags)} - {""}
    words |= {ALIASES[word] for word in words if word in ALIASES}
    if paths is None:
        return _by_word(wanted, words, library)
    if not any(weight_format(path) for path in paths):
        return Compatibility(is_compatible=False, reason="it has no file with weights")
    if wanted and wanted not in LIBRARIES:
        return _of_stranger(wanted, words, library)
    faults = {name: _fault(name, paths, words, library) for name in ([wanted] if wanted else LIBRARIES)}
    for name, fault in faults.items():
        if not fault:
            return Compatibility(is_compatible=True, reason=f"{name} can load its files", library=name)
    if wanted:
        return Compatibility(is_compatible=False, reason=f"{wanted} cannot load it: {faults[wanted]}")
    return Compatibility(is_compatible=False, reason=_closest(faults, words))


def _fault(name: str, paths: Collection[str], words: set[str], library: str) -> str:
    if fault := LIBRARIES[name].fault(paths):
        return fault
    if name == "transformers" and library.lower() not in _READ_BY_TRANSFORMERS and name not in words:
        return f"its library is {library}"
    return ""


def _closest(faults: Mapping[str, str], words: set[str]) -> str:
    """The fault of the library that the repository names, else one that is about a shard, else any."""
    named = [name for name in faults if name in words]
    partial = [name for name in faults if faults[name].startswith("it lacks")]
    name = (partial or named or ["transformers"])[0]
    return f"{name} cannot load it: {faults[name]}"


def _of_stranger(wanted: str, words: set[str], library: str) -> Compatibility:
    if wanted in words:
        return Compatibility(is_compatible=True, reason=f"it says that {wanted} loads it", library=wanted)
    told = f"; it names {library}" if library else ""
    return Compatibility(is_compatible=False, reason=f"it does not name {wanted}{told}")


def _by_word(wanted: str, words: set[str], library: str) -> Compatibility:
    doubt = "; its files are not known"
    said = wanted if wanted in words else ""
    if not wanted:
        said = library or next((name for name in LIBRARIES if name in words), "")
    if said:
        return Compatibility(is_compatible=True, reason=f"it says that {said} loads it{doubt}", library=said)
    return Compatibility(is_compatible=False, reason=f"it does not name {wanted or 'a library'}{doubt}")


def _sets(weights: Iterable[str]) -> list[list[str]]:
    """The weight files, shards of one whole together."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in sorted(weights):
        shard = _SHARD.fullmatch(path)
        found.setdefault((shard["stem"], shard["count"]) if shard else (path, ""), []).append(path)
    return list(found.values())
