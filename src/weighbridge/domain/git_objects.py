"""The ids that git gives to what a repository holds (Git book, 10.2 "Git Objects").

A Hub shows these ids, so ours are the real ones: two trees of the same content have one id,
here and anywhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.manifest import FileEntry, Manifest, Storage, git_blob_header, lfs_pointer

_FILE_MODE, _FOLDER_MODE = b"100644", b"40000"


def blob_id(entry: FileEntry) -> str:
    """The id of what git itself holds: the content, or the pointer of a large file.

    Raises:
        Invalid: the digest that git needs is not known.
    """
    if entry.storage is Storage.LFS:
        if entry.sha256 is None:
            raise Invalid("file", entry.path, "is a large file without a sha256")
        pointer = lfs_pointer(entry.sha256, entry.size_bytes)
        return _sha1(git_blob_header(len(pointer)) + pointer)
    if entry.git_sha1 is None:
        raise Invalid("file", entry.path, "has no git blob id")
    return entry.git_sha1


def tree_ids(manifest: Manifest) -> Mapping[str, str]:
    """The tree id of every folder by its path; the root is ``""``. Files have mode 100644.

    Raises:
        Invalid: a file lacks the digest that git needs.
    """
    children: dict[str, list[tuple[bytes, bytes, str]]] = {"": []}
    for entry in manifest.files:
        folder, _, name = entry.path.rpartition("/")
        _enter(children, folder).append((name.encode(), _FILE_MODE, blob_id(entry)))
    ids: dict[str, str] = {}
    for folder in sorted(children, key=lambda path: (path == "", -path.count("/"))):
        ids[folder] = _tree(children[folder])
        if folder:
            parent, _, name = folder.rpartition("/")
            children[parent].append((name.encode(), _FOLDER_MODE, ids[folder]))
    return ids


def _enter(
    children: dict[str, list[tuple[bytes, bytes, str]]], folder: str
) -> list[tuple[bytes, bytes, str]]:
    path = folder
    while path not in children:
        children[path] = []
        path = path.rpartition("/")[0]
    return children[folder]


def _tree(members: Sequence[tuple[bytes, bytes, str]]) -> str:
    # git sorts a folder as if its name ended in a slash
    ordered = sorted(members, key=lambda m: m[0] + b"/" if m[1] == _FOLDER_MODE else m[0])
    body = b"".join(mode + b" " + name + b"\x00" + bytes.fromhex(id) for name, mode, id in ordered)
    return _sha1(b"tree %d\x00" % len(body) + body)


def commit_id(tree: str, *, author: str, epoch_s: int, message: str, parents: Sequence[str] = ()) -> str:
    """The id of a commit whose author and committer are the same, in UTC.

    ``author`` is ``Name <address>``.
    """
    who = f"{author} {epoch_s} +0000"
    lines = [f"tree {tree}", *(f"parent {id}" for id in parents), f"author {who}", f"committer {who}"]
    body = ("\n".join(lines) + f"\n\n{message}\n").encode()
    return _sha1(b"commit %d\x00" % len(body) + body)


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
