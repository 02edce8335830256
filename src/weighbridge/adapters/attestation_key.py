"""The key by which this registry signs attestations, and the checking of such signatures.

    <home>/attestation.key          ed25519 (RFC 8032), PKCS #8 in PEM, mode 0600

It is made by whoever asks first. Whoever copies a home copies it; whoever loses it cannot sign under
the same name again, and what was signed can still be checked with the public key.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from weighbridge.adapters.private_file import LIMIT_BYTES, private_file
from weighbridge.domain.attestation import Envelope, signed_bytes
from weighbridge.errors import BadInput, BadSignature, StoreDown

_NAME = "attestation.key"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who signs. ``pem`` is a SubjectPublicKeyInfo (RFC 8410); ``id`` is the sha256 of its DER form."""

    pem: str
    id: str

    def check(self, envelope: Envelope) -> None:
        """Make sure that this key signed the envelope; a key id is a hint only, as DSSE says.

        Raises:
            BadSignature: none of its signatures is by this key over this payload.
        """
        key, signed = _public(self.pem.encode()), signed_bytes(envelope.payload)
        for signature in envelope.signatures.values():
            with suppress(InvalidSignature):
                key.verify(signature, signed)
                return
        raise BadSignature(
            f"the attestation is not signed by the key {self.id[:16]}, or was changed since",
            hint="give its maker's public key as --key; 'weighbridge attestation-key' prints it there",
        )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key of a home."""

    _key: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        """What others need to check its signatures."""
        return _told(self._key.public_key())

    def sign(self, content: bytes) -> bytes:
        """64 bytes; the same content always has the same signature."""
        return self._key.sign(content)


def attestation_key(home: Path) -> SigningKey:
    """The home's key, made where there is none.

    Raises:
        StoreDown: it cannot be read or made, is none, or others may read it.
    """
    place = home / _NAME
    remedy = "move it away: a new one is made; tell those who check attestations"
    content = private_file(place, _made, remedy=remedy)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise StoreDown(
            f"what stands at '{place}' is no key", hint="move it away: a new one is made"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreDown(f"the key at '{place}' is not ed25519", hint="move it away: a new one is made")
    return SigningKey(key)


def public_key_in(content: bytes) -> PublicKey:
    """A public key out of its PEM file.

    Raises:
        BadInput: it is none, or not of ed25519.
    """
    return _told(_public(content))


def _public(content: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(content[:LIMIT_BYTES])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadInput(
            "this is no public key in PEM", hint="weighbridge attestation-key prints one"
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput("this public key is not ed25519", hint="weighbridge attestation-key prints one")
    return key


def _told(key: Ed25519PublicKey) -> PublicKey:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return PublicKey(pem=pem, id=hashlib.sha256(der).hexdigest())


def _made() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
