"""What a Hub would say of a folder: out of its files, and of what its operator says beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from weighbridge.adapters import repo_info
from weighbridge.adapters.hub_dir.tree import Found
from weighbridge.domain.json_values import JsonObject, child, objects, text, texts, whole
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.repo import DiscussionHead, ModelInfo, Owner, OwnerKind
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


def told(info: ModelInfo, sidecar: JsonObject) -> ModelInfo:
    """The info of a repository that is written, with what its operator says beside it.

    Who may see and download it was taken from there once, and is the repository's own since.
    """
    own = (*repo_info.COMPUTED, "private", "gated", "likes")
    raw = {**info.raw, **{key: value for key, value in sidecar.items() if key not in own}}
    raw["tags"] = list(dict.fromkeys((*info.tags, *texts(sidecar, "tags"))))
    raw["likes"] = info.likes + (whole(sidecar, "likes") or 0)
    return replace(info, raw=raw)


def last_modified(files: Sequence[Found], sidecar: JsonObject) -> str:
    """When the newest commit of the sidecar was made, else when the newest file was written."""
    stated = next((date for entry in objects(sidecar, "history") if (date := text(entry, "date"))), None)
    if stated:
        return stated
    newest_ns = max((found.stamp.mtime_ns for found in files), default=0)
    moment = datetime.fromtimestamp(newest_ns // 1_000_000_000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{newest_ns // 1_000_000 % 1000:03d}Z"


def said_discussions(sidecar: JsonObject) -> list[DiscussionHead]:
    """The discussions of a sidecar, in its order."""
    return [
        DiscussionHead(
            number=whole(row, "num") or 0,
            title=text(row, "title") or "",
            author=text(row, "author") or "",
            status=text(row, "status") or "open",
            is_pull=row.get("isPullRequest") is True,
        )
        for row in objects(sidecar, "discussions")
    ]


def said_owner(sidecar: JsonObject, name: str) -> Owner | None:
    """Who a sidecar says to publish under a namespace."""
    said = child(sidecar, "owner")
    kind = text(said, "kind")
    if kind not in set(OwnerKind):
        return None
    return Owner(
        name=name,
        kind=OwnerKind(kind),
        members=whole(said, "members"),
        is_verified=said.get("isVerified") is True,
    )
