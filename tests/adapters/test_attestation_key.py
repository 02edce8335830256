"""The key of attestations is made once, is nobody else's to read, and its signatures hold elsewhere."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from weighbridge.adapters.attestation_key import attestation_key, public_key_in
from weighbridge.domain.attestation import sealed, signed_bytes
from weighbridge.errors import BadInput, BadSignature, StoreDown


def test_it_stays_and_is_private(tmp_path: Path) -> None:
    first, again = attestation_key(tmp_path), attestation_key(tmp_path)
    assert first.public == again.public
    assert first.sign(b"x") == again.sign(b"x")
    assert stat.S_IMODE((tmp_path / "attestation.key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["attestation.key"]
    assert "PRIVATE" not in first.public.pem
    assert "PRIVATE" not in repr(first)


def test_all_who_come_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: attestation_key(tmp_path).public.id, range(64)))) == 1


def test_anybody_can_check_a_signature_with_the_public_key_alone(tmp_path: Path) -> None:
    key = attestation_key(tmp_path)
    envelope = sealed({"a": 1}, key.public.id, key.sign)
    public_key_in(key.public.pem.encode()).check(envelope)
    other = load_pem_public_key(key.public.pem.encode())
    other.verify(envelope.signatures[key.public.id], signed_bytes(envelope.payload))  # type: ignore[call-arg,union-attr]


def test_what_was_changed_or_signed_by_another_does_not_hold(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    key, other = attestation_key(tmp_path), attestation_key(tmp_path / "other")
    envelope = sealed({"a": 1}, key.public.id, key.sign)
    for wrong in (
        replace(envelope, payload=b'{"a":2}'),
        replace(envelope, signatures={key.public.id: b"x" * 64}),
        replace(envelope, signatures={key.public.id: other.sign(signed_bytes(envelope.payload))}),
    ):
        with pytest.raises(BadSignature):
            key.public.check(wrong)
    with pytest.raises(BadSignature):
        other.public.check(envelope)


@pytest.mark.parametrize(
    "content", [b"", b"short", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "attestation.key"
    place.write_bytes(content)
    place.chmod(0o600)
    with pytest.raises(StoreDown, match="is no key"):
        attestation_key(tmp_path)
    with pytest.raises(BadInput):
        public_key_in(content)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_one_that_others_may_read(tmp_path: Path, mode: int) -> None:
    attestation_key(tmp_path)
    (tmp_path / "attestation.key").chmod(mode)
    with pytest.raises(StoreDown, match="may be read by others"):
        attestation_key(tmp_path)


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "none").write_text("a file")
    with pytest.raises(StoreDown, match=r"attestation\.key"):
        attestation_key(tmp_path / "none")
