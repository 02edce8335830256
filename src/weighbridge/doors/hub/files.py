"""``resolve`` and ``raw``: one file, or a range of it."""

from __future__ import annotations

from dataclasses import dataclass

from weighbridge.bridge.hub import HubDesk
from weighbridge.bridge.served import ServedFile
from weighbridge.domain.access import Principal
from weighbridge.domain.git_objects import blob_id
from weighbridge.domain.manifest import FileEntry, Storage, lfs_pointer
from weighbridge.domain.ref import RepoKind, is_commit
from weighbridge.doors.hub.answers import Answer, Elsewhere, FileAnswer
from weighbridge.doors.hub.request import Request
from weighbridge.doors.ranges import UNSATISFIABLE, filename, matches, ranged

_TEXT = frozenset({"txt", "md", "json", "jsonl", "yaml", "yml", "py", "toml", "cfg", "csv", "tsv", "jinja"})

_OF_THE_BYTES = ("content-type", "content-disposition", "accept-ranges")
"""Headers that a redirect does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which file of which revision; ``raw`` asks for what git holds, the pointer of a large file."""

    kind: RepoKind
    name: str
    revision: str
    path: str
    raw: bool


def serve_file(desk: HubDesk, principal: Principal, request: Request, wanted: Wanted) -> Answer | FileAnswer:
    """The file, a range of it, or 304 where the client has it."""
    file = desk.file(principal, wanted.kind, wanted.name, wanted.revision, wanted.path)
    entry, pointer = file.entry, wanted.raw and file.entry.storage is Storage.LFS
    etag = f'"{blob_id(entry) if pointer else _content_id(entry)}"'
    headers = _headers(file, etag, pinned=is_commit(wanted.revision), saved=request.flag("download"))
    if "if-match" in request.headers and not matches(request.headers["if-match"], etag, weak=False):
        return Answer(status=412, headers={**headers, "content-length": "0"})
    if matches(request.headers.get("if-none-match", ""), etag):
        return Answer(status=304, headers=headers)
    if pointer:
        body = lfs_pointer(entry.sha256 or "", entry.size_bytes)
        headers["content-type"] = "text/plain; charset=utf-8"
        status, start, stop = ranged(request.method, request.headers, len(body), headers, etag)
        return Answer(status=status, headers=headers, body=body[start:stop])
    if entry.storage is Storage.LFS:
        headers |= {"x-linked-etag": etag, "x-linked-size": str(entry.size_bytes)}
    if file.address:
        for name in _OF_THE_BYTES:
            headers.pop(name, None)
        sent = {"location": file.address, "content-length": "0", "cache-control": "private, no-cache"}
        return Elsewhere(status=302, headers=headers | sent, file=file, by=principal.name)
    status, start, stop = ranged(request.method, request.headers, entry.size_bytes, headers, etag)
    if status == UNSATISFIABLE:
        return Answer(status=status, headers=headers)
    return FileAnswer(status=status, headers=headers, file=file, start=start, stop=stop, by=principal.name)


def _content_id(entry: FileEntry) -> str:
    """The Hub's ETag: the sha256 of a large file, the git blob id of a small one."""
    strong = entry.sha256 or entry.strongest.value
    return strong if entry.storage is Storage.LFS else entry.git_sha1 or strong


def _headers(file: ServedFile, etag: str, *, pinned: bool, saved: bool) -> dict[str, str]:
    name = file.entry.path.rpartition("/")[2]
    # shown as text or bytes whatever it is: a page in a repository is no page of ours
    text = name.rpartition(".")[2].lower() in _TEXT
    return {
        "etag": etag,
        "x-repo-commit": file.commit,
        "accept-ranges": "bytes",
        # private: a shared cache would go on serving what was withdrawn
        "cache-control": "private, max-age=31536000, immutable" if pinned else "private, no-cache",
        "content-type": "text/plain; charset=utf-8" if text else "application/octet-stream",
        "content-disposition": f"{'attachment' if saved else 'inline'}; {filename(name)}",
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
    }
