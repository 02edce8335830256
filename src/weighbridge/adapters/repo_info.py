"""What a Hub would say of files: its answer to ``GET /api/models/{repo}``, read out of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from weighbridge.adapters.front_matter import front_matter
from weighbridge.adapters.gguf_header import gguf_info
from weighbridge.domain.json_values import Json, JsonObject, child, text, texts, whole
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.ref import RepoKind

_TEXT_LIMIT_BYTES = 1 << 20
_HEADER_LIMIT_BYTES = 25 * 1000 * 1000
_SHARD_LIMIT = 256
COMPUTED = ("_id", "id", "modelId", "author", "sha", "siblings", "usedStorage", "history", "refs", "tags")
"""What a sidecar does not overrule: it is read from the files, or has a meaning of its own."""
_SPLIT = re.compile(r"(.*)-\d{5}-of-\d{5}\.gguf")
_FORMATS = {".safetensors": "safetensors", ".gguf": "gguf", ".onnx": "onnx", ".bin": "pytorch"}


def is_read(path: str) -> bool:
    """Whether ``raw_info`` reads a file of this path."""
    return path in ("README.md", "config.json") or path.endswith((".safetensors", ".gguf"))


def raw_info(
    manifest: Manifest, files: Mapping[str, Path], last_modified: str, sidecar: JsonObject
) -> JsonObject:
    """The Hub's info of a repository.

    ``files`` says where those lie that ``is_read`` names; ``sidecar`` is what somebody says of the
    repository beside its files.
    """
    repo = manifest.repo
    front = front_matter(_small_text(files.get("README.md")) or "")[0] or {}
    config = _json(files.get("config.json"))
    library = text(front, "library_name") or _library(manifest, config)
    raw: dict[str, Json] = {
        "_id": sha256(f"{repo.kind}/{repo.full_name}".encode()).hexdigest()[:24],
        "id": repo.full_name,
        "sha": manifest.commit,
        "lastModified": last_modified,
        "private": False,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": _tags(front, sidecar, manifest, library),
        "siblings": [{"rfilename": entry.path} for entry in manifest.files],
        "usedStorage": manifest.total_bytes,
    }
    if repo.namespace:
        raw["author"] = repo.namespace
    if front:
        raw["cardData"] = front
    if repo.kind is RepoKind.MODEL:
        raw |= _model_fields(manifest, front, config, library, files)
    elif repo.kind is RepoKind.DATASET:
        raw["mainSize"] = manifest.total_bytes
        raw |= _stated(front, "paperswithcode_id")
    else:
        raw |= {key: list(texts(front, key)) for key in ("models", "datasets")} | _stated(front, "sdk")
    raw |= {key: value for key, value in sidecar.items() if key not in COMPUTED}
    return raw


def _stated(front: JsonObject, key: str) -> dict[str, Json]:
    stated = text(front, key)
    return {key: stated} if stated else {}


def base_models(front: JsonObject, manifest: Manifest) -> Json:
    """What the card says that the model was made of, and how, in the Hub's words; None: of nothing.

    The Hub's words are ``adapter``, ``finetune``, ``merge`` and ``quantized``.
    """
    parents = texts(front, "base_model")
    if not parents:
        return None
    relation = text(front, "base_model_relation")
    if relation is None and "adapter_config.json" in manifest.by_path:
        relation = "adapter"
    elif relation is None and any(path.endswith(".gguf") for path in manifest.by_path):
        relation = "quantized"
    guessed = "finetune" if len(parents) == 1 else "merge"
    return {"relation": relation or guessed, "models": [{"id": name} for name in parents]}


def _model_fields(
    manifest: Manifest, front: JsonObject, config: JsonObject, library: str | None, files: Mapping[str, Path]
) -> dict[str, Json]:
    kept = ("architectures", "model_type", "quantization_config", "auto_map")
    optional: dict[str, Json] = {
        "library_name": library,
        "pipeline_tag": text(front, "pipeline_tag"),
        "config": {key: config[key] for key in kept if config.get(key) is not None} or None,
        "safetensors": _parameters(files),
        "gguf": _gguf(files),
        "model-index": front.get("model-index"),
        "widgetData": front.get("widget"),
        "baseModels": base_models(front, manifest),
    }
    return {"modelId": manifest.repo.full_name} | {key: value for key, value in optional.items() if value}


def _tags(front: JsonObject, sidecar: JsonObject, manifest: Manifest, library: str | None) -> list[Json]:
    of_data = manifest.repo.kind is RepoKind.DATASET
    paths = manifest.by_path
    formats = [name for suffix, name in _FORMATS.items() if any(path.endswith(suffix) for path in paths)]
    collected: list[str] = [library] if library and not of_data else []
    collected += [] if of_data else formats
    collected += texts(front, "tags")
    collected += [f"language:{code}" if of_data else code for code in texts(front, "language")]
    for field, prefix in (("datasets", "dataset"), ("base_model", "base_model"), ("license", "license")):
        collected += [f"{prefix}:{value}" for value in texts(front, field)]
    for field in ("task_categories", "size_categories") if of_data else ():
        collected += [f"{field}:{value}" for value in texts(front, field)]
    if (task := text(front, "pipeline_tag")) and not of_data:
        collected.append(task)
    collected += texts(sidecar, "tags")
    return list(dict.fromkeys(collected))


def _library(manifest: Manifest, config: JsonObject) -> str | None:
    for name, library in (
        ("adapter_config.json", "peft"),
        ("modules.json", "sentence-transformers"),
        ("model_index.json", "diffusers"),
    ):
        if name in manifest.by_path:
            return library
    return "transformers" if text(config, "model_type") else None


def _small_text(file: Path | None) -> str | None:
    try:
        if file is None or file.stat().st_size > _TEXT_LIMIT_BYTES:
            return None
        return file.read_text("utf-8", "replace")
    except OSError:
        return None


def _json(file: Path | None) -> JsonObject:
    try:
        document = json.loads(_small_text(file) or "{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _parameters(files: Mapping[str, Path]) -> Json:
    """``{"parameters": {dtype: count}, "total": count}`` from the headers of all shards, or None."""
    shards = [file for path, file in files.items() if path.endswith(".safetensors")]
    counts: dict[str, int] = {}
    for shard in shards if len(shards) <= _SHARD_LIMIT else ():
        header = _header(shard)
        for tensor in (child(header, name) for name in header if name != "__metadata__"):
            shape, dtype = tensor.get("shape"), text(tensor, "dtype")
            if dtype and isinstance(shape, list) and all(isinstance(n, int) and n >= 0 for n in shape):
                counts[dtype] = counts.get(dtype, 0) + math.prod(shape)
    return {"parameters": dict(counts), "total": sum(counts.values())} if counts else None


def _gguf(files: Mapping[str, Path]) -> Json:
    """What the first GGUF file says, with the parameters of all its shards; None where there is none."""
    names = sorted(p for p in files if p.endswith(".gguf") and not p.rpartition("/")[2].startswith("mmproj"))
    if not names:
        return None
    split = _SPLIT.fullmatch(names[0])
    same = [name for name in names if split and name.startswith(split[1]) and _SPLIT.fullmatch(name)]
    heads = [gguf_info(files[name]) for name in (same or names[:1])[:_SHARD_LIMIT]]
    known = [head for head in heads if head]
    if len(known) != len(heads):
        return None
    return {**known[0], "total": sum(whole(head, "total") or 0 for head in known)}


def _header(path: Path) -> JsonObject:
    """The JSON header of a safetensors file (8 bytes of length, little-endian, then JSON)."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if 2 <= length <= _HEADER_LIMIT_BYTES else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}
