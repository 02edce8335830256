"""A selection that lacks what it needs is refused when it is locked, not when it is loaded."""

from __future__ import annotations

import json
from collections.abc import Callable

from weighbridge.domain.json_values import JsonObject
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.required import Needed, needed
from weighbridge.errors import BadInput, NotFound
from weighbridge.ports import BlobStore

MAX_INDEX_BYTES = 64 << 20
"""The largest index that is read; the published ones of the largest models have 20 MB."""
_SHOWN, _LONGEST = 5, 200


def require_complete(
    id: str,
    chosen: Manifest,
    whole: Manifest,
    blobs: BlobStore,
    held: Callable[[FileEntry], FileEntry],
) -> None:
    """Refuse what cannot be loaded; ``held`` brings a file of ``chosen`` into the store.

    Raises:
        BadInput: the selection leaves files out that it needs; the message names them.
        NotFound: the repository itself lacks them.
        What ``held`` raises.
    """

    def index_of(path: str) -> JsonObject:
        entry = chosen.by_path[path]
        if entry.size_bytes > MAX_INDEX_BYTES:
            return {}
        with blobs.open(held(entry).sha256 or "") as file:
            return _object(file.read(MAX_INDEX_BYTES + 1))

    lacking = needed(chosen, whole, index_of)
    absent = [each for each in lacking if not each.is_there]
    place = f"{chosen.repo.full_name}@{chosen.commit[:12]}"
    if absent:
        raise NotFound(
            f"model '{id}' is incomplete: {place} does not have {_told(absent)}",
            hint="whoever publishes it has to add them; another revision may be whole",
        )
    if lacking:
        raise BadInput(
            f"model '{id}' is incomplete: its 'files' leave out {_told(lacking)}",
            hint="add them, or take configuration files only",
        )


def _told(lacking: list[Needed] | tuple[Needed, ...]) -> str:
    named = ", ".join(f"{each.path[:_LONGEST]} (asked for by {each.by})" for each in lacking[:_SHOWN])
    return named + (f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else "")


def _object(content: bytes) -> JsonObject:
    """The object in a JSON file; empty where it is something else, which no loader could use either."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
