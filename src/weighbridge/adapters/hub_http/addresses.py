"""Where a request goes: origins, the proxies of the environment, trusted certificates."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from weighbridge.errors import BadInput

if TYPE_CHECKING:
    import ssl

_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port: credentials and kept connections belong to one of these (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The host as it stands in a URL or a ``Host`` header; the usual port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def split_address(address: str) -> tuple[Origin, str]:
    """The origin and the request target (path and query) of an http or https address.

    Raises:
        ValueError: it is not such an address, carries credentials, or holds characters that a
            request line may not hold. The message never shows the address: it may be signed.
    """
    parts = urlsplit(address)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("is not an http:// or https:// address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("carries credentials")
    if not address.isascii() or any(char <= " " or char == "\x7f" for char in address):
        raise ValueError("holds characters that are not allowed in an address")
    labels = parts.hostname.removesuffix(".").split(".")
    if ":" not in parts.hostname and not all(0 < len(label) <= 63 for label in labels):
        raise ValueError("has a host name that cannot be (RFC 1035, 2.3.4)")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Origin(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]), target


@dataclass(frozen=True, slots=True, repr=False)
class Proxy:
    """A proxy and what it wants to see in ``Proxy-Authorization``; its repr shows neither."""

    origin: Origin
    headers: Mapping[str, str]


class Proxies:
    """The proxies that an environment names, as curl and requests read it.

    ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``ALL_PROXY``, lower case first; ``NO_PROXY`` lists hosts,
    domains (with or without a leading dot), ``host:port``, addresses and networks, or ``*``.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._exempt = [rule.strip().lower() for rule in self._read("no_proxy").split(",") if rule.strip()]

    def to(self, origin: Origin) -> Proxy | None:
        """The proxy for this origin, or None for a straight connection.

        Raises:
            BadInput: the variable holds what we cannot use (SOCKS, or https through an https proxy).
        """
        name = f"{origin.scheme}_proxy"
        # A web server passes a request's "Proxy:" header to CGI programs as HTTP_PROXY.
        cgi = name == "http_proxy" and "REQUEST_METHOD" in self._environ
        address = (self._environ.get(name, "") if cgi else self._read(name)) or self._read("all_proxy")
        if not address or any(_exempts(rule, origin) for rule in self._exempt):
            return None
        return _proxy(address, name.upper(), origin)

    def _read(self, name: str) -> str:
        return self._environ.get(name) or self._environ.get(name.upper()) or ""


def _proxy(address: str, name: str, origin: Origin) -> Proxy:
    parts = urlsplit(address if "://" in address else f"http://{address}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in _PORTS or not parts.hostname or (parts.scheme == origin.scheme == "https"):
        raise BadInput(
            f"the proxy in {name} cannot be used for {origin}",
            hint="give an http:// proxy, as in HTTPS_PROXY=http://proxy:3128",
        )
    headers = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Proxy(Origin(parts.scheme, parts.hostname, port or _PORTS[parts.scheme]), headers)


def _exempts(rule: str, origin: Origin) -> bool:
    if rule == "*":
        return True
    from ipaddress import ip_address, ip_network  # slow to import, rarely needed

    try:
        return ip_address(origin.host) in ip_network(rule, strict=False)
    except ValueError:
        pass  # one of them is a name
    host, _, port = rule.rpartition(":") if rule.rpartition(":")[2].isdigit() else (rule, "", "")
    host = host.removeprefix("*").removeprefix(".").strip("[]")
    matches = origin.host == host or origin.host.endswith(f".{host}")
    return bool(host) and matches and (not port or int(port) == origin.port)


def trust(environ: Mapping[str, str]) -> ssl.SSLContext:
    """A TLS context that trusts the platform's authorities and those the environment adds.

    Raises:
        BadInput: a variable names a file that holds no certificates.
    """
    import ssl  # slow to import, and plain http needs none

    context = ssl.create_default_context()
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        place = environ.get(name)
        if not place:
            continue
        try:
            if Path(place).is_dir():
                context.load_verify_locations(capath=place)
            else:
                context.load_verify_locations(cafile=place)
        except (OSError, ssl.SSLError) as error:
            raise BadInput(f"{name}: cannot read certificates from '{place}': {error}") from error
    return context
