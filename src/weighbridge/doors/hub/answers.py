"""What goes back: JSON, files, and the Hub's typed errors."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from weighbridge.bridge.served import ServedFile
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json
from weighbridge.domain.ref import is_commit
from weighbridge.errors import (
    BadInput,
    Conflict,
    Denied,
    Disabled,
    Gated,
    IntegrityError,
    NoSuchFile,
    NoSuchRepo,
    NoSuchRevision,
    NotAuthenticated,
    NotFound,
    RateLimited,
    Rejected,
    StaleParent,
    StoreDown,
    Unreachable,
    WeighbridgeError,
)

log = logging.getLogger(__name__)
_HEADER_LIMIT = 500
_RETRY_AFTER_S = 5


class NoRoute(NotFound):
    """The address is none of this Hub's."""


class OnlyReads(WeighbridgeError):
    """A call that would change something; this Hub only serves."""


class TooLarge(BadInput):
    """A body, a line of it, or a count that is beyond its limit."""


STATUS: Sequence[tuple[type[Exception], int, str]] = (
    (NoSuchRepo, 404, "RepoNotFound"),
    (NoSuchRevision, 404, "RevisionNotFound"),
    (NoSuchFile, 404, "EntryNotFound"),
    (NotFound, 404, ""),
    (Gated, 403, "GatedRepo"),
    (Disabled, 403, ""),
    (NotAuthenticated, 401, ""),
    (Denied, 403, ""),
    (OnlyReads, 405, ""),
    (StaleParent, 412, ""),
    (Conflict, 409, ""),
    (Rejected, 403, ""),
    (TooLarge, 413, ""),
    (BadInput, 400, ""),
    (Invalid, 400, ""),
    (RateLimited, 429, ""),
    (StoreDown, 500, ""),
    (Unreachable, 503, ""),
    (IntegrityError, 502, ""),
)
"""The first class that fits gives the status and the ``X-Error-Code``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, headers, and a body that is held in memory."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ongoing(Answer):
    """An answer whose body comes line by line while the work goes on."""

    lines: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere(Answer):
    """An answer that sends the client ``by`` name to where it reads the file by itself."""

    file: ServedFile
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAnswer:
    """A status, headers, and the bytes ``[start, stop)`` of a file; ``by`` is who asked for them."""

    status: int
    headers: Mapping[str, str]
    file: ServedFile
    start: int
    stop: int
    by: str


def json_answer(value: Json, *, headers: Mapping[str, str] | None = None, status: int = 200) -> Answer:
    """``value`` as compact JSON."""
    body = json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()
    known = {
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(body)),
        "cache-control": "private, no-cache",  # the answer depends on the token, and changes
    }
    return Answer(status=status, headers={**known, **(headers or {})}, body=body)


def _plain(value: object) -> object:
    """JSON values from outside may be any Mapping or Sequence."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def error_answer(error: Exception, *, token_sent: bool, lfs: bool = False) -> Answer:
    """The Hub's way to say what went wrong; what nobody expected says nothing of its cause.

    Clients of Git ``lfs`` read out a ``message``.
    """
    found = next(((status, code) for kind, status, code in STATUS if isinstance(error, kind)), None)
    if found is None:
        log.error("unexpected error", exc_info=error)
        return _spelled(500, "", "internal error", {}, lfs=lfs)
    status, code = found
    message = error.message if isinstance(error, WeighbridgeError) else str(error)
    headers: dict[str, str] = {}
    if isinstance(error, NoSuchFile) and is_commit(error.revision):
        headers["x-repo-commit"] = error.revision  # the client may remember that the file is missing
    if isinstance(error, NotAuthenticated):
        headers["www-authenticate"] = "Bearer"
        headers["lfs-authenticate"] = 'Basic realm="a token as password"'  # what git's clients understand
        if token_sent:  # this sentence keeps the client from guessing that the repository is missing
            message = "Invalid credentials in Authorization header"
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(math.ceil(error.retry_after_s or _RETRY_AFTER_S))
    elif status == 503:
        headers["retry-after"] = str(_RETRY_AFTER_S)
    if isinstance(error, OnlyReads):
        headers["allow"] = "GET, HEAD"
    return _spelled(status, code, message, headers, lfs=lfs)


def _spelled(status: int, code: str, message: str, headers: dict[str, str], *, lfs: bool) -> Answer:
    headers["x-error-message"] = header_text(message)
    if code:
        headers["x-error-code"] = code
    document = {"error": message, "message": message} if lfs else {"error": message}
    return json_answer(document, headers=headers, status=status)


def header_text(text: str) -> str:
    """``text`` in one line of printable ASCII."""
    line = " ".join(text.split()).encode("ascii", "backslashreplace").decode()
    return "".join(char if char.isprintable() else "?" for char in line)[:_HEADER_LIMIT]
