"""What the headers of all shards of a model say, in one answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from weighbridge.bridge.served import ServedFile
from weighbridge.domain.json_values import Json, JsonObject, child, mended
from weighbridge.errors import BadInput

_INDEX_LIMIT_BYTES = 32 << 20
_HEADERS_LIMIT_BYTES = 64 << 20
_SHARDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardHeaders:
    """An index without its map of tensors, which the headers hold, and the headers by path."""

    index: JsonObject
    headers: Mapping[str, JsonObject]


def shard_headers(index: str, file: Callable[[str], ServedFile]) -> ShardHeaders:
    """Read the index and the header of every file that it names; ``file`` gives a file by its path.

    Raises:
        BadInput: it is no index, one of its files is no safetensors file, or all are too much.
        Whatever ``file`` raises.
    """
    listing = file(index)
    if not index.endswith(".safetensors.index.json") or listing.entry.size_bytes > _INDEX_LIMIT_BYTES:
        raise BadInput(f"'{index[:200]}' is no index of safetensors files that is read here")
    document = _object(listing.read(0, listing.entry.size_bytes), index)
    folder = index.rpartition("/")[0]
    named = {str(shard) for shard in child(document, "weight_map").values()}
    if not named or len(named) > _SHARDS:
        raise BadInput(f"'{index}' names {len(named)} files; 1 to {_SHARDS} are read")
    headers: dict[str, JsonObject] = {}
    left = _HEADERS_LIMIT_BYTES
    for shard in sorted(named):
        content = _header(file(f"{folder}/{shard}" if folder else shard), left)
        left -= len(content)
        headers[shard] = _object(content, shard)
    return ShardHeaders(index={k: v for k, v in document.items() if k != "weight_map"}, headers=headers)


def _header(file: ServedFile, most_bytes: int) -> bytes:
    """The header of a safetensors file: 8 bytes of length, little-endian, then so much JSON."""
    length = int.from_bytes(file.read(0, 8), "little")
    if not 2 <= length <= min(most_bytes, file.entry.size_bytes - 8):
        raise BadInput(f"'{file.entry.path}' is no safetensors file, or its header is too long")
    return file.read(8, 8 + length)


def _object(content: bytes, path: str) -> JsonObject:
    try:
        document: Json = mended(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"'{path[:200]}' does not hold JSON where it should") from error
    if not isinstance(document, dict):
        raise BadInput(f"'{path[:200]}' does not hold a JSON object where it should")
    return document
