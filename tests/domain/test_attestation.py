"""Attestations: what is signed, how it is spelled, and what is refused."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.papers import package_of, verdict_of
from tests.metrics.models import MODELS
from weighbridge.domain.attestation import (
    PREDICATE_TYPE,
    STATEMENT_TYPE,
    Envelope,
    attested_in,
    envelope_from_bytes,
    sealed,
    signed_bytes,
    statement_of,
)
from weighbridge.domain.invalid import Invalid

EVIDENCE = next(iter(MODELS.values()))()
VERDICT = verdict_of(EVIDENCE)
STATEMENT = statement_of(package_of(EVIDENCE, VERDICT), VERDICT, upstream="https://huggingface.co")


def test_what_is_signed_is_spelled_as_in_the_specification() -> None:
    # the example of DSSE's protocol.md
    signed = signed_bytes(b"hello world", "http://example.com/HelloWorld")
    assert signed == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_the_statement_names_every_file_and_why_it_was_let_in() -> None:
    told = attested_in(sealed(STATEMENT, "k", lambda _: b"s").payload)
    assert told.files == {e.path: e.sha256 for e in EVIDENCE.manifest.files if e.sha256}
    assert (told.name, told.commit) == (EVIDENCE.repo.full_name, EVIDENCE.manifest.commit)
    assert told.predicate["policy_sha256"] == VERDICT.policy.sha256
    assert told.predicate["versions"] == {
        "scan_rules": "7",
        "metrics": {score.metric: score.version for score in VERDICT.scores},
    }


def test_an_envelope_comes_back_as_it_was() -> None:
    made = sealed(STATEMENT, "k", lambda content: content[:3])
    spelled = made.to_json()
    assert spelled["payloadType"] == "application/vnd.in-toto+json"
    read = envelope_from_bytes(json.dumps(spelled).encode())
    assert (read.payload, dict(read.signatures)) == (made.payload, {"k": b"DSS"})


def test_the_url_safe_alphabet_is_read_too() -> None:
    made = sealed(STATEMENT, "k", lambda _: b"\xfb\xff\xfe")
    spelled = json.dumps(made.to_json())
    assert "+//+" in spelled
    assert envelope_from_bytes(spelled.replace("+//+", "-__-").encode()).signatures["k"] == b"\xfb\xff\xfe"


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.text(max_size=5), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_anything_else_is_no_envelope(content: bytes) -> None:
    with pytest.raises(Invalid):
        envelope_from_bytes(content)


@pytest.mark.parametrize(
    "wrong",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "https://slsa.dev/provenance/v1"},
        {"subject": [{"name": "a", "digest": {"sha1": "b"}}]},
        {"subject": [{"name": "a", "digest": {"sha256": "b"}}, {"name": "a", "digest": {"sha256": "c"}}]},
    ],
)
def test_another_statement_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        attested_in(json.dumps({**STATEMENT, **wrong}).encode())


def test_another_payload_is_refused() -> None:
    body = base64.b64encode(b"{}").decode()
    for envelope in (
        {"payloadType": "text/plain", "payload": body, "signatures": [{"keyid": "k", "sig": body}]},
        {"payloadType": "application/vnd.in-toto+json", "payload": body, "signatures": []},
        {"payloadType": "application/vnd.in-toto+json", "payload": "!", "signatures": [{"sig": body}]},
    ):
        with pytest.raises(Invalid):
            envelope_from_bytes(json.dumps(envelope).encode())


@pytest.mark.parametrize("twice", ["payload", "payloadType", "signatures"])
def test_an_envelope_in_which_something_stands_twice_is_none(twice: str) -> None:
    content = json.dumps(Envelope(payload=b"{}", signatures={"k": b"s"}).to_json())
    doubled = content[:-1] + f', "{twice}": ' + json.dumps(json.loads(content)[twice]) + "}"
    assert envelope_from_bytes(content.encode())
    with pytest.raises(Invalid):
        envelope_from_bytes(doubled.encode())


@pytest.mark.parametrize("twice", ["subject", "predicate"])
def test_nor_is_a_statement(twice: str) -> None:
    content = json.dumps(
        {"_type": STATEMENT_TYPE, "predicateType": PREDICATE_TYPE, "subject": [], "predicate": {}}
    )
    assert attested_in(content.encode()).files == {}
    with pytest.raises(Invalid):
        attested_in((content[:-1] + f', "{twice}": null}}').encode())
