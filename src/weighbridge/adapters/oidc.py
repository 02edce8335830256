"""Bearer tokens of other issuers (JSON Web Tokens, RFC 7519) are checked; the one home of PyJWT.

Nothing in a token says where its key comes from: ``jku``, ``x5u`` and ``jwk`` are not looked at. Keys
are asked of the issuers that the operator named, and of nobody else; a redirect is a failure.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from threading import BoundedSemaphore, Lock
from typing import Any

import jwt

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.issuer import Issuer, Vouched, same_place, vouched
from weighbridge.errors import HubDown, IssuerDown, NotAuthenticated

MAX_TOKEN_CHARS = 16_384
MAX_DOCUMENT_BYTES = 256 * 1024
LEEWAY_S = 60
"""By how much the clocks of issuer and registry may differ."""
KEYS_LAST_S = 3600.0
"""A key that the issuer took away counts no longer than this."""
ASKED_AGAIN_S = 30.0
"""However many tokens name unknown keys, an issuer is not asked more often."""
_MOST_KEYS = 100
_LEAST_RSA_BITS = 2048
_WAITING = 4
_KINDS = {"RS": ("RSA", {""}), "ES": ("EC", {""}), "Ed": ("OKP", {"Ed25519", "Ed448"})}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}

Fetch = Callable[[str, int], bytes]
"""The document at an address, of at most so many bytes; raises HubDown."""


class Issuers:
    """Safe for many threads. ``clock`` gives seconds that never go back."""

    def __init__(
        self, issuers: Sequence[Issuer], fetch: Fetch, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keyrings = {issuer.url: _Keyring(issuer, fetch, clock) for issuer in issuers}

    def may_be(self, token: str) -> bool:
        """Whether it has the form of such a token, and there is an issuer that it could be from."""
        return bool(self._keyrings) and token.count(".") == 2

    def vouched(self, token: str) -> Vouched:
        """Who a token speaks for.

        Raises:
            NotAuthenticated: it does not count; the message tells why and nothing that is in it.
            IssuerDown: its issuer has to be asked for a key, and does not answer.
        """
        if len(token) > MAX_TOKEN_CHARS:
            raise _refused("it is too long")
        try:
            header = jwt.get_unverified_header(token)
            stated = jwt.decode(token, options={"verify_signature": False}).get("iss")
            keyring = self._keyrings.get(stated) if isinstance(stated, str) else None
            if keyring is None:
                raise _refused("its issuer is not one that this registry believes")
            issuer, algorithm = keyring.issuer, header.get("alg")
            if algorithm not in issuer.algorithms:
                raise _refused("it is not signed as it must be")
            if "crit" in header:
                raise _refused("it asks for an extension that is not known here")
            claims = jwt.decode(
                token,
                keyring.key(header.get("kid"), algorithm),
                algorithms=[algorithm],
                audience=issuer.audience,
                issuer=issuer.url,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            return vouched(issuer, claims)
        except jwt.ExpiredSignatureError:
            raise _refused("it has expired") from None
        except Invalid as error:
            raise _refused(f"its {error}") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise _refused(f"it is not in order ({type(error).__name__})") from None


class _Keyring:
    """The keys of one issuer, asked for when one is needed."""

    def __init__(self, issuer: Issuer, fetch: Fetch, clock: Callable[[], float]) -> None:
        self.issuer, self._fetch, self._clock = issuer, fetch, clock
        self._keys: Sequence[Mapping[str, Any]] = ()
        self._fetched_at = self._asked_at = float("-inf")
        self._turn, self._waiting = Lock(), BoundedSemaphore(_WAITING)

    def key(self, kid: object, algorithm: str) -> jwt.PyJWK:
        """The key that a token names; without a name, the only one for its algorithm.

        Raises:
            NotAuthenticated: the issuer has no such key.
            IssuerDown: it has to be asked and does not answer.
        """
        found = self._found(kid, algorithm)
        if found is None and self._waiting.acquire(blocking=False):
            try:
                with self._turn:
                    found = self._found(kid, algorithm) or self._asked(kid, algorithm)
            finally:
                self._waiting.release()
        elif found is None:
            raise self._down("others are asking it already")
        if found is None:
            raise _refused("its issuer has no such key")
        return jwt.PyJWK(dict(found), algorithm=algorithm)

    def _asked(self, kid: object, algorithm: str) -> Mapping[str, Any] | None:
        at = self._clock()
        if at < self._asked_at + ASKED_AGAIN_S:
            if at < self._fetched_at + KEYS_LAST_S:
                return None
            raise self._down("it did not answer a moment ago")
        self._asked_at = at
        try:
            self._keys = self._documents()
        except (HubDown, ValueError, RecursionError) as error:
            raise self._down(str(error)) from None
        self._fetched_at = at
        return self._found(kid, algorithm)

    def _found(self, kid: object, algorithm: str) -> Mapping[str, Any] | None:
        if self._clock() >= self._fetched_at + KEYS_LAST_S:
            return None
        fitting = [key for key in self._keys if _fits(key, algorithm)]
        if kid is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.get("kid") == kid), None)

    def _documents(self) -> Sequence[Mapping[str, Any]]:
        url = self.issuer.keys_url
        if not url:
            told = self._object(self.issuer.description_url)
            if told.get("issuer") != self.issuer.url:
                raise ValueError("it describes another issuer")
            url = str(told.get("jwks_uri"))
            if not same_place(url, self.issuer.url):
                raise ValueError("its keys are at another host; 'keys_url' may name it")
        keys = self._object(url).get("keys")
        if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
            raise ValueError("what should be its keys are none")
        return [key for key in keys if isinstance(key, dict)]

    def _object(self, url: str) -> Mapping[str, Any]:
        found = json.loads(self._fetch(url, MAX_DOCUMENT_BYTES))
        if not isinstance(found, dict):
            raise ValueError("it answers with something else than an object")
        return found

    def _down(self, why: str) -> IssuerDown:
        return IssuerDown(self.issuer.label, why)


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a key (RFC 7517) is for signatures by an algorithm, and strong enough."""
    kind, curves = _KINDS[algorithm[:2]]
    if algorithm in _CURVES:
        curves = {_CURVES[algorithm]}
    return (
        key.get("kty") == kind
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and key.get("crv", "") in curves
        and (kind != "RSA" or len(str(key.get("n", ""))) * 6 >= _LEAST_RSA_BITS)
    )


def _refused(why: str) -> NotAuthenticated:
    return NotAuthenticated(f"the token of another issuer does not count: {why}")
