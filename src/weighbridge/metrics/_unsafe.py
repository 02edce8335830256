"""What is known to be unsafe about a revision's files, as caps."""

from __future__ import annotations

from weighbridge.domain.evidence import Evidence, SourceState, weight_format
from weighbridge.domain.json_values import child, objects, text
from weighbridge.domain.score import Cap, Proof
from weighbridge.metrics._proofs import hub_field, listed

UNSAFE_CAP = 0.2
_CAPS_SHOWN = 10
_READ = frozenset({"safetensors", "gguf"})
"""Formats whose headers are looked into once the weights are here."""
_UNSAFE_LEVELS = frozenset({"unsafe", "suspicious"})
_LATER = "Try again when the files can be fetched."


def unsafe_caps(evidence: Evidence) -> list[Cap]:
    """What is known to be unsafe.

    The Hub's own scanners can only take away: where their word could not be read, nothing is held
    against the model, for their "safe" would not count either. Headers that nobody has looked into
    yet may still turn out to be none.
    """
    issues = objects(child(evidence.info, "securityRepoStatus"), "filesWithIssues")
    found = [
        _cap(path, f"the Hub's scanners call it {level}", hub_field("securityRepoStatus", dict(issue)))
        for issue in sorted(issues, key=lambda issue: text(issue, "path") or "")
        if (level := text(issue, "level")) in _UNSAFE_LEVELS and (path := text(issue, "path"))
    ]
    for path, rule in sorted(evidence.blocked.items()):
        proof = Proof(source="registry", path="scan", locator=path, excerpt=rule)
        found.append(_cap(path, f"the scanners block it ({rule})", proof))
    for path, header in sorted(evidence.headers.items()):
        if error := text(header, "error"):
            found.append(_cap(path, f"its header cannot be read: {error}", listed(evidence, path)))
    if not found and evidence.state("headers") is SourceState.UNREACHABLE:
        found += _unread_headers(evidence)
    return found[:_CAPS_SHOWN]


def _unread_headers(evidence: Evidence) -> list[Cap]:
    """A cap that may hold, where there are headers to look into and nobody has."""
    path = next((p for p in sorted(evidence.manifest.by_path) if weight_format(p) in _READ), None)
    if path is None:
        return []
    why = evidence.sources["headers"].reason if "headers" in evidence.sources else "not read"
    reason = f"whether {path} is what its name says is not known: {why}"
    return [Cap(limit=UNSAFE_CAP, reason=reason, how_to_improve=_LATER, is_certain=False)]


def _cap(path: str, why: str, proof: Proof) -> Cap:
    remedy = f"Remove {path}, or write it again in a safe format."
    return Cap(limit=UNSAFE_CAP, reason=f"{path}: {why}", proofs=(proof,), how_to_improve=remedy)
