"""What the gate says of a package, in a form that others can check without asking it.

An in-toto Statement v1 (github.com/in-toto/attestation, spec/v1/statement.md) about the manifest's
files, in a DSSE envelope (github.com/secure-systems-lab/dsse, protocol.md and envelope.md), signed
with ed25519 (RFC 8032).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, canonical, child, objects, text
from weighbridge.domain.package import Package
from weighbridge.domain.verdict import Verdict

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "urn:weighbridge:admission:v1"
"""The predicate of this registry; its fields are in docs/gate.md."""
MAX_ENVELOPE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A signed statement: its bytes as they were signed, and signatures by key id."""

    payload: bytes
    signatures: Mapping[str, bytes]

    def to_json(self) -> JsonObject:
        """The DSSE envelope: base64 as in RFC 4648, section 4."""
        return {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(self.payload).decode(),
            "signatures": [
                {"keyid": keyid, "sig": base64.b64encode(signature).decode()}
                for keyid, signature in self.signatures.items()
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """What a statement says: of which revision, which files by path with their sha256, and why."""

    files: Mapping[str, str]
    predicate: JsonObject

    @property
    def name(self) -> str:
        """The full repository id, as the statement says."""
        return text(child(self.predicate, "source"), "repo") or ""

    @property
    def commit(self) -> str:
        """The commit, as the statement says."""
        return text(child(self.predicate, "source"), "commit") or ""


def statement_of(package: Package, verdict: Verdict, *, upstream: str) -> JsonObject:
    """The statement about a package: its files, where they came from, how they were judged."""
    predicate: dict[str, Json] = {
        "source": {
            "repo": package.name,
            "kind": package.manifest.repo.kind.value,
            "commit": package.manifest.commit,
            "hub": upstream,
        },
        "package": {
            "id": package.id,
            "version": package.version.text,
            "admitted_at": package.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "admitted_by": package.created_by,
        },
        "verdict": {
            "outcome": verdict.outcome.value,
            "net_score": verdict.net_score,
            "scores": {score.metric: score.low for score in verdict.scores},
            "waived": [waiver.to_json() for waiver in verdict.waived],
            "scan": verdict.scan.verdict.word,
        },
        "versions": {
            "scan_rules": verdict.scan.rules,
            "metrics": {score.metric: score.version for score in verdict.scores},
        },
        "policy_sha256": verdict.policy.sha256,
        "evidence_sha256": package.evidence_sha256,
        "verdict_sha256": package.verdict_sha256,
    }
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": entry.path, "digest": {"sha256": entry.sha256}}
            for entry in package.manifest.files
            if entry.sha256
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }


def signed_bytes(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """What a signature is over: DSSE's PAE, ``DSSEv1 LEN(type) type LEN(body) body``."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sealed(statement: JsonObject, keyid: str, sign: Callable[[bytes], bytes]) -> Envelope:
    """The statement in its one spelling, signed."""
    payload = canonical(statement)
    return Envelope(payload=payload, signatures={keyid: sign(signed_bytes(payload))})


def envelope_from_bytes(content: bytes) -> Envelope:
    """Read a DSSE envelope; nothing of it is trusted yet.

    Raises:
        Invalid: it is none, or holds another kind of payload.
    """
    found = _object(content, "attestation")
    if text(found, "payloadType") != PAYLOAD_TYPE:
        raise Invalid("attestation", text(found, "payloadType") or "", f"is no {PAYLOAD_TYPE}")
    signatures = {
        text(one, "keyid") or "": _base64(text(one, "sig") or "") for one in objects(found, "signatures")
    }
    if not signatures:
        raise Invalid("attestation", "", "has no signature")
    return Envelope(payload=_base64(text(found, "payload") or ""), signatures=signatures)


def attested_in(payload: bytes) -> Attested:
    """What a statement says. Call it on a payload whose signature was checked.

    Raises:
        Invalid: it is no statement of a registry, or a file has no sha256.
    """
    found = _object(payload, "statement")
    if text(found, "_type") != STATEMENT_TYPE:
        raise Invalid("statement", text(found, "_type") or "", f"is no {STATEMENT_TYPE}")
    if text(found, "predicateType") != PREDICATE_TYPE:
        raise Invalid("statement", text(found, "predicateType") or "", f"is not about {PREDICATE_TYPE}")
    files: dict[str, str] = {}
    for subject in objects(found, "subject"):
        path, sha256 = text(subject, "name"), text(child(subject, "digest"), "sha256")
        if not path or not sha256 or path in files:
            raise Invalid("statement", path or "", "names a file twice or without sha256")
        files[path] = sha256
    return Attested(files=files, predicate=child(found, "predicate"))


def _object(content: bytes, what: str) -> JsonObject:
    try:
        found = json.loads(content, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Invalid(what, content[:20].decode("ascii", "replace"), "is no JSON") from error
    if not isinstance(found, dict):
        raise Invalid(what, str(found)[:20], "is no JSON object")
    return found


def _once(pairs: list[tuple[str, Json]]) -> JsonObject:
    """An object in which nothing stands twice: two readers would see two things."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _base64(spelled: str) -> bytes:
    """Either alphabet of RFC 4648 is taken, as the DSSE envelope asks."""
    try:
        return base64.b64decode(spelled.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("base64", spelled[:20], "cannot be decoded") from error
