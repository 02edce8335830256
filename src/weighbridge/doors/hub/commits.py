"""The body of a commit: one JSON object in each line, read while it comes in.

{"key":"header","value":{"summary":"...","description":"...","parentCommit":"<40 hex>"}}
{"key":"file","value":{"path":"a.txt","content":"<base64>","encoding":"base64"}}
{"key":"lfsFile","value":{"path":"w.bin","algo":"sha256","oid":"<64 hex>","size":123}}
{"key":"deletedFile","value":{"path":"old.txt"}}
{"key":"deletedFolder","value":{"path":"dir/"}}
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from weighbridge.domain.hosted import Change, DeleteFile, DeleteFolder, LargeFile, SmallFile
from weighbridge.domain.json_values import JsonObject, child, text, whole
from weighbridge.doors.hub.answers import TooLarge
from weighbridge.errors import BadInput

BODY_LIMIT_BYTES = 192 << 20
"""A client puts at most 100 MB of regular files into one commit, which are 134 MB of base64."""
REGULAR_LIMIT_BYTES = 16 << 20
"""The longest line: larger files are asked for by LFS, so that no line has to be held that is."""
LINES_LIMIT = 100_000
_BREAKS_LIMIT = 4 * LINES_LIMIT
"""Empty lines count for nothing, but 192 MiB of them would be looked at for half a minute."""
_BRACKETS_LIMIT = 100_000
"""Base64 has none. Without a bound a line of empty objects would take twenty times its length of memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a commit is called, and which commit the client believes to be the newest."""

    title: str
    description: str = ""
    parent: str | None = None


Line: TypeAlias = Header | Change


def read_commit(pieces: Iterable[bytes]) -> Iterator[Line]:
    """The lines of a commit, each as soon as it is whole; the first one is the header.

    Raises:
        BadInput: a line is not one of these five, or the header is missing or not the first one.
        TooLarge: a line, or their number, is beyond its limit.
    """
    count = 0
    for spelled in _lines(pieces):
        line = _line(spelled, count + 1)
        if isinstance(line, Header) is not (count == 0):
            raise BadInput("the first line of a commit, and no other one, must be its header")
        count += 1
        if count > LINES_LIMIT:
            raise TooLarge(f"a commit may change {LINES_LIMIT} files; commit the others after it")
        yield line
    if not count:
        raise BadInput("the commit has no header")


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines that are not empty; of a line that comes in many pieces each is looked at once."""
    begun: list[bytes] = []
    size = breaks = 0
    for piece in pieces:
        breaks += piece.count(b"\n")
        if breaks > _BREAKS_LIMIT:
            raise TooLarge(f"a commit has at most {_BREAKS_LIMIT} lines, with the empty ones")
        *ended, rest = piece.split(b"\n")
        for end in ended:
            line = b"".join([*begun, end])
            begun, size = [], 0
            if line.strip():
                yield _short(line)
        begun.append(rest)
        size += len(rest)
        _require_short(size)
    line = b"".join(begun)
    if line.strip():
        yield _short(line)


def _short(line: bytes) -> bytes:
    _require_short(len(line))
    return line


def _require_short(size: int) -> None:
    if size > REGULAR_LIMIT_BYTES:
        raise TooLarge(
            f"a line of the commit has more than {REGULAR_LIMIT_BYTES} bytes: a file of more than 10 MB is "
            "sent by LFS first, as the answer to 'preupload' says"
        )


def _line(spelled: bytes, number: int) -> Line:
    if spelled.count(b"{") + spelled.count(b"[") > _BRACKETS_LIMIT:
        raise BadInput(f"line {number} of the commit has too many brackets: send its content as base64")
    try:
        value = json.loads(spelled)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"line {number} of the commit is not JSON") from error
    source: JsonObject = value if isinstance(value, dict) else {}
    about, key = child(source, "value"), text(source, "key")
    match key:
        case "header":
            return _header(about, number)
        case "file":
            return SmallFile(path=_path(about, number), content=_content(about, number))
        case "lfsFile":
            return _large(about, number)
        case "deletedFile":
            return DeleteFile(path=_path(about, number))
        case "deletedFolder":
            return DeleteFolder(path=_path(about, number))
    raise BadInput(f"line {number} of the commit has the unknown key {ascii(key)[:60]}")


def _header(about: JsonObject, number: int) -> Header:
    parent = about.get("parentCommit")
    if parent is not None and not isinstance(parent, str):
        raise BadInput(f"line {number} of the commit: 'parentCommit' is not text")
    # As git tells them apart: what follows the first line of the summary belongs to the message.
    title, _, more = (text(about, "summary") or "").strip().partition("\n")
    message = [each.strip() for each in (more, text(about, "description") or "") if each.strip()]
    return Header(title=title.rstrip(), description="\n\n".join(message), parent=parent or None)


def _path(about: JsonObject, number: int) -> str:
    path = text(about, "path")
    if path is None:
        raise BadInput(f"line {number} of the commit names no path")
    return path


def _content(about: JsonObject, number: int) -> bytes:
    content, encoding = about.get("content"), text(about, "encoding") or "utf-8"
    if not isinstance(content, str) or encoding not in ("base64", "utf-8"):
        raise BadInput(f"line {number} of the commit: the content is neither base64 nor utf-8")
    try:
        return b64decode(content, validate=True) if encoding == "base64" else content.encode()
    except (NotBase64, ValueError) as error:
        raise BadInput(f"line {number} of the commit: the content is not {encoding}") from error


def _large(about: JsonObject, number: int) -> LargeFile:
    oid, size = text(about, "oid"), about.get("size")
    if oid is None or text(about, "algo") not in (None, "sha256"):
        raise BadInput(f"line {number} of the commit has no sha256 as 'oid'")
    if size is not None and whole(about, "size") is None:
        raise BadInput(f"line {number} of the commit: 'size' is no number of bytes")
    return LargeFile(path=_path(about, number), sha256=oid, size_bytes=whole(about, "size"))
