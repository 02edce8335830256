"""What a client of the Hub asks, read from the raw path.

A branch name stands in one segment of the path with its slashes percent-encoded
(``refs%2Fpr%2F1``), so the path is split first and decoded afterwards.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

from weighbridge.errors import BadInput

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_FIELDS_LIMIT = 2000
_HOST = re.compile(r"[A-Za-z0-9._~\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_REQUEST_ID = re.compile(rb"[!-~]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. ``segments`` are decoded, ``path`` and ``raw_query`` are as they came.

    ``headers`` have lower-case names.
    """

    method: str
    path: str
    segments: tuple[str, ...]
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    origin: str
    body: bytes = b""
    raw_query: str = ""

    @property
    def secret(self) -> str | None:
        """The bearer token, or one that a client of git sends as a password (RFC 7617)."""
        kind, _, secret = self.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            password = _password(secret.strip())
            return password if password.startswith("hf_") else None  # others are some proxy's
        return secret.strip() or None if kind.lower() == "bearer" else None

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of a query parameter; clients write lists as ``a=1&a=2`` or ``a[]=1``."""
        return tuple(value for key, value in self.query if key in (name, f"{name}[]") and value)

    def value(self, name: str) -> str:
        """The last value of a query parameter; empty where there is none."""
        return (self.values(name) or ("",))[-1]

    def flag(self, name: str) -> bool:
        """Whether a query parameter says yes."""
        return self.value(name).lower() in ("true", "1")

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number between 1 and ``most``.

        Raises:
            BadInput: the parameter is no such number.
        """
        spelled = self.value(name)
        return whole_number(name, spelled, most) if spelled else default

    def next_page(self, cursor: str) -> str:
        """The ``Link`` header that leads to the page after this one."""
        query = [(key, value) for key, value in self.query if key != "cursor"]
        return f'<{self.origin}{self.path}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'

    def with_body(self, body: bytes) -> Request:
        """This request with its body read."""
        return replace(self, body=body)


def _password(spelled: str) -> str:
    try:
        return b64decode(spelled, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def whole_number(name: str, spelled: str, most: int) -> int:
    """A whole number between 1 and ``most``.

    Raises:
        BadInput: the text of the parameter ``name`` is no such number.
    """
    if not spelled.isascii() or not spelled.isdigit() or len(spelled) > 9 or not int(spelled):
        raise BadInput(f"'{name}' is not a positive whole number: {spelled[:40]!a}")
    return min(int(spelled), most)


def valid_request_id(sent: bytes) -> bytes:
    """The id by which a client names its request; empty where it is none."""
    return sent if sent and _REQUEST_ID.fullmatch(sent) else b""


def read_request(scope: Scope) -> Request:
    """The head of a request.

    Raises:
        BadInput: the path is not UTF-8 once it is decoded, or the query has too many fields.
    """
    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].decode("latin-1")
    try:
        segments = tuple(unquote_to_bytes(part).decode() for part in path.strip("/").split("/"))
    except UnicodeDecodeError as error:
        raise BadInput("the path is not UTF-8") from error
    headers: dict[str, str] = {}
    for sent, content in scope["headers"]:
        name, value = sent.decode("latin-1").lower(), content.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value  # RFC 9110, 5.3
    raw_query = scope["query_string"].decode("latin-1")
    try:
        query = parse_qsl(raw_query, keep_blank_values=True, max_num_fields=_FIELDS_LIMIT)
    except ValueError as error:
        raise BadInput(f"the query has more than {_FIELDS_LIMIT} fields") from error
    return Request(
        method=scope["method"],
        path=path,
        segments=segments,
        query=query,
        headers=headers,
        origin=_origin(scope, headers),
        raw_query=raw_query,
    )


def _origin(scope: Scope, headers: Mapping[str, str]) -> str:
    """How the client reached us: addresses in answers must have the host that it used."""
    scheme = headers.get("x-forwarded-proto", scope.get("scheme", "http")).partition(",")[0].strip()
    host = headers.get("x-forwarded-host", headers.get("host", "")).partition(",")[0].strip()
    if scheme not in ("http", "https"):
        scheme = "http"
    return f"{scheme}://{host}" if _HOST.fullmatch(host) else ""
