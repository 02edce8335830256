"""Who may say by which address a client reached us: proxies that are known, and nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TypeAlias

from weighbridge.doors.hub.request import Scope

Network: TypeAlias = IPv4Network | IPv6Network
_FORWARDED = frozenset({b"x-forwarded-host", b"x-forwarded-proto"})


def without_strangers_words(scope: Scope, trusted: Sequence[Network]) -> Scope:
    """The request without ``X-Forwarded-Host`` and ``-Proto``, unless a trusted proxy sent it.

    Addresses in answers are made of these headers, so a stranger must not choose them.
    """
    headers = scope["headers"]
    if all(name not in _FORWARDED for name, _ in headers) or _is_trusted(scope, trusted):
        return scope
    return {**scope, "headers": [header for header in headers if header[0] not in _FORWARDED]}


def _is_trusted(scope: Scope, trusted: Sequence[Network]) -> bool:
    client = scope.get("client")
    try:
        address = ip_address(client[0]) if client else None
    except ValueError:
        return False
    if address is None:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or any(address in network for network in trusted)
