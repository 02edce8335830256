"""The address of a Hub: how it is written, and whose credentials it may see.

A token belongs to one origin (scheme, host and port, RFC 6454) and is never sent to another.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from weighbridge.domain.invalid import Invalid

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
"""Others are read differently by different libraries: to some a backslash ends the host."""
_WHAT = "address of a Hub"
_HINT = "as in https://huggingface.co; a token never stands in an address"
LONGEST_TOKEN = 4096


def hub_address(text: str) -> str:
    """``text`` as one spells a Hub's address: lower case host, no usual port, no slash at the end.

    Raises:
        Invalid: it is not an http:// or https:// address, or carries credentials, a query or a
            fragment. The message does not show what may hold a secret.
    """
    shown = "***" if set(text) & set("@?#") else text
    if not text.isascii() or any(char <= " " or char == "\x7f" for char in text):
        raise Invalid(_WHAT, shown, "holds characters that are not allowed in one", hint=_HINT)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Invalid(_WHAT, shown, "cannot be read", hint=_HINT) from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Invalid(_WHAT, shown, "does not begin with http:// or https://", hint=_HINT)
    if "@" in parts.netloc:
        raise Invalid(_WHAT, shown, "carries credentials", hint=_HINT)
    if set(text) & set("?#"):
        raise Invalid(_WHAT, shown, "carries a query or a fragment", hint=_HINT)
    if not _HOST.fullmatch(parts.hostname):
        raise Invalid(_WHAT, shown, "has a host that cannot be", hint=_HINT)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = port is None or port == _PORTS[parts.scheme]
    return f"{parts.scheme}://{host}{'' if usual else f':{port}'}{parts.path.rstrip('/')}"


def origin_of(address: str) -> str:
    """Scheme, host and port of a Hub's address: what its token belongs to.

    Raises:
        Invalid: it is no address.
    """
    scheme, _, rest = hub_address(address).partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def checked_token(text: str) -> str:
    """A token of any shape: at most 4,096 (``LONGEST_TOKEN``) printable ASCII characters without white space.

    Raises:
        Invalid: it cannot stand in a header. The message does not show it.
    """
    token = text.strip()
    if not token:
        raise Invalid("token", "", "is empty", hint="make one in the settings of your account on the Hub")
    if len(token) > LONGEST_TOKEN or not all("!" <= char <= "~" for char in token):
        raise Invalid(
            "token",
            "***",
            "holds white space, a control character or one outside ASCII, or is too long",
            hint="copy it again: the whole token and nothing else",
        )
    return token


def redacted(text: str, token: str | None) -> str:
    """``text`` without the token, however often it stands there."""
    return text.replace(token, "***") if token else text


def is_in_clear(address: str) -> bool:
    """Whether what is sent there leaves this machine unencrypted.

    Raises:
        Invalid: it is no address.
    """
    parts = urlsplit(hub_address(address))
    host = parts.hostname or ""
    return parts.scheme == "http" and not (host in ("localhost", "::1") or host.startswith("127."))
