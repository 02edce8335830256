"""What a Hub would say of a folder: its answer to ``GET /api/models/{repo}``, from the files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from weighbridge.adapters.front_matter import front_matter
from weighbridge.adapters.hub_dir.tree import Found
from weighbridge.domain.json_values import Json, JsonObject, child, objects, text, texts
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.ref import RepoId, RepoKind
from weighbridge.errors import BadListing

_TEXT_LIMIT_BYTES = 1 << 20
_HEADER_LIMIT_BYTES = 25 * 1000 * 1000
_SHARD_LIMIT = 256
_COMPUTED = ("_id", "id", "modelId", "author", "sha", "siblings", "usedStorage", "history", "refs", "tags")
"""What a sidecar does not overrule: it is read from the files, or has a meaning of its own."""
_FORMATS = {".safetensors": "safetensors", ".gguf": "gguf", ".onnx": "onnx", ".bin": "pytorch"}


def read_sidecar(path: Path) -> JsonObject:
    """The operator's own words about a repository; an empty object where there are none.

    Raises:
        BadListing: the file is not a JSON object.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadListing(f"'{path}' cannot be read: {error.strerror}") from error
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadListing(f"'{path}' is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadListing(f"'{path}' is not a JSON object")
    return document


def raw_info(manifest: Manifest, files: Sequence[Found], sidecar: JsonObject) -> JsonObject:
    """The Hub's model info for the folder as it is now."""
    repo, by_path = manifest.repo, {found.path: found for found in files}
    front = front_matter(_small_text(by_path.get("README.md")) or "")[0] or {}
    config = _json(by_path.get("config.json"))
    library = text(front, "library_name") or _library(by_path, config)
    raw: dict[str, Json] = {
        "_id": sha256(f"{repo.kind}/{repo.full_name}".encode()).hexdigest()[:24],
        "id": repo.full_name,
        "sha": manifest.commit,
        "lastModified": last_modified(files, sidecar),
        "private": False,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": _tags(front, sidecar, by_path, repo.kind, library),
        "siblings": [{"rfilename": entry.path} for entry in manifest.files],
        "usedStorage": manifest.total_bytes,
    }
    if repo.namespace:
        raw["author"] = repo.namespace
    if front:
        raw["cardData"] = front
    if repo.kind is RepoKind.MODEL:
        raw |= _model_fields(repo, front, config, library, files)
    raw |= {key: value for key, value in sidecar.items() if key not in _COMPUTED}
    return raw


def _model_fields(
    repo: RepoId, front: JsonObject, config: JsonObject, library: str | None, files: Sequence[Found]
) -> dict[str, Json]:
    kept = ("architectures", "model_type", "quantization_config", "auto_map")
    optional: dict[str, Json] = {
        "library_name": library,
        "pipeline_tag": text(front, "pipeline_tag"),
        "config": {key: config[key] for key in kept if config.get(key) is not None} or None,
        "safetensors": _parameters(files),
        "model-index": front.get("model-index"),
    }
    return {"modelId": repo.full_name} | {key: value for key, value in optional.items() if value}


def last_modified(files: Sequence[Found], sidecar: JsonObject) -> str:
    """When the newest commit of the sidecar was made, else when the newest file was written."""
    stated = next((date for entry in objects(sidecar, "history") if (date := text(entry, "date"))), None)
    if stated:
        return stated
    newest_ns = max((found.stamp.mtime_ns for found in files), default=0)
    moment = datetime.fromtimestamp(newest_ns // 1_000_000_000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{newest_ns // 1_000_000 % 1000:03d}Z"


def _tags(
    front: JsonObject, sidecar: JsonObject, by_path: Mapping[str, Found], kind: RepoKind, library: str | None
) -> list[Json]:
    of_data = kind is RepoKind.DATASET
    formats = [name for suffix, name in _FORMATS.items() if any(path.endswith(suffix) for path in by_path)]
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


def _library(by_path: Mapping[str, Found], config: JsonObject) -> str | None:
    for name, library in (
        ("adapter_config.json", "peft"),
        ("modules.json", "sentence-transformers"),
        ("model_index.json", "diffusers"),
    ):
        if name in by_path:
            return library
    return "transformers" if text(config, "model_type") else None


def _small_text(found: Found | None) -> str | None:
    if found is None or found.stamp.size_bytes > _TEXT_LIMIT_BYTES:
        return None
    try:
        return found.file.read_text("utf-8", "replace")
    except OSError:
        return None


def _json(found: Found | None) -> JsonObject:
    try:
        document = json.loads(_small_text(found) or "{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _parameters(files: Iterable[Found]) -> Json:
    """``{"parameters": {dtype: count}, "total": count}`` from the headers of all shards, or None."""
    shards = [found for found in files if found.path.endswith(".safetensors")]
    counts: dict[str, int] = {}
    for found in shards if len(shards) <= _SHARD_LIMIT else ():
        header = _header(found)
        for tensor in (child(header, name) for name in header if name != "__metadata__"):
            shape, dtype = tensor.get("shape"), text(tensor, "dtype")
            if dtype and isinstance(shape, list) and all(isinstance(n, int) and n >= 0 for n in shape):
                counts[dtype] = counts.get(dtype, 0) + math.prod(shape)
    return {"parameters": dict(counts), "total": sum(counts.values())} if counts else None


def _header(found: Found) -> JsonObject:
    """The JSON header of a safetensors file (8 bytes of length, little-endian, then JSON)."""
    try:
        with found.file.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if 2 <= length <= _HEADER_LIMIT_BYTES else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}
