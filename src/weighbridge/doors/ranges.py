"""What HTTP says of a stretch of a file: Range, If-Range, ETags, and the name under which it is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.IGNORECASE | re.ASCII)
UNSATISFIABLE = 416


def ranged(
    method: str, asked: Mapping[str, str], size: int, headers: dict[str, str], etag: str
) -> tuple[int, int, int]:
    """The status, and ``[start, stop)`` of what is sent; completes the headers of the answer.

    ``asked`` has the request's headers by their lower-case names.
    """
    wanted = asked.get("range", "") if method == "GET" else ""
    if asked.get("if-range", etag) != etag:
        wanted = ""
    span = _span(wanted, size)
    if span is None:
        headers["content-length"] = str(size)
        return 200, 0, size
    start, stop = span
    if start >= stop:
        headers |= {"content-range": f"bytes */{size}", "content-length": "0"}
        return UNSATISFIABLE, 0, 0
    headers |= {"content-range": f"bytes {start}-{stop - 1}/{size}", "content-length": str(stop - start)}
    return 206, start, stop


def filename(name: str) -> str:
    """A name for the parameters of Content-Disposition: as it is, and for old clients in ASCII (RFC 6266)."""
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def matches(condition: str, etag: str, *, weak: bool = True) -> bool:
    """Whether an ``If-Match`` or ``If-None-Match`` names this ETag (RFC 9110, 13.1)."""
    known = [tag.strip() for tag in condition.split(",")]
    if weak:
        known = [tag.removeprefix("W/") for tag in known]
    return etag in known or "*" in known


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
