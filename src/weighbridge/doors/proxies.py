"""Who may say by which address a client reached us, and where from: proxies that are known, nobody else."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network
Scope: TypeAlias = MutableMapping[str, Any]
_FORWARDED = frozenset({b"x-forwarded-host", b"x-forwarded-proto"})
_HOME_BITS = 64
"""What one customer of a network has of IPv6 addresses; all of them count as one client."""


def without_strangers_words(scope: Scope, trusted: Sequence[Network]) -> Scope:
    """The request without ``X-Forwarded-Host`` and ``-Proto``, unless a trusted proxy sent it.

    Addresses in answers are made of these headers, so a stranger must not choose them.
    """
    headers = scope["headers"]
    if all(name not in _FORWARDED for name, _ in headers) or _is_trusted(_peer(scope), trusted):
        return scope
    return {**scope, "headers": [header for header in headers if header[0] not in _FORWARDED]}


def client_address(scope: Scope, trusted: Sequence[Network]) -> str:
    """The network address that a request came from; empty for this machine, or where it is not known.

    Of ``X-Forwarded-For`` the last address counts that is no trusted proxy: what stands before it was
    written by the client. Of IPv6 it is the network of 64 bits.
    """
    address = _peer(scope)
    sent = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    behind = [word.strip() for word in b",".join(sent).decode("latin-1").split(",") if word.strip()]
    while _is_trusted(address, trusted) and behind:
        address = _address(behind.pop())
    if address is None or address.is_loopback:
        return ""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _HOME_BITS), strict=False))
    return str(address)


def _peer(scope: Scope) -> IPv4Address | IPv6Address | None:
    client = scope.get("client")
    return _address(client[0]) if client else None


def _address(spelled: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(spelled)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: IPv4Address | IPv6Address | None, trusted: Sequence[Network]) -> bool:
    if address is None:
        return False
    return address.is_loopback or any(address in network for network in trusted)
