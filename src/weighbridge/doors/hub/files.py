"""``resolve`` and ``raw``: one file, or a range of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from weighbridge.bridge.hub import HubDesk
from weighbridge.bridge.served import ServedFile
from weighbridge.domain.access import Principal
from weighbridge.domain.git_objects import blob_id
from weighbridge.domain.manifest import FileEntry, Storage, lfs_pointer
from weighbridge.domain.ref import RepoKind, is_commit
from weighbridge.doors.hub.answers import Answer, FileAnswer
from weighbridge.doors.hub.request import Request

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.IGNORECASE | re.ASCII)
_UNSATISFIABLE = 416
_TEXT = frozenset({"txt", "md", "json", "jsonl", "yaml", "yml", "py", "toml", "cfg", "csv", "tsv", "jinja"})


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
    if "if-match" in request.headers and not _matches(request.headers["if-match"], etag, weak=False):
        return Answer(status=412, headers={**headers, "content-length": "0"})
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Answer(status=304, headers=headers)
    if pointer:
        body = lfs_pointer(entry.sha256 or "", entry.size_bytes)
        headers["content-type"] = "text/plain; charset=utf-8"
        status, start, stop = _ranged(request, len(body), headers, etag)
        return Answer(status=status, headers=headers, body=body[start:stop])
    if entry.storage is Storage.LFS:
        headers |= {"x-linked-etag": etag, "x-linked-size": str(entry.size_bytes)}
    status, start, stop = _ranged(request, entry.size_bytes, headers, etag)
    if status == _UNSATISFIABLE:
        return Answer(status=status, headers=headers)
    return FileAnswer(status=status, headers=headers, file=file, start=start, stop=stop)


def _ranged(request: Request, size: int, headers: dict[str, str], etag: str) -> tuple[int, int, int]:
    """The status, and ``[start, stop)`` of what is sent; completes the headers."""
    asked = request.headers.get("range", "") if request.method == "GET" else ""
    if request.headers.get("if-range", etag) != etag:
        asked = ""
    span = _span(asked, size)
    if span is None:
        headers["content-length"] = str(size)
        return 200, 0, size
    start, stop = span
    if start >= stop:
        headers |= {"content-range": f"bytes */{size}", "content-length": "0"}
        return _UNSATISFIABLE, 0, 0
    headers |= {"content-range": f"bytes {start}-{stop - 1}/{size}", "content-length": str(stop - start)}
    return 206, start, stop


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """``[start, stop)`` of ``a-b``, ``a-`` and ``-n`` (RFC 9110, 14.1.2); empty if unsatisfiable.

    None for everything else: a header that is no single range is ignored.
    """
    found = _RANGE.fullmatch(asked.replace(" ", ""))
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size


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
        "content-disposition": f"{'attachment' if saved else 'inline'}; {_filename(name)}",
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
    }


def _filename(name: str) -> str:
    """A name for the parameters of Content-Disposition: as it is, and for old clients in ASCII (RFC 6266)."""
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _matches(condition: str, etag: str, *, weak: bool = True) -> bool:
    """Whether an ``If-Match`` or ``If-None-Match`` names this ETag (RFC 9110, 13.1)."""
    known = [tag.strip() for tag in condition.split(",")]
    if weak:
        known = [tag.removeprefix("W/") for tag in known]
    return etag in known or "*" in known
