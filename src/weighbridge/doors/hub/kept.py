"""Answers that are sent again while what they say still holds.

An answer is looked up, rendered and encoded once. Whether it still holds is asked for every request
(``HubDesk.watch``), so what is withdrawn or revoked is gone with the next one. An answer lives for a
second all the same: that a token expires is not seen by the watch. Used on the event loop only.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from weighbridge.bridge.hub import Unchanged
from weighbridge.doors.hub.answers import Answer, FileAnswer
from weighbridge.doors.hub.request import Scope, valid_request_id

_LASTS_S = 1.0
_MOST, _MOST_BYTES, _ONE_BYTES = 4096, 16 << 20, 1 << 20
_SHAPING = frozenset(
    {
        *(b"authorization", b"range", b"if-range", b"if-none-match", b"if-match"),
        *(b"host", b"x-forwarded-host", b"x-forwarded-proto"),
    }
)
"""The headers on which an answer depends."""

Key: TypeAlias = tuple[object, ...]
Headers: TypeAlias = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ready:
    """An answer with its headers as they are sent."""

    answer: Answer | FileAnswer
    headers: Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks; ``key`` is empty if it may change something."""

    key: Key
    request_id: bytes


def read_asked(scope: Scope) -> Asked:
    """The key of a request, and the id that goes back with its answer."""
    shaping, traced, named = [], b"", b""
    for header in scope["headers"]:
        name = header[0]
        if name in _SHAPING:
            shaping.append(header)
        elif name == b"x-request-id":
            named = header[1]
        elif name == b"x-amzn-trace-id":
            traced = header[1]
    method = scope["method"]
    key: Key = ()
    if method in ("GET", "HEAD"):
        raw = scope.get("raw_path") or scope["path"]
        key = (method, scope.get("scheme"), raw, scope["query_string"], *shaping)
    return Asked(key=key, request_id=valid_request_id(named or traced))


def ready(answer: Answer | FileAnswer) -> Ready:
    """``answer``, encoded."""
    spelled = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    return Ready(answer=answer, headers=spelled)


class KeptAnswers:
    """At most a few thousand answers and 16 MiB of bodies; when it is full it starts again."""

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[float, Unchanged, Ready]] = {}
        self._bytes = 0

    def get(self, key: Key) -> Ready | None:
        """The answer to the same question, if it still holds."""
        found = self._kept.get(key)
        if found is None:
            return None
        good_until, unchanged, known = found
        if time.monotonic() < good_until and unchanged() and _lies_there(key[0], known.answer):
            return known
        return None

    def keep(self, key: Key, made: Ready, unchanged: Unchanged | None) -> None:
        """Remember an answer that said yes."""
        body = made.answer.body if isinstance(made.answer, Answer) else b""
        if not key or unchanged is None or made.answer.status >= 400 or len(body) > _ONE_BYTES:
            return
        if len(self._kept) >= _MOST or self._bytes > _MOST_BYTES:
            self._kept.clear()
            self._bytes = 0
        if key not in self._kept:
            self._bytes += len(body)
        self._kept[key] = (time.monotonic() + _LASTS_S, unchanged, made)


def _lies_there(method: object, answer: Answer | FileAnswer) -> bool:
    """Whether the file that is to be sent has its length."""
    if isinstance(answer, Answer) or method == "HEAD" or answer.file.path is None:
        return True
    try:
        return answer.file.path.stat().st_size == answer.file.entry.size_bytes
    except OSError:
        return False
