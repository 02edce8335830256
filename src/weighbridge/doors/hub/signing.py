"""Addresses that carry their own permission: a client uploads to them without its token.

A PUT of the Hub's client has no Authorization header, so the address says who may send what
until when, and a keyed hash over all of it (HMAC-SHA256, RFC 2104) says that we wrote it.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from weighbridge.domain.access import Permission, Principal
from weighbridge.errors import NotPermitted

LIFETIME_S = 24 * 3600
"""How long an address counts: an upload of a terabyte over a slow line begins at its last part."""


class Signer:
    """Writes and checks such addresses; what one signed, every other one with its key honours.

    ``now`` gives seconds since 1970.
    """

    def __init__(self, key: bytes, now: Callable[[], float] = time.time) -> None:
        self._key, self._now = key, now

    def signed(self, path: str, fields: Mapping[str, str], lifetime_s: int = LIFETIME_S) -> str:
        """``path`` with the fields, when they end to count, and the signature as its query."""
        known = {**fields, "expires": str(int(self._now() + lifetime_s))}
        return f"{path}?{urlencode({**known, 'signature': self._signature(path, known)})}"

    def check(self, path: str, fields: Mapping[str, str]) -> None:
        """Nothing, if we signed just this and not too long ago.

        Raises:
            NotPermitted: somebody else wrote the address, or it is too old.
        """
        known = {name: value for name, value in fields.items() if name != "signature"}
        given = fields.get("signature", "")
        if not hmac.compare_digest(self._signature(path, known).encode(), given.encode("utf-8", "replace")):
            raise NotPermitted(
                "the address of this upload was not signed here", hint="begin the upload again"
            )
        if int(known.get("expires", "0")) < self._now():
            raise NotPermitted("the address of this upload has expired", hint="begin the upload again")

    def _signature(self, path: str, fields: Mapping[str, str]) -> str:
        # urlencode escapes every separator, so that no two sets of fields have one spelling
        spelled = f"{path}?{urlencode(sorted(fields.items()))}"
        return hmac.new(self._key, spelled.encode(), "sha256").hexdigest()


def caller_fields(principal: Principal) -> Mapping[str, str]:
    """Who asked to be let in, as fields to be signed."""
    return {"by": principal.name, "may": ",".join(sorted(principal.own))}


def signed_caller(fields: Mapping[str, str]) -> Principal:
    """Who asked, by fields that were checked; what the account may do by now is not in them."""
    permissions = frozenset(Permission(each) for each in fields["may"].split(",") if each)
    return Principal(name=fields["by"], permissions=permissions)
