"""Whether a witness says what it is quoted with."""

from __future__ import annotations

from weighbridge.domain.evidence import Evidence
from weighbridge.domain.json_values import canonical
from weighbridge.domain.score import EXCERPT_LIMIT, Proof


def occurs(proof: Proof, evidence: Evidence) -> bool:
    """Whether the excerpt really stands in the file, field, listing or note that it names."""
    if proof.source == "file":
        return proof.path in evidence.texts and proof.excerpt in evidence.texts[proof.path].content
    if proof.source == "operator":
        said = (entry for note in evidence.notes for entry in note.entries)
        return any(canonical(entry).decode().startswith(proof.excerpt) for entry in said)
    if proof.source == "registry":
        return _in_registry(proof, evidence)
    return _at_hub(proof, evidence)


def _in_registry(proof: Proof, evidence: Evidence) -> bool:
    if proof.path == "scan":
        return evidence.blocked[proof.locator] == proof.excerpt
    if proof.locator == "net_score":
        return any(p.id == proof.path and f"{p.net_score:.4f}" == proof.excerpt for p in evidence.parents)
    found = [r for r in evidence.resemblances if (r.repo, r.likeness.value) == (proof.path, proof.locator)]
    return any(r.subject in proof.excerpt for r in found)


def _at_hub(proof: Proof, evidence: Evidence) -> bool:
    if proof.path == "files":
        return str(evidence.manifest.by_path[proof.locator].size_bytes) == proof.excerpt
    if proof.path == "commits":
        made = [c for c in evidence.commits if c.id.startswith(proof.locator)]
        spelled = {said for c in made for said in (c.title, f"{c.authors[0]}: {c.title}")}
        return proof.excerpt in {said[:EXCERPT_LIMIT] for said in spelled}
    if proof.path == "discussions":
        asked = [d for d in evidence.discussions if f"#{d.number}" == proof.locator]
        return any(f"{d.author}: {d.title}"[:EXCERPT_LIMIT] == proof.excerpt for d in asked)
    if proof.path == "owner":
        return evidence.owner is not None and evidence.owner.name == proof.locator
    if proof.path == "info":
        return _within(proof.excerpt, evidence.info.get(proof.locator.split(".")[0]))
    data_set = next((each for each in evidence.data_sets if each.id == proof.path), None)
    if data_set is not None:
        stated = (data_set.info or {}).get(proof.locator)
        return _within(proof.excerpt, stated) or proof.excerpt in ", ".join(stated)  # type: ignore[arg-type]
    parent = next(parent for parent in evidence.parents if parent.id == proof.path)
    if proof.locator == "weight_bytes":
        return proof.excerpt == str(parent.weight_bytes)
    return _within(proof.excerpt, (parent.info or {}).get(proof.locator.split(".")[0]))


def _within(excerpt: str, value: object) -> bool:
    return excerpt in canonical(value).decode() or excerpt == value  # type: ignore[arg-type]
