"""Who vouches for accounts that are not ours: issuers of bearer tokens (OpenID Connect), as named here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from weighbridge.domain.access import Permission
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA")
"""What tokens may be signed with: always with a private key, which only the issuer has."""
_LABEL = re.compile(r"[a-z0-9]{1,16}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+|-]{0,46}")
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
_SCOPES = ("scope", "scp")
_MOST_GROUPS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One issuer that is believed: what its tokens must say, and what they allow.

    Its accounts are called ``label:name``, so that none has the name of a local one. ``name_claim`` says
    what they are called by, ``groups_claim`` where their groups stand; ``everyone`` may what is in it, and
    members of a group what ``groups`` says of it. Keys come from ``keys_url``, else from where the
    issuer's own description says.
    """

    label: str
    url: str
    audience: str
    name_claim: str = "sub"
    groups_claim: str = "groups"
    everyone: frozenset[Permission] = frozenset()
    groups: Mapping[str, frozenset[Permission]] = field(default_factory=dict)
    algorithms: tuple[str, ...] = ALGORITHMS
    keys_url: str = ""

    def __post_init__(self) -> None:
        if not _LABEL.fullmatch(self.label):
            raise Invalid("label", self.label, "of an issuer is 1 to 16 lower-case letters and digits")
        for url in (self.url, *((self.keys_url,) if self.keys_url else ())):
            _check_url(url)
        if not self.audience:
            raise Invalid("audience", "", f"of the issuer '{self.label}' is empty: every token would do")
        if not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            raise Invalid("algorithms", list(self.algorithms), f"are not among {', '.join(ALGORITHMS)}")

    @property
    def description_url(self) -> str:
        """Where it describes itself (OpenID Connect Discovery 1.0, 4)."""
        return f"{self.url.rstrip('/')}/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Somebody whom an issuer vouches for: ``origin`` is who it is there, whatever it is called."""

    name: str
    origin: str
    permissions: frozenset[Permission]


def vouched(issuer: Issuer, claims: JsonObject) -> Vouched:
    """Who a token of the issuer speaks for, by claims that were checked.

    Raises:
        Invalid: they do not say, or say what cannot be a name.
    """
    subject, name = claims.get("sub"), claims.get(issuer.name_claim)
    if "events" in claims:
        raise Invalid("claim", "events", "says that it tells of something (RFC 8417) and speaks for nobody")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise Invalid("claim", "sub", "is no subject")
    if not isinstance(name, str) or not name.isascii() or not _NAME.fullmatch(name.lower()):
        raise Invalid(
            "claim",
            issuer.name_claim,
            "is no name",
            hint="1 to 47 letters, digits and . _ @ + | -; name another claim in 'name_claim'",
        )
    if issuer.name_claim == "email" and claims.get("email_verified", True) not in (True, "true"):
        raise Invalid("claim", "email", "was not verified: it may be somebody else's")
    given = claims.get(issuer.groups_claim, ())
    groups = given
    if isinstance(given, str):  # of scopes there are several in one text (RFC 8693, 4.2), and else one group
        groups = given.split() if issuer.groups_claim in _SCOPES else (given,)
    if not isinstance(groups, list | tuple):
        groups = ()
    found = [
        issuer.groups.get(group, frozenset()) for group in groups[:_MOST_GROUPS] if isinstance(group, str)
    ]
    return Vouched(
        name=f"{issuer.label}:{name.lower()}",
        origin=f"{issuer.url} {subject}",
        permissions=issuer.everyone.union(*found),
    )


def same_place(one: str, other: str) -> bool:
    """Whether two addresses have one scheme, host and port."""
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.hostname, first.port) == (second.scheme, second.hostname, second.port)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid("address", url[:80], "of an issuer is none") from None
    if parts.username or parts.password or parts.query or parts.fragment or not url.isascii():
        raise Invalid("address", host, "of an issuer has credentials, a query or other characters")
    if len(url) > 255 or not host or (parts.scheme != "https" and not _is_loopback(parts.scheme, host)):
        raise Invalid("address", url[:80], "of an issuer must begin with https://")


def _is_loopback(scheme: str, host: str) -> bool:
    if scheme != "http":
        return False
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
