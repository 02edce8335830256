"""One small document at an address, and from nowhere else: no redirect is followed, no token is sent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from weighbridge.adapters.hub_http.addresses import split_address
from weighbridge.adapters.hub_http.wire import Wire
from weighbridge.errors import HubDown

_READ_TIMEOUT_S = 10.0


def fetch_document(address: str, most_bytes: int, *, environ: Mapping[str, str]) -> bytes:
    """What is there; proxies and certificates are looked up in ``environ``.

    Raises:
        HubDown: it does not answer, or not with 200 and at most so many bytes.
        BadInput: a variable names a proxy or certificates that cannot be used.
    """
    try:
        origin, target = split_address(address)
    except ValueError as error:
        raise HubDown(f"an address {error}") from None
    wire = Wire(environ, kept=0, read_timeout_s=_READ_TIMEOUT_S)
    try:
        headers = {"Accept": "application/json", "User-Agent": "weighbridge", "Connection": "close"}
        with closing(wire.get(origin, target, headers)) as answer:
            if answer.status != 200:
                raise HubDown(f"{origin} answered {answer.status}")
            content = answer.read(most_bytes + 1)
    except OSError as error:
        raise HubDown(f"{origin} does not answer: {error.strerror or type(error).__name__}") from error
    finally:
        wire.close()
    if len(content) > most_bytes:
        raise HubDown(f"{origin} answered with more than {most_bytes} bytes")
    return content
