"""What a bundle says of a package, held against what the other registry signed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from weighbridge.adapters.attestation_key import PublicKey
from weighbridge.domain.attestation import Attested, attested_in, envelope_from_bytes
from weighbridge.domain.bundle import Packed
from weighbridge.domain.case import Case
from weighbridge.domain.evidence import Evidence, evidence_from_json
from weighbridge.domain.json_values import JsonObject, canonical, child, mended, text
from weighbridge.domain.verdict import Outcome, Verdict
from weighbridge.errors import BadBundle
from weighbridge.flows.weighing import Scales, weigh_case
from weighbridge.ports import BlobStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """A package of another registry: what it looked at, what it said, and the Hub that it had asked."""

    evidence: Evidence
    verdict: Verdict
    hub: str


def vouched(place: str, packed: Packed, key: PublicKey, blobs: BlobStore) -> Vouched:
    """Read a package's papers out of the store, and make sure that they are what was signed.

    Raises:
        BadSignature: the statement about it was not signed by the key.
        BadBundle: the papers cannot be read, or speak of something else.
    """
    try:
        with blobs.open(packed.papers["attestation"]) as file:
            envelope = envelope_from_bytes(file.read())
        key.check(envelope)
        attested = attested_in(envelope.payload)
        evidence = evidence_from_json(_document(blobs, packed.papers["evidence"]))
        verdict = Verdict.from_json(_document(blobs, packed.papers["verdict"]))
    except (ValueError, RecursionError) as error:  # Invalid, or a state that does not exist
        raise BadBundle(place, packed.label, f"has papers that cannot be read: {error}") from error
    if why := _lie(packed, attested, evidence, verdict):
        raise BadBundle(place, packed.label, why, hint="ask its maker for another")
    return Vouched(evidence=evidence, verdict=verdict, hub=_address(attested))


def _document(blobs: BlobStore, sha256: str) -> JsonObject:
    with blobs.open(sha256) as file:
        parsed = json.load(file)
    mended(parsed)  # raises where it is nested too deeply to be written again
    if not isinstance(parsed, dict):
        raise ValueError("a paper is no JSON object")
    return parsed


def _lie(packed: Packed, attested: Attested, evidence: Evidence, verdict: Verdict) -> str:
    """What of a package was not signed as it stands here; empty where everything was."""
    repo, commit = packed.manifest.repo, packed.manifest.commit
    signed, source = attested.predicate, child(attested.predicate, "source")
    if (attested.name, text(source, "kind"), attested.commit) != (repo.full_name, repo.kind.value, commit):
        return f"comes with a statement about {attested.name}@{attested.commit[:12]}"
    package = child(signed, "package")
    if (text(package, "version"), text(package, "admitted_at")) != (packed.version.text, packed.created_at):
        return "was signed under another version or time"
    if dict(attested.files) != {entry.path: entry.sha256 for entry in packed.manifest.files}:
        return "has other files than were signed"
    for paper in ("evidence", "verdict"):
        if text(signed, f"{paper}_sha256") != packed.papers[paper]:
            return f"comes with another {paper} than was signed"
    if (evidence.manifest.repo, evidence.manifest.commit) != (repo, commit) or packed.manifest.diff(
        evidence.manifest
    ):
        return "comes with evidence of another revision"
    if (verdict.repo, verdict.commit, verdict.outcome) != (repo.full_name, commit, Outcome.ACCEPTED):
        return "comes with a verdict that does not accept it"
    return ""


def _address(attested: Attested) -> str:
    """The Hub's address as it was signed; it will stand in links."""
    hub = text(child(attested.predicate, "source"), "hub") or ""
    plain = hub.isascii() and hub.isprintable() and len(hub) <= 300 and " " not in hub
    return hub if plain and hub.startswith(("https://", "http://")) else ""


def follows(packed: Packed, said: Vouched, scales: Scales) -> bool | None:
    """Whether the other registry's verdict comes out again, bit for bit, of its own case.

    None where the metrics here are of other versions, so that nothing can be told.
    """
    case = Case(evidence=said.evidence, scan=said.verdict.scan, policy=said.verdict.policy, as_of=packed.day)
    again = weigh_case(case, scales)
    if [(s.metric, s.version) for s in again.all_scores] != [
        (s.metric, s.version) for s in said.verdict.all_scores
    ]:
        return None
    return canonical(again.to_json()) == canonical(said.verdict.to_json())
