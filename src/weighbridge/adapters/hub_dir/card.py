"""What a Hub would say of a folder: out of its files, and of what its operator says beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from weighbridge.adapters import repo_info
from weighbridge.adapters.hub_dir.tree import Found
from weighbridge.domain.json_values import JsonObject, objects, text
from weighbridge.domain.manifest import Manifest
from weighbridge.errors import BadListing


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
    places = {found.path: found.file for found in files if repo_info.is_read(found.path)}
    return repo_info.raw_info(manifest, places, last_modified(files, sidecar), sidecar)


def last_modified(files: Sequence[Found], sidecar: JsonObject) -> str:
    """When the newest commit of the sidecar was made, else when the newest file was written."""
    stated = next((date for entry in objects(sidecar, "history") if (date := text(entry, "date"))), None)
    if stated:
        return stated
    newest_ns = max((found.stamp.mtime_ns for found in files), default=0)
    moment = datetime.fromtimestamp(newest_ns // 1_000_000_000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{newest_ns // 1_000_000 % 1000:03d}Z"
