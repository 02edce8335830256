"""The Hub's JSON: how repositories, files, refs and commits are spelled."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

from weighbridge.bridge.served import Tree
from weighbridge.domain.access import Permission, Principal, Role, can
from weighbridge.domain.git_objects import blob_id
from weighbridge.domain.json_values import Json, JsonObject
from weighbridge.domain.manifest import FileEntry, Storage, lfs_pointer
from weighbridge.domain.repo import Commit, ModelInfo, Refs

_ONLY_IF_ASKED = frozenset(
    {
        *("siblings", "cardData", "config", "safetensors", "gguf", "model-index", "widgetData"),
        *("usedStorage", "baseModels", "evalResults", "spaces", "transformersInfo"),
    }
)
"""Too long for a listing of many repositories."""


def info_json(
    info: ModelInfo,
    *,
    tree: Tree | None,
    expand: Collection[str],
    children: Mapping[str, int],
    takes_xet: bool,
) -> JsonObject:
    """A repository; with ``tree`` its files have sizes and digests, ``expand`` names all that is sent.

    ``children`` says how many models are made of each one, by its name in lower case. ``takes_xet`` is
    what huggingface_hub before 0.36 asks for, to know how to send a large file.
    """
    raw = dict(info.raw)
    if tree is not None:
        raw["siblings"] = [_sibling(entry) for entry in tree.manifest.files]
    if not expand:
        return raw
    raw = {"childrenModelCount": children.get(info.repo.full_name.lower(), 0), **raw, "xetEnabled": takes_xet}
    return {key: value for key, value in raw.items() if key in ("_id", "id") or key in expand}


def listed_json(
    info: ModelInfo,
    *,
    asked: Collection[str],
    expand: Collection[str],
    children: Mapping[str, int],
    takes_xet: bool,
) -> JsonObject:
    """A repository in a listing; ``asked`` are further fields that were wished for."""
    if expand:
        return info_json(info, tree=None, expand=expand, children=children, takes_xet=takes_xet)
    return {key: value for key, value in info.raw.items() if key not in _ONLY_IF_ASKED or key in asked}


def _sibling(entry: FileEntry) -> JsonObject:
    spelled: dict[str, Json] = {
        "rfilename": entry.path,
        "size": entry.size_bytes,
        "blobId": blob_id(entry),
    }
    if entry.storage is Storage.LFS:
        # here it is called sha256, in a tree oid
        spelled["lfs"] = {"sha256": entry.sha256, **_lfs_sizes(entry)}
    return spelled


def _lfs_sizes(entry: FileEntry) -> Mapping[str, Json]:
    pointer = lfs_pointer(entry.sha256 or "", entry.size_bytes)
    return {"size": entry.size_bytes, "pointerSize": len(pointer)}


def file_json(entry: FileEntry) -> dict[str, Json]:
    """A file in a tree."""
    spelled: dict[str, Json] = {
        "type": "file",
        "oid": blob_id(entry),
        "size": entry.size_bytes,
        "path": entry.path,
    }
    if entry.storage is Storage.LFS:
        spelled["lfs"] = {"oid": entry.sha256, **_lfs_sizes(entry)}
    return spelled


def folder_json(path: str, oid: str) -> dict[str, Json]:
    """A folder in a tree."""
    return {"type": "directory", "oid": oid, "size": 0, "path": path}


def last_commit_json(commit: Commit) -> JsonObject:
    """What ``expand`` adds to a file."""
    return {"id": commit.id, "title": commit.title, "date": commit.created_at}


def refs_json(refs: Refs, *, pull_requests: bool) -> JsonObject:
    """Branches and tags."""
    spelled: dict[str, Json] = {
        "branches": _named(refs.branches, "heads"),
        "converts": [],
        "tags": _named(refs.tags, "tags"),
    }
    if pull_requests:
        spelled["pullRequests"] = [
            {"name": name, "ref": name, "targetCommit": commit} for name, commit in refs.pulls.items()
        ]
    return spelled


def _named(names: Mapping[str, str], folder: str) -> list[Json]:
    return [
        {"name": name, "ref": f"refs/{folder}/{name}", "targetCommit": commit}
        for name, commit in names.items()
    ]


def commit_json(commit: Commit, *, formatted: bool) -> JsonObject:
    """A commit in the history."""
    spelled: dict[str, Json] = {
        "id": commit.id,
        "title": commit.title,
        "message": commit.message,
        "date": commit.created_at,
        "authors": [{"user": name} for name in commit.authors],
    }
    if formatted:
        spelled["formatted"] = {"title": escape(commit.title), "message": escape(commit.message)}
    return spelled


def whoami_json(principal: Principal) -> JsonObject:
    """The caller, as ``hf auth whoami`` and ``hf auth login`` read it."""
    role = "write" if can(principal, Permission.UPLOAD) else "read"
    return {
        "type": "user",
        "id": principal.name,
        "name": principal.name,
        "fullname": principal.name,
        "email": None,
        "emailVerified": False,
        "canPay": False,
        "isPro": False,
        "periodEnd": None,
        "avatarUrl": "",
        "orgs": [_organization(name, role) for name, role in sorted(principal.roles)],
        "auth": {"type": "access_token", "accessToken": {"displayName": principal.name, "role": role}},
    }


def _organization(name: str, role: Role) -> JsonObject:
    return {
        "type": "org",
        "id": name,
        "name": name,
        "fullname": name,
        "isEnterprise": False,
        "canPay": False,
        "avatarUrl": "",
        "roleInOrg": role.value,
    }
