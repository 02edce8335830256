"""Stands before all doors: gives each request an id, and counts and logs how it was answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from itertools import count
from time import perf_counter
from typing import Any, TypeAlias
from uuid import uuid4

from weighbridge.context import REQUEST
from weighbridge.doors.hub import is_hub_path
from weighbridge.doors.hub.request import AsgiApp, Receive, Scope, Send, valid_request_id

log = logging.getLogger(__name__)
Answered: TypeAlias = Callable[[str, str, int, float, int], None]
"""Is told method, route, status, seconds and bytes."""
_ID = b"x-request-id"
_TRACE = b"x-amzn-trace-id"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
_CALLS = frozenset((
    *(b"resolve", b"raw", b"tree", b"paths-info", b"revision", b"commit", b"commits", b"preupload", b"refs"),
    *(b"xet-write-token", b"xet-read-token", b"discussions", b"treesize", b"branch", b"tag", b"settings"),
))  # fmt: skip
_GONE = 499
"""What is counted where the client left before there was an answer; the number is nginx's."""


def watched(app: AsgiApp, answered: Answered, *, each_logged: bool) -> AsgiApp:
    """``app``, with an ``X-Request-Id`` on each answer: the client's if it can be one, else ours.

    ``answered`` hears of each answer; with ``each_logged`` the log does too. Neither is told a query.
    """
    start, numbers = uuid4().hex[:12], count(1)

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        id = _sent_id(scope) or f"{start}-{next(numbers):x}".encode()
        others = [header for header in scope["headers"] if header[0] != _ID]
        scope["headers"] = [*others, (_ID, id)]
        REQUEST.set(id.decode())
        answer = _Answer(id, send)
        began = perf_counter()
        try:
            await app(scope, receive, answer.send)
        finally:
            seconds, route = perf_counter() - began, route_of(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            answered(method, route, answer.status, seconds, answer.bytes)
            if each_logged:
                path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
                said = {
                    "method": method,
                    "path": path.decode("ascii", "backslashreplace")[:1000],
                    "route": route,
                    "status": answer.status,
                    "seconds": round(seconds, 6),
                    "bytes": answer.bytes,
                }
                log.info("answered", extra={"fields": said})

    return run


class _Answer:
    """Sees an answer pass: its status and how many bytes it has."""

    __slots__ = ("_id", "_length", "_send", "bytes", "status")

    def __init__(self, id: bytes, send: Send) -> None:
        self._id, self._send = id, send
        self._length, self.bytes, self.status = 0, 0, _GONE

    async def send(self, message: MutableMapping[str, Any]) -> None:
        kind = message["type"]
        if kind == "http.response.body":
            self.bytes += len(message.get("body", b""))
        elif kind == "http.response.start":
            self.status, named = message["status"], False
            for name, value in message["headers"]:
                if name == _ID:
                    named = True
                elif name == b"content-length":
                    self._length = int(value)
            if not named:
                message["headers"] = [*message["headers"], (_ID, self._id)]
        elif kind == "http.response.pathsend":
            self.bytes = self._length
        await self._send(message)


def _sent_id(scope: Scope) -> bytes:
    named = traced = b""
    for name, value in scope["headers"]:
        if name == _ID:
            named = value
        elif name == _TRACE:
            traced = value
    return valid_request_id(named) or valid_request_id(traced)


def route_of(scope: Scope) -> str:
    """By what route a request was answered, without names: there are few of them.

    The REST door's own templates; of the Hub's addresses the verb; ``other`` where there is none.
    """
    route = scope.get("route")
    if route is not None:
        return str(getattr(route, "path", "other"))
    path: bytes = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
    if not is_hub_path(path):
        return "other"
    parts = path.strip(b"/").split(b"/")
    verb = next((part.decode() for part in parts[1:6] if part in _CALLS), "")
    if parts[0] == b"api":
        return f"/api/{{repo}}/{verb}" if verb else "/api"
    if parts[0] == b"xet":
        return "/xet"
    return f"/{{repo}}/{verb}" if verb in ("resolve", "raw") else "/{repo}.git"
